"""The parts of the Slicer application that a scene needs, without the application."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import slicer

_LOGICS = {
    "Segmentations": slicer.vtkSlicerSegmentationsModuleLogic,
    "Volumes": slicer.vtkSlicerVolumesLogic,
    "Markups": slicer.vtkSlicerMarkupsLogic,
    "Sequences": slicer.vtkSlicerSequencesLogic,
    "SubjectHierarchy": slicer.vtkSlicerSubjectHierarchyModuleLogic,
}


class Application:
    """One scene with its logics.

    Args:
        folder: for what Slicer needs to keep for a moment, e.g. while it packs a scene.

    Attributes:
        scene: vtkMRMLScene; ``slicer.mrmlScene`` is the same one.
        logic: vtkSlicerApplicationLogic.
        logics: module logics by name.
    """

    def __init__(self, folder: Path) -> None:
        self.scene = slicer.vtkMRMLScene()
        slicer.mrmlScene = self.scene
        crosshair = slicer.vtkMRMLCrosshairNode()
        crosshair.SetCrosshairName("default")
        self.scene.AddNode(crosshair)
        self.logic = slicer.vtkSlicerApplicationLogic()
        self.logic.SetMRMLScene(self.scene)
        colors = slicer.vtkMRMLColorLogic()  # grey levels for volumes, colours for segments
        colors.SetMRMLScene(self.scene)
        colors.AddDefaultColorNodes()
        self.logic.SetModuleLogic("Colors", colors)
        self.logics: dict[str, Any] = {"Colors": colors}
        for name, kind in _LOGICS.items():
            logic = kind()
            logic.SetMRMLScene(self.scene)
            logic.SetMRMLApplicationLogic(self.logic)
            self.logic.SetModuleLogic(name, logic)
            self.logics[name] = logic
        # Files of a saved scene are written and read through these.
        self._files = SimpleNamespace(
            manager=slicer.vtkDataIOManager(), cache=slicer.vtkCacheManager()
        )
        self._files.cache.SetRemoteCacheDirectory(str(folder))
        self._files.manager.SetCacheManager(self._files.cache)
        self.scene.SetDataIOManager(self._files.manager)
        self.scene.SetCacheManager(self._files.cache)
