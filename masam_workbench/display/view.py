"""What slice views and the 3D view have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy


class View:
    """A render window off-screen, with Slicer's displayable managers in it.

    Args:
        factory: of the displayable managers, the slice views' or the 3D views'.
        managers: their class names.
        applicationLogic: vtkMRMLApplicationLogic.

    Attributes:
        window, renderer, interactor: VTK's.
        onChange: called when the view wants to be drawn again.
    """

    def __init__(self, factory: Any, managers: Sequence[str], applicationLogic: Any) -> None:
        self.onChange: Callable[[], None] = lambda: None
        self.renderer = vtk.vtkRenderer()
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.ShowWindowOff()
        self.window.SetMultiSamples(0)
        self.window.SetSize(400, 400)
        self.window.AddRenderer(self.renderer)
        self.interactor = vtk.vtkGenericRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.window)
        self.interactor.EnableRenderOff()  # drawing is asked for, and happens once for many asks
        self.interactor.Initialize()
        factory.SetMRMLApplicationLogic(applicationLogic)
        for name in managers:
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)
        self.managers = slicer.vtkMRMLDisplayableManagerGroup()
        self.managers.Initialize(factory, self.renderer)
        self.managers.AddObserver(vtk.vtkCommand.UpdateEvent, lambda *_: self.onChange())

    def resize(self, width: int, height: int) -> None:
        """Give the window another size, in pixels."""
        self.interactor.UpdateSize(width, height)

    def toArray(self) -> np.ndarray:
        """Draw, and return the picture: (height, width, 3) uint8, top row first."""
        self.window.Render()
        width, height = self.window.GetSize()
        pixels = vtk.vtkUnsignedCharArray()
        self.window.GetPixelData(0, 0, width - 1, height - 1, 0, pixels, 0)
        return vtk_to_numpy(pixels).reshape(height, width, 3)[::-1].copy()


def observe(view: View, event: str, action: Callable[[Any], bool], priority: float = 10.0) -> None:
    """Call ``action(view)`` for an event; where it returns True, nobody after it sees the event."""
    tag: list[int] = []

    def onEvent(*_: Any) -> None:
        if action(view):
            view.interactor.GetCommand(tag[0]).SetAbortFlag(1)

    tag.append(view.interactor.AddObserver(event, onEvent, priority))
