"""Measuring a segment that was changed by hand."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from masam_core.lesion.diameter_plane import DiameterPlane
from Testing.slicer.scene.conftest import Scene


@pytest.mark.parametrize("axis", [None, 1])
def test_a_corrected_segment_is_measured_along_the_axis_it_was_segmented_along(
    make: Scene,
    axis: int | None,
) -> None:
    from MASAMSlicerLib.scene.provenance import Provenance
    from MASAMSlicerLib.session.measuring import Measuring

    made = Provenance("a", np.zeros((8, 3)), options={"quality": "best", "slice_axis": axis})
    lesion = SimpleNamespace(id="a", provenance=made, volume=make.volume(), segment=None)
    mask = np.ones((2, 3, 4), dtype=bool)
    lesions: Any = SimpleNamespace(maskOf=lambda _: (mask, (0, 0, 0)))
    steps: Any = Measuring(lesions).steps([lesion])
    asked, answer = [], None
    while True:
        try:
            asked.append(steps.send(answer))
        except StopIteration:
            break
        answer = {"known": True} if asked[-1].type == "put_volume" else {"measurements": {}}
    assert asked[-1].type == "measure"
    assert asked[-1].fields["slice_axis"] == axis
    assert asked[-1].fields["diameter_plane"] == "auto"


def test_lesions_measured_in_another_plane_are_out_of_date() -> None:
    from MASAMSlicerLib.scene.lesions import DONE
    from MASAMSlicerLib.scene.provenance import Provenance
    from MASAMSlicerLib.session.measuring import Measuring

    def entry(**options: str) -> Any:
        made = Provenance("a", np.zeros((8, 3)), options=options)
        tags: dict[str, str] = {}
        segment = SimpleNamespace(SetTag=tags.__setitem__, tags=tags)
        return SimpleNamespace(id="a", provenance=made, status=DONE, segment=segment)

    axial, older = entry(diameter_plane="axial"), entry()
    measuring = Measuring(SimpleNamespace(lesions=lambda _: [axial, older]))  # type: ignore[arg-type]
    assert measuring.outdated(None, "axial") == [older]
    assert measuring.outdated(None, "auto") == [axial]
    assert measuring.outdated(None) == []
    measuring.write([(older, {"voxels": 1}, "digest", DiameterPlane.SAGITTAL)])
    assert json.loads(older.segment.tags["MASAM.Options"]) == {"diameter_plane": "sagittal"}
