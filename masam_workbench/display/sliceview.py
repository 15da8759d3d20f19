"""A slice view."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk

from masam_workbench.display.view import View

MANAGERS = (
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLMarkupsDisplayableManager",
)


class SliceView(View):
    """Image, overlay and boxes in one plane.

    Args:
        scene: vtkMRMLScene.
        applicationLogic: vtkMRMLApplicationLogic.
        name: Red, Green or Yellow, as in Slicer.
        orientation: Axial, Coronal or Sagittal.

    Attributes:
        node: vtkMRMLSliceNode.
        logic: vtkMRMLSliceLogic.
    """

    def __init__(self, scene: Any, applicationLogic: Any, name: str, orientation: str) -> None:
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        super().__init__(factory, MANAGERS, applicationLogic)
        self.renderer.GetActiveCamera().ParallelProjectionOn()
        overlay = vtk.vtkRenderer()
        overlay.GetActiveCamera().ParallelProjectionOn()
        overlay.SetLayer(1)
        self.window.SetNumberOfLayers(2)
        self.window.SetAlphaBitPlanes(1)
        self.window.AddRenderer(overlay)
        self._mapper = vtk.vtkImageMapper()  # the pipeline gives 8-bit colours: shown as they are
        self._mapper.SetColorWindow(255)
        self._mapper.SetColorLevel(127.5)
        self._actor = vtk.vtkActor2D()
        self._actor.SetMapper(self._mapper)
        self._actor.GetProperty().SetDisplayLocationToBackground()
        self._actor.SetVisibility(False)
        self.renderer.AddViewProp(self._actor)
        self.logic = slicer.vtkMRMLSliceLogic()
        self.logic.SetMRMLApplicationLogic(applicationLogic)
        self.logic.AddObserver(vtk.vtkCommand.ModifiedEvent, self._onLogic)
        applicationLogic.GetSliceLogics().AddItem(self.logic)
        self.logic.SetMRMLScene(scene)
        self.node = self.logic.AddSliceNode(name)
        self.node.SetOrientation(orientation)
        self.node.SetMappedInLayout(1)
        self.managers.SetMRMLDisplayableNode(self.node)
        self._fitted: tuple[float, ...] | None = None  # what was seen when all was shown
        self._style = slicer.vtkMRMLSliceViewInteractorStyle()
        self._style.SetSliceLogic(self.logic)
        self._style.SetDisplayableManagers(self.managers)
        self.interactor.SetInteractorStyle(vtk.vtkInteractorStyleUser())
        self._style.SetInteractor(self.interactor)

    def setBackground(self, volumeNode: Any) -> None:
        """The image that is shown, or None."""
        composite = self.logic.GetSliceCompositeNode()
        composite.SetBackgroundVolumeID(volumeNode.GetID() if volumeNode is not None else None)

    def fit(self, volumeNode: Any) -> None:
        """Show the whole volume, in its own planes."""
        self.node.RotateToVolumePlane(volumeNode)
        self.logic.FitSliceToBackground()
        self.logic.SnapSliceOffsetToIJK()
        self._fitted = self._window()

    def resize(self, width: int, height: int) -> None:
        """Give the window another size, in pixels.

        All of the image stays in view as long as nobody has zoomed or moved it; after that its
        centre stays, and how much is seen from top to bottom.
        """
        whole = self._fitted is not None and self._fitted == self._window()
        super().resize(width, height)
        self.logic.ResizeSliceNode(width, height)
        if whole:
            offset = self.logic.GetSliceOffset()
            self.logic.FitSliceToBackground()
            self.logic.SetSliceOffset(offset)
            self._fitted = self._window()
        self.onChange()

    def _window(self) -> tuple[float, ...]:
        """What part of the plane is seen: its size, and its centre along the plane, in mm."""
        matrix = self.node.GetSliceToRAS()
        centre = np.array([matrix.GetElement(row, 3) for row in range(3)])
        axes = np.array([[matrix.GetElement(row, col) for row in range(3)] for col in (0, 1)])
        return tuple(np.round([*self.node.GetFieldOfView()[:2], *(axes @ centre)], 3))

    def rasAt(self, x: float, y: float) -> np.ndarray:
        """World position (3,) RAS of a pixel, counted from the lower left corner."""
        point = self.node.GetXYToRAS().MultiplyPoint((x, y, 0.0, 1.0))
        return np.array(point[:3])

    def normal(self) -> np.ndarray:
        """Unit vector (3,) RAS across the plane."""
        matrix = self.node.GetSliceToRAS()
        return np.array([matrix.GetElement(row, 2) for row in range(3)])

    def place(self) -> tuple[int, int]:
        """Which slice is shown, from 1, and how many there are; (0, 0) without an image."""
        first, last, step = self._range()
        if step <= 0:
            return 0, 0
        count = max(1, round((last - first) / step))
        number = int((self.logic.GetSliceOffset() - first) / step) + 1
        return min(max(number, 1), count), count

    def edges(self) -> list[str]:
        """Which way is which: a letter for left, right, top and bottom of the view."""
        matrix = self.node.GetSliceToRAS()
        letters = []
        for column in (0, 1):
            toward = [matrix.GetElement(row, column) for row in range(3)]
            axis = max(range(3), key=lambda row: abs(toward[row]))
            low, high = ("L", "R") if axis == 0 else ("P", "A") if axis == 1 else ("I", "S")
            letters.append((low, high) if toward[axis] > 0 else (high, low))
        (left, right), (bottom, top) = letters
        return [left, right, top, bottom]

    def scale(self) -> float:
        """Millimetres of a pixel."""
        return float(self.node.GetFieldOfView()[0]) / max(1, self.window.GetSize()[0])

    def goToSlice(self, number: int) -> None:
        """Show a slice, counted from 1."""
        first, _, step = self._range()
        if step > 0:
            self.logic.SetSliceOffset(first + (number - 0.5) * step)

    def _range(self) -> tuple[float, float, float]:
        """Offsets of the outer faces of the first and last slice, and their distance, in mm."""
        if self.logic.GetSliceCompositeNode().GetBackgroundVolumeID() is None:
            return 0.0, 0.0, 0.0
        bounds, step = [0.0] * 6, self.logic.GetLowestVolumeSliceSpacing()[2]
        self.logic.GetLowestVolumeSliceBounds(bounds)
        return bounds[4], bounds[5], float(step)

    def _onLogic(self, *_: Any) -> None:
        connection = self.logic.GetImageDataConnection()
        self._mapper.SetInputConnection(connection)
        self._actor.SetVisibility(connection is not None)
        self.onChange()
