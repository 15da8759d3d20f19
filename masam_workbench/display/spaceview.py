"""The 3D view."""

from __future__ import annotations

from typing import Any

import slicer
import vtk

from masam_workbench.display.view import View

MANAGERS = (
    "vtkMRMLCameraDisplayableManager",
    "vtkMRMLViewDisplayableManager",
    "vtkMRMLModelDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D",
    "vtkMRMLMarkupsDisplayableManager",
)
BACKGROUND = (0.035, 0.04, 0.05)
AROUND = 0.15  # of the largest side
FROM = (0.45, 0.8, 0.35)  # the camera's direction: from the front, a little from the left and above


class SpaceView(View):
    """Surfaces and boxes in space.

    Args:
        scene: vtkMRMLScene.
        applicationLogic: vtkMRMLApplicationLogic.

    Attributes:
        node: vtkMRMLViewNode.
    """

    def __init__(self, scene: Any, applicationLogic: Any) -> None:
        factory = slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance()
        super().__init__(factory, MANAGERS, applicationLogic)
        self.window.SetMultiSamples(4)
        self._style = slicer.vtkMRMLThreeDViewInteractorStyle()
        self._style.SetDisplayableManagers(self.managers)
        self._style.SetInteractor(self.interactor)
        self.interactor.SetInteractorStyle(vtk.vtkInteractorStyle3D())
        self.logic = slicer.vtkMRMLViewLogic()
        self.logic.SetMRMLApplicationLogic(applicationLogic)
        applicationLogic.GetViewLogics().AddItem(self.logic)
        self.logic.SetMRMLScene(scene)
        self.node = self.logic.AddViewNode("1")
        self.node.SetMappedInLayout(1)
        self.node.SetBoxVisible(False)
        self.node.SetAxisLabelsVisible(False)
        self.node.SetBackgroundColor(*BACKGROUND)
        self.node.SetBackgroundColor2(*BACKGROUND)
        self.managers.SetMRMLDisplayableNode(self.node)

    def resize(self, width: int, height: int) -> None:
        """Give the window another size, in pixels."""
        super().resize(width, height)
        self.onChange()

    def fit(self, node: Any = None) -> None:
        """Turn to a node, or to all that there is to see; from the front."""
        bounds = [0.0] * 6
        if node is not None:
            node.GetRASBounds(bounds)
            reach = max(high - low for low, high in zip(bounds[::2], bounds[1::2], strict=True))
            if reach <= 0:
                return
            # Its surroundings too: the box around it, and the slice through it.
            bounds = [
                b + (AROUND * reach if n % 2 else -AROUND * reach) for n, b in enumerate(bounds)
            ]
        self._reset(bounds if node is not None else None)
        camera = self.renderer.GetActiveCamera()
        centre, distance = camera.GetFocalPoint(), camera.GetDistance()
        camera.SetPosition(*[c + distance * d for c, d in zip(centre, FROM, strict=True)])
        camera.SetViewUp(0.0, 0.0, 1.0)
        self._reset(bounds if node is not None else None)
        self.renderer.ResetCameraClippingRange()
        self.onChange()

    def _reset(self, bounds: list[float] | None) -> None:
        if bounds is None:
            self.renderer.ResetCamera()
        else:
            self.renderer.ResetCamera(bounds)
