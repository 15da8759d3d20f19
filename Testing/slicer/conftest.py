"""A scene as in Slicer, and the module loaded as Slicer loads it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

MODULE = Path(__file__).resolve().parents[2] / "MASAMSlicer"


@pytest.fixture(scope="session")
def harness() -> Any:
    """The stand-ins for the application, installed."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    try:
        from Testing import slicer_harness

        slicer_harness.install()
    except ImportError as error:
        pytest.skip(f"3D Slicer's core or PySide6 can't be used here: {error}")
    if str(MODULE) not in sys.path:
        sys.path.insert(0, str(MODULE))
    return slicer_harness


@pytest.fixture
def scene(harness: Any) -> Any:
    """An empty scene, which is slicer.mrmlScene."""
    import slicer

    slicer.mrmlScene.Clear()
    harness.messages.clear()
    return slicer.mrmlScene


@pytest.fixture(scope="session")
def module_path() -> Path:
    """The module's folder."""
    return MODULE


@pytest.fixture(scope="session")
def sarcoma(sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled MR, its box and the expert's mask, in thick slices."""
    from Testing.core.sample import thick_slices

    return thick_slices(sample_data / "sarcoma_mr", tmp_path_factory.mktemp("sarcoma"))


@pytest.fixture
def case(scene: Any, sarcoma: Path) -> Any:
    """The bundled MR with its box: volume node, ROI node, the expert's mask (bool KJI)."""
    import slicer

    from masam_core.image.volume import read_labels

    volume = slicer.modules.volumes.logic().AddArchetypeVolume(
        str(sarcoma / "image.nii.gz"), "Sarcoma MR"
    )
    identity = slicer.modules.markups.logic().LoadMarkups(str(sarcoma / "box.mrk.json"), "Tumour")
    expert = read_labels(sarcoma / "expert.nii.gz")[0] > 0
    return SimpleNamespace(volume=volume, roi=scene.GetNodeByID(identity), expert=expert)
