"""A real CT from the voxels to the segments: command line and panel's control, one model."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from Testing.core.cli.conftest import masam
from Testing.core.cli.test_automatic import automatic_model
from Testing.slicer.control.desk import makeDesk

__all__ = ["automatic_model", "masam"]  # fixtures
WORKER = Path(__file__).resolve().parents[1] / "core" / "worker" / "tiny.py"
ORGANS = Path(__file__).resolve().parents[3] / "shared" / "data" / "organs"


@pytest.fixture
def ct() -> Path:
    """An abdominal CT of 3 mm."""
    path = ORGANS / "totalseg_ct" / "image.nii.gz"
    if not path.is_file():
        pytest.skip(f"there is no {path}")
    return path


def test_command_line_and_control_give_the_same_segments_of_a_real_ct(
    scene: Any,
    ct: Path,
    automatic_model: Path,
    masam: Any,
    tmp_path: Path,
) -> None:
    import slicer
    from MASAMSlicerLib.blocking import BlockingSession
    from MASAMSlicerLib.control.segmentall import SegmentAll, WholeRequest
    from MASAMSlicerLib.scene.segments import readSegment, tagOf

    from masam_core.catalog.choice import ModelChoice
    from masam_core.inference.options import SegmentOptions
    from masam_core.lesion.organs import term_of

    out = tmp_path / "organs.nii.gz"
    words = ("segment", ct, "-o", out, "--automatic", "--model", automatic_model)
    result = masam(*words, "--device", "cpu", "--quality", "fast", "--json")
    assert result.exit_code == 0, result.output
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(out)))
    found = {one["name"]: one for one in json.loads(result.stdout)["lesions"]}

    volume = slicer.modules.volumes.logic().AddArchetypeVolume(str(ct), "Abdomen")
    choice = ModelChoice(str(automatic_model), device="cpu")
    request = WholeRequest(choice, SegmentOptions(quality="fast"))
    with BlockingSession(scene, [sys.executable, str(WORKER)]) as session:
        desk = makeDesk(session, volume)
        SegmentAll(desk, lambda: request).press()
        session.wait(120)
    windows = [text for text, _ in desk.said if text.startswith("window ")]
    assert windows[0].startswith("window 1 of ")
    _, missing, unsure = desk.said[-1][0].splitlines()
    assert missing == "Not found: spleen."
    assert unsure.startswith("The confidence is not known: for this structure the model was never")
    (node,) = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    segmentation = node.GetSegmentation()
    assert segmentation.GetNumberOfSegments() == 2
    for name in ("liver", "left kidney"):
        identity = segmentation.GetSegmentIdBySegmentName(name.capitalize())
        crop, (k, j, i) = readSegment(node, identity, volume)
        whole = np.zeros(labels.shape, dtype=bool)
        whole[k : k + crop.shape[0], j : j + crop.shape[1], i : i + crop.shape[2]] = crop
        assert np.array_equal(whole, labels == found[name]["value"])
        tag = tagOf(segmentation.GetSegment(identity), "TerminologyEntry")
        assert tag == term_of(name).entry
    session.history.undo()
    assert segmentation.GetNumberOfSegments() == 0
