"""The real MRML of slicer-core, with the module's helpers importable as in Slicer."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

MODULE = Path(__file__).resolve().parents[2] / "MASAMSlicer"


@pytest.fixture
def module_path(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The module's folder on the path, as Slicer puts it there."""
    monkeypatch.syspath_prepend(str(MODULE))
    yield MODULE
    for name in [n for n in sys.modules if n.split(".")[0] == "MASAMSlicerLib"]:
        del sys.modules[name]


@pytest.fixture
def mrml(module_path: Path) -> Any:
    """An empty scene with ``slicer``, ``vtk`` and the module's ``scene`` helpers."""
    slicer = pytest.importorskip("slicer", reason="3D Slicer's core (slicer-core) is not installed")
    if not hasattr(slicer, "vtkSlicerSegmentationsModuleLogic"):
        pytest.skip("3D Slicer's core (slicer-core) is not installed")
    import vtk
    from MASAMSlicerLib import scene as helpers

    scene = slicer.vtkMRMLScene()
    logic = slicer.vtkSlicerSegmentationsModuleLogic()
    logic.SetMRMLScene(scene)
    return SimpleNamespace(slicer=slicer, vtk=vtk, scene=scene, helpers=helpers, logic=logic)
