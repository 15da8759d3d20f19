"""Words of the front ends: one and many."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 segments measured again."),
        (1, "1 segment measured again."),
        (3, "3 segments measured again."),
    ],
)
def test_what_was_measured(harness: Any, count: int, words: str) -> None:
    from MASAMSlicerLib.wording import measuredWords

    assert measuredWords(count) == words


def test_what_has_become_of_a_box(harness: Any) -> None:
    from MASAMSlicerLib.scene.ends import BEYOND, PAIRED, SET, Ends
    from MASAMSlicerLib.wording import endWords

    assert endWords(Ends(1, PAIRED)).endswith("it holds 1 slice.")
    assert endWords(Ends(4, SET)) == "The box now ends at this slice; it holds 4 slices."
    assert "farther end and holds 12 slices" in endWords(Ends(12, BEYOND))
