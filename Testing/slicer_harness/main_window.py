"""``slicer.util.mainWindow()`` and ``slicer.app.layoutManager()``: the window around the module.

A view that was clicked has the keyboard, as in the application; the camera of the 3D view stays at
the origin until somebody moves it.
"""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6 import QtCore, QtWidgets

_made: list[MainWindow] = []


def mainWindow() -> MainWindow:
    """The one main window; not shown until a test needs the keyboard."""
    if not _made:
        _made.append(MainWindow())
    return _made[0]


class MainWindow(QtWidgets.QMainWindow):
    """Module panel at the left, a slice view and a 3D view beside it.

    Attributes:
        sliceView: takes the keyboard when it is clicked.
        modulePanel: parent of the module's widget, with a layout.
    """

    def __init__(self) -> None:
        super().__init__()
        self._selector = ModuleSelector()
        self._layoutManager = LayoutManager()
        self.sliceView = SliceView()
        self.modulePanel = QtWidgets.QWidget()
        QtWidgets.QVBoxLayout(self.modulePanel)
        middle = QtWidgets.QWidget()
        row = QtWidgets.QHBoxLayout(middle)
        row.addWidget(self.modulePanel)
        row.addWidget(self.sliceView)
        self.setCentralWidget(middle)

    def moduleSelector(self) -> ModuleSelector:
        """What says which module is shown."""
        return self._selector

    def layoutManager(self) -> LayoutManager:
        """What holds the views."""
        return self._layoutManager

    def focus(self, seconds: float = 10.0) -> None:
        """Bring the window up, so that keys come to it."""
        from Testing.slicer_harness.running import process

        self.show()
        self.activateWindow()
        process(self.isActiveWindow, seconds)


class ModuleSelector:
    """``selectedModule`` is the name of the module that is shown."""

    selectedModule = ""


class SliceView(QtWidgets.QWidget):
    """Where a slice is drawn; a click gives it the keyboard."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(80, 80)


class LayoutManager:
    """One 3D view."""

    def __init__(self) -> None:
        self._widget = ThreeDWidget()

    @property
    def threeDViewCount(self) -> int:
        """Number of 3D views in the layout."""
        return 1

    def threeDWidget(self, number: int) -> ThreeDWidget | None:
        """A 3D view with what is around it, or None."""
        return self._widget if number == 0 else None


class ThreeDWidget:
    """A 3D view with its bar."""

    def __init__(self) -> None:
        self._view = ThreeDView()

    def threeDView(self) -> ThreeDView:
        """The view itself."""
        return self._view


class ThreeDView:
    """Looks at ``focalPoint`` (world, RAS mm)."""

    def __init__(self) -> None:
        self.focalPoint = (0.0, 0.0, 0.0)
        self._interactor = vtk.vtkGenericRenderWindowInteractor()

    def interactor(self) -> vtk.vtkRenderWindowInteractor:
        """What tells of the mouse: EnterEvent, MouseMoveEvent, LeaveEvent."""
        return self._interactor

    def resetFocalPoint(self) -> None:
        """Look at the middle of the surfaces that are shown; at the origin where there is none."""
        bounds = [b for b in map(_surfaceBounds, _segmentations()) if b is not None]
        if not bounds:
            self.focalPoint = (0.0, 0.0, 0.0)
            return
        low = [min(b[2 * axis] for b in bounds) for axis in range(3)]
        high = [max(b[2 * axis + 1] for b in bounds) for axis in range(3)]
        x, y, z = ((a + b) / 2 for a, b in zip(low, high, strict=True))
        self.focalPoint = (x, y, z)


def _segmentations() -> list[Any]:
    kind, scene = "vtkMRMLSegmentationNode", slicer.mrmlScene
    return [scene.GetNthNodeByClass(n, kind) for n in range(scene.GetNumberOfNodesByClass(kind))]


def _surfaceBounds(node: Any) -> list[float] | None:
    """Bounds of a segmentation's surfaces, or None where none is shown."""
    surface = slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()
    display = node.GetDisplayNode()
    if display is None or not (display.GetVisibility() and display.GetVisibility3D()):
        return None
    if not display.IsDisplayableInView("vtkMRMLViewNode1"):
        return None
    segmentation = node.GetSegmentation()
    if not segmentation.ContainsRepresentation(surface):
        return None
    bounds = [0.0] * 6
    node.GetRASBounds(bounds)
    return bounds
