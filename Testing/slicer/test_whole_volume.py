"""A real CT from the voxels to the segments: command line and panel's control, one model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from Testing.core.cli.conftest import masam
from Testing.core.cli.test_automatic import automatic_model
from Testing.core.worker.test_automatic import Wire
from Testing.slicer.control.desk import makeDesk

__all__ = ["automatic_model", "masam"]  # fixtures
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
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import slicer
    from MASAMSlicerLib.control.segmentall import SegmentAll, WholeRequest
    from MASAMSlicerLib.scene.segments import readSegment, tagOf
    from MASAMSlicerLib.session import session as module

    from masam_core.catalog.choice import ModelChoice
    from masam_core.inference.options import SegmentOptions
    from masam_core.lesion.organs import term_of
    from masam_core.model.checkpoint import load_model

    out = tmp_path / "organs.nii.gz"
    words = ("segment", ct, "-o", out, "--automatic", "--model", automatic_model)
    result = masam(*words, "--device", "cpu", "--quality", "fast", "--json")
    assert result.exit_code == 0, result.output
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(out)))
    found = {one["name"]: one for one in json.loads(result.stdout)["lesions"]}

    wire = Wire(load_model(automatic_model))

    def start(self: Any, steps: Any, done: Any, failed: Any, onEvent: Any) -> None:
        answer = wire.run(steps)
        for message in wire.sent:
            onEvent(message)
        done(answer)

    monkeypatch.setattr(module.Session, "_start", start)
    session = module.Session(scene, lambda: None)  # type: ignore[arg-type, return-value]
    volume = slicer.modules.volumes.logic().AddArchetypeVolume(str(ct), "Abdomen")
    desk = makeDesk(session, volume)
    request = WholeRequest(ModelChoice(str(automatic_model)), SegmentOptions(quality="fast"))
    SegmentAll(desk, lambda: request).press()
    windows = [text for text, _ in desk.said if text.startswith("window ")]
    assert windows[0].startswith("window 1 of ")
    assert desk.said[-1][0].endswith("Not found: spleen.")
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
