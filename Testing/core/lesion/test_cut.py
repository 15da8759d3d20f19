"""Sides at which a box cuts a lesion off, and what is said and shown of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from masam_core.errors import ConfigError
from masam_core.image.volume import Volume
from masam_core.lesion.cut import Cut, cut_words
from masam_core.lesion.lesion import Lesion


def test_a_cut_comes_back_from_json() -> None:
    cut = Cut("left", 123.456, 0.87)  # type: ignore[arg-type]
    assert cut.to_dict() == {"side": "left", "area_mm2": 123.46, "certainty": 0.87}
    assert Cut.from_dict(cut.to_dict()).side == "left"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"side": "left"}, "expected side, area_mm2, certainty"),
        ({"side": "west", "area_mm2": 1, "certainty": 1}, "right, left, front, back"),
        ({"side": "left", "area_mm2": -1, "certainty": 1}, "area of 0 or more"),
        ({"side": "left", "area_mm2": 1, "certainty": 1.5}, "from 0 to 1"),
        (3, "expected side, area_mm2, certainty"),
    ],
)
def test_what_is_no_cut_is_refused(values: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Cut.from_dict(values)


def test_the_surest_side_is_named_first() -> None:
    cuts = [Cut("upper", 40, 0.6), Cut("left", 300, 0.95)]  # type: ignore[arg-type]
    words = cut_words(cuts)
    assert "left (300 mm2, 95% sure) and upper (40 mm2, 60% sure) sides" in words
    assert "--extend auto" in words
    assert cut_words([]) == ""


def test_the_confidence_of_a_lesion_that_is_cut_off_is_not_shown(
    oblique_volume: Volume, make_lesion: Callable[..., Lesion]
) -> None:
    ends = ((1, 2, 3), (4, 6, 7))
    assert make_lesion(oblique_volume, *ends).known_confidence == 0.875
    cut = (Cut("left", 12, 0.9),)  # type: ignore[arg-type]
    assert make_lesion(oblique_volume, *ends, cuts=cut).known_confidence is None
    assert make_lesion(oblique_volume, *ends, confidence=float("nan")).known_confidence is None
