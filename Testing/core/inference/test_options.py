"""Settings as flat values and back."""

from __future__ import annotations

from typing import Any

import pytest

from masam_core.errors import ConfigError
from masam_core.inference.options import SegmentOptions
from masam_core.lesion.cleaning import PostprocessOptions


@pytest.mark.parametrize(
    "options",
    [
        SegmentOptions(),
        SegmentOptions("best", 0.3, 2.5, PostprocessOptions("largest", False, 1.5), 1),
    ],
)
def test_flat_and_back(options: SegmentOptions) -> None:
    flat = options.to_dict()
    assert all(value is None or isinstance(value, (str, int, float)) for value in flat.values())
    assert SegmentOptions.from_dict(flat) == options


@pytest.mark.parametrize(("given", "axis"), [("i", 0), ("J", 1), ("k", 2), (2, 2), (None, None)])
def test_the_slice_axis_may_be_a_letter(given: object, axis: int | None) -> None:
    options = SegmentOptions.from_dict({"slice_axis": given})
    assert options.slice_axis == axis
    assert options.to_dict()["slice_axis"] == axis


def test_what_is_left_out_keeps_its_default() -> None:
    assert SegmentOptions.from_dict({"keep": "all"}) == SegmentOptions(
        postprocess=PostprocessOptions(keep="all")
    )


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"qualty": "best"}, "Unknown setting qualty"),
        ({"quality": "superb"}, "fast, balanced, best"),
        ({"threshold": 1.0}, "The threshold is 1; expected 0.05 to 0.95"),
        ({"threshold": 0}, "The threshold is 0; expected 0.05 to 0.95"),
        ({"threshold": "high"}, "wrong kind"),
        ({"margin_mm": -7}, "The margin is -7 mm; expected 0 to 50 mm"),
        ({"margin_mm": 5000}, "The margin is 5000 mm; expected 0 to 50 mm"),
        ({"margin_mm": float("nan")}, "The margin is nan mm"),
        ({"smooth_mm": float("inf")}, "The smoothing is inf mm; expected 0 to 10 mm"),
        ({"slice_axis": 3}, "i, j or k"),
        ({"slice_axis": "x"}, "'x'; expected i, j or k"),
        ({"slice_axis": True}, "i, j or k"),
        ({"slice_axis": 1.0}, "i, j or k"),
        ({"keep": "some"}, "'keep'"),
        ({"smooth_mm": None}, "wrong kind"),
    ],
)
def test_nonsense_is_refused(values: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        SegmentOptions.from_dict(values)
