"""The page's sliders end where the core's limits do."""

from __future__ import annotations

import re

from masam_core.inference.options import SegmentOptions
from masam_core.limits import BRUSH_MM, THRESHOLD
from Testing.conftest import ROOT

PAGE = (ROOT / "masam_workbench" / "tab" / "web" / "page.html").read_text("utf-8")


def ends_of(slider: str) -> list[int]:
    """Least and largest value of a slider of the page."""
    found = re.search(
        rf'<input type="range" min="(\d+)" max="(\d+)"[^>]*data-test="{slider}"', PAGE
    )
    assert found is not None
    return [int(text) for text in found.groups()]


def test_both_ends_of_the_threshold_slider_are_accepted_by_the_core() -> None:
    ends = [percent / 100 for percent in ends_of("threshold")]
    assert ends == [THRESHOLD.low, THRESHOLD.high]
    assert [SegmentOptions(threshold=end).threshold for end in ends] == ends


def test_the_brush_is_as_large_as_the_slider_says() -> None:
    assert ends_of("radius") == [BRUSH_MM.low, BRUSH_MM.high]
