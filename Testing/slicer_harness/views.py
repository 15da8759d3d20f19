"""What a Slicer user sees, off-screen: slice views and a 3D view by slicer-core's own managers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

_SLICE_MANAGERS = (
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLMarkupsDisplayableManager",
)
_THREE_D_MANAGERS = (
    "vtkMRMLModelDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D",
    "vtkMRMLMarkupsDisplayableManager",
)
BAR = {"Red": (243, 74, 51), "Green": (110, 176, 75), "Yellow": (237, 213, 76)}
BAR_HEIGHT = 6


class SliceView:
    """One of the scene's slice nodes, drawn as the application draws it.

    Args:
        scene: vtkMRMLScene with the slice node in it.
        node: vtkMRMLSliceNode.
        size: width and height in pixels.
    """

    def __init__(self, scene: Any, node: Any, size: tuple[int, int]) -> None:
        self.node = node
        self._application = slicer.app.applicationLogic()
        node.SetDimensions(size[0], size[1], 1)
        width, height, depth = node.GetFieldOfView()
        across = min(width, height)
        if size[0] >= size[1]:
            node.SetFieldOfView(across * size[0] / size[1], across, depth)
        else:
            node.SetFieldOfView(across, across * size[1] / size[0], depth)
        self._logic = slicer.vtkMRMLSliceLogic()
        self._logic.SetMRMLApplicationLogic(self._application)
        self._logic.SetMRMLScene(scene)
        self._logic.SetSliceNode(node)
        self._window = _window(size)
        back = vtk.vtkRenderer()
        back.SetLayer(0)
        front = vtk.vtkRenderer()
        front.SetLayer(1)
        for renderer in (back, front):
            renderer.GetActiveCamera().ParallelProjectionOn()
        self._window.SetNumberOfLayers(2)
        self._window.SetAlphaBitPlanes(1)
        self._window.AddRenderer(back)
        self._window.AddRenderer(front)
        mapper = vtk.vtkImageMapper()
        mapper.SetColorWindow(255)
        mapper.SetColorLevel(127.5)
        self._mapper = mapper
        actor = vtk.vtkActor2D()
        actor.SetMapper(mapper)
        actor.GetProperty().SetDisplayLocationToBackground()
        back.AddViewProp(actor)
        self._managers = _managers(
            slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance(),
            _SLICE_MANAGERS,
            self._application,
            scene,
            front,
            node,
        )

    def setBackground(self, volumeNode: Any) -> None:
        """The image that is shown."""
        self._logic.GetSliceCompositeNode().SetBackgroundVolumeID(volumeNode.GetID())

    def toArray(self) -> np.ndarray:
        """(height, width, 3) uint8, top row first."""
        self._logic.UpdatePipeline()
        self._mapper.SetInputConnection(self._logic.GetImageDataConnection())
        return _picture(self._window)


class ThreeDView:
    """Surfaces and boxes in space.

    Args:
        scene: vtkMRMLScene.
        size: width and height in pixels.
    """

    def __init__(self, scene: Any, size: tuple[int, int]) -> None:
        self._application = slicer.app.applicationLogic()
        node = slicer.vtkMRMLViewNode()
        node.SetName("View1")
        node.SetLayoutName("1")
        node.SetMappedInLayout(1)
        node.SetBoxVisible(False)
        node.SetAxisLabelsVisible(False)
        self.node = scene.AddNode(node)
        self._scene = scene
        self._window = _window(size)
        self._renderer = vtk.vtkRenderer()
        self._renderer.SetBackground(0.09, 0.10, 0.13)
        self._window.AddRenderer(self._renderer)
        self._managers = _managers(
            slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance(),
            _THREE_D_MANAGERS,
            self._application,
            scene,
            self._renderer,
            node,
        )

    def toArray(self) -> np.ndarray:
        """(height, width, 3) uint8, top row first; seen from the front, a little from above."""
        self._renderer.ResetCamera()
        camera = self._renderer.GetActiveCamera()
        centre = np.array(camera.GetFocalPoint())
        camera.SetPosition(*(centre + camera.GetDistance() * np.array([0.45, 0.8, 0.35])))
        camera.SetViewUp(0, 0, 1)
        self._renderer.ResetCamera()
        self._renderer.ResetCameraClippingRange()
        return _picture(self._window)

    def close(self) -> None:
        """Take the view's node out of the scene."""
        self._scene.RemoveNode(self.node)


def renderLayout(
    scene: Any, volumeNode: Any, path: Path, size: tuple[int, int] = (1200, 900)
) -> None:
    """Slicer's four-up layout as a PNG: axial, 3D, coronal, sagittal, where the slice nodes are.

    The slice nodes' field of view is kept along its shorter side.
    """
    part = (size[0] // 2, size[1] // 2)
    pictures = {}
    for name in ("Red", "Green", "Yellow"):
        node = next(
            scene.GetNthNodeByClass(n, "vtkMRMLSliceNode")
            for n in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceNode"))
            if scene.GetNthNodeByClass(n, "vtkMRMLSliceNode").GetLayoutName() == name
        )
        view = SliceView(scene, node, part)
        view.setBackground(volumeNode)
        picture = view.toArray()
        picture[:BAR_HEIGHT] = BAR[name]
        pictures[name] = picture
    space = ThreeDView(scene, part)
    pictures["1"] = space.toArray()
    space.close()
    pictures["1"][:BAR_HEIGHT] = (116, 116, 240)
    gap = np.full((part[1], 2, 3), 40, np.uint8)
    rows = [
        np.hstack([pictures["Red"], gap, pictures["1"]]),
        np.hstack([pictures["Green"], gap, pictures["Yellow"]]),
    ]
    _write(path, np.vstack(rows))


def _window(size: tuple[int, int]) -> Any:
    window = vtk.vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(0)
    window.SetSize(*size)
    return window


def _managers(
    factory: Any, names: tuple[str, ...], application: Any, scene: Any, renderer: Any, node: Any
) -> Any:
    factory.SetMRMLApplicationLogic(application)
    for name in names:
        if not factory.IsDisplayableManagerRegistered(name):
            factory.RegisterDisplayableManager(name)
    interactor = vtk.vtkGenericRenderWindowInteractor()
    interactor.SetRenderWindow(renderer.GetRenderWindow())
    group = slicer.vtkMRMLDisplayableManagerGroup()
    group.SetRenderer(renderer)
    for name in names:
        manager = slicer.vtkMRMLDisplayableManagerGroup.InstantiateDisplayableManager(name)
        manager.SetMRMLApplicationLogic(application)
        group.AddDisplayableManager(manager)
    group.SetMRMLDisplayableNode(node)
    return group, interactor


def _picture(window: Any) -> np.ndarray:
    window.Render()
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.SetInputBufferTypeToRGB()
    grab.ReadFrontBufferOff()
    grab.Update()
    image = grab.GetOutput()
    width, height, _ = image.GetDimensions()
    values = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, 3)
    return values[::-1].copy()


def _write(path: Path, picture: np.ndarray) -> None:
    from matplotlib.image import imsave

    imsave(path, picture)
