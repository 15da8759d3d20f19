"""Segments of the command line, as Slicer saves them again: on the part of the grid they take."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from masam_core.collect.found import Corrected
from masam_core.collect.segments import StoredSegment, differs
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.lesion.measure import measure
from Testing.core.collect.making import ball, geometry, image

A = ball(4, 8, 8, 4.5)


@pytest.fixture
def measured() -> dict[str, object]:
    return measure(A, (0, 0, 0), Volume(image(), geometry())).to_dict()


def test_a_mask_on_a_part_of_the_grid_is_that_which_was_measured(
    measured: dict[str, object],
) -> None:
    part = (slice(2, 8), slice(3, 20), slice(2, 18))
    matrix = geometry().ijk_to_lps.copy()
    matrix[:3, 3] = geometry().lps_from_ijk(np.array([[2.0, 3.0, 2.0]]))[0]
    own = Geometry((6, 17, 16), matrix)
    tags = {"MASAM.BoxCornersLPS": "x", "MASAM.Measurements": json.dumps(measured)}
    segment = StoredSegment("a", "Segment_1", tags, A[part], own)
    assert segment.corrected(A) is Corrected.NO
    assert segment.ours
    other = A[part].copy()
    other[tuple(np.argwhere(other)[0])] = False
    assert replace(segment, mask=other).corrected(A) is Corrected.TOUCHED_UP
    completed = replace(segment, tags={**tags, "Segmentation.Status": "completed"})
    assert completed.corrected(A) is Corrected.LOCKED


def test_a_mask_of_the_same_size_elsewhere_is_another_and_nothing_measured_is_no_difference(
    measured: dict[str, object],
) -> None:
    assert not differs(A, geometry(), measured)
    assert differs(np.roll(A, 1, axis=2), geometry(), measured)
    assert not differs(A, geometry(), {})
    row = {"voxels": int(A.sum()), **dict.fromkeys(("centroid_l_mm", "centroid_p_mm"), 0.0)}
    assert not differs(A, geometry(), row)  # a part of a place is none


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ("Context~SCT^49755003^Altered~SCT^27925004^Nodule~^^~Anatomy~^^~^^", "Nodule"),
        ("Context~99MINE^1^Mine~99MINE^2^Doe, John~^^~Anatomy~^^~^^", ""),
        ("nonsense", ""),
        ("", ""),
    ],
)
def test_only_terms_of_snomed_are_kept_for_others_may_name_somebody(entry: str, kind: str) -> None:
    tags = {"TerminologyEntry": entry}
    assert StoredSegment("a", "b", tags, A, geometry()).kind == kind
