"""The page's sliders end where the core's limits do."""

from __future__ import annotations

import re

from masam_core.inference.options import SegmentOptions
from masam_core.limits import THRESHOLD
from Testing.conftest import ROOT

PAGE = (ROOT / "masam_workbench" / "tab" / "web" / "page.html").read_text("utf-8")


def test_both_ends_of_the_threshold_slider_are_accepted_by_the_core() -> None:
    found = re.search(
        r'<input type="range" min="(\d+)" max="(\d+)"[^>]*data-test="threshold"', PAGE
    )
    assert found is not None
    ends = [int(text) / 100 for text in found.groups()]
    assert ends == [THRESHOLD.low, THRESHOLD.high]
    assert [SegmentOptions(threshold=end).threshold for end in ends] == ends
