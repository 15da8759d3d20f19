"""Lesions over time: which is which, by UID, place and name."""

from __future__ import annotations

import numpy as np

from masam_core.followup.masks import NamedMask
from masam_core.followup.matching import Known, Match, match
from masam_core.image.geometry import Geometry

GEOMETRY = Geometry.from_spacing((60, 60, 60), (1.0, 1.0, 1.0))


def block(offset: tuple[int, int, int], size: int = 6, name: str = "x", uid: str = "") -> NamedMask:
    """A cube."""
    return NamedMask(name, np.ones((size,) * 3, dtype=bool), offset, uid)


def known(
    offset: tuple[int, int, int] | None, name: str = "x", uid: str = "", size: int = 6
) -> Known:
    """An earlier lesion, carried over unless there is no offset."""
    return Known(name, uid, None if offset is None else block(offset, size))


def groups(found: list[Match]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Without what they were matched by."""
    return [(m.known, m.found) for m in found]


def test_places_match_new_is_new_and_vanished_is_alone() -> None:
    found = match(
        [known((0, 0, 0)), known((30, 30, 30))],
        [block((2, 1, 0)), block((50, 5, 5))],
        GEOMETRY,
    )
    assert groups(found) == [((0,), (0,)), ((1,), ()), ((), (1,))]


def test_one_that_overlaps_two_has_split_and_two_that_overlap_one_have_merged() -> None:
    split = match([known((0, 0, 0), size=12)], [block((0, 0, 0), 4), block((8, 8, 8), 4)], GEOMETRY)
    assert groups(split) == [((0,), (0, 1))]
    merged = match([known((0, 0, 0)), known((0, 0, 8))], [block((0, 0, 0), 14)], GEOMETRY)
    assert groups(merged) == [((0, 1), (0,))]


def test_a_uid_counts_more_than_a_place() -> None:
    a, b = known((0, 0, 0), uid="1.2"), known((30, 30, 30), uid="1.3")
    found = match([a, b], [block((30, 30, 30), uid="1.2"), block((0, 0, 0), uid="1.3")], GEOMETRY)
    assert groups(found) == [((0,), (0,)), ((1,), (1,))]
    assert {m.by for m in found} == {"tracking UID"}


def test_small_lesions_that_just_miss_each_other_are_one_and_far_ones_are_not() -> None:
    near = match([known((0, 0, 0), size=3)], [block((4, 0, 0), 3)], GEOMETRY)
    assert groups(near) == [((0,), (0,))]
    assert "4 mm apart" in near[0].by
    far = match([known((0, 0, 0), size=3)], [block((20, 0, 0), 3)], GEOMETRY)
    assert groups(far) == [((0,), ()), ((), (0,))]


def test_a_name_counts_only_where_the_place_is_not_known_and_only_if_it_says_something() -> None:
    liver = block((40, 40, 40), name="Liver  S7")
    assert groups(match([known(None, "liver s7")], [liver], GEOMETRY)) == [((0,), (0,))]
    assert match([known(None, "liver s7")], [liver], GEOMETRY)[0].by == "name alone"
    # Its place is known, and it is another one.
    assert groups(match([known((0, 0, 0), "liver s7")], [liver], GEOMETRY)) == [
        ((0,), ()),
        ((), (0,)),
    ]
    numbered = block((40, 40, 40), name="Lesion 1")
    assert groups(match([known(None, "Lesion 1")], [numbered], GEOMETRY)) == [
        ((0,), ()),
        ((), (0,)),
    ]
    twice = [liver, block((0, 0, 0), name="liver s7")]
    assert all(m.by == "" for m in match([known(None, "liver s7")], twice, GEOMETRY))


def test_every_lesion_stands_once() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        old = [known(tuple(rng.integers(0, 50, 3))) for _ in range(5)]  # type: ignore[arg-type]
        new = [block(tuple(rng.integers(0, 50, 3))) for _ in range(6)]  # type: ignore[arg-type]
        found = match(old, new, GEOMETRY)
        assert sorted(k for m in found for k in m.known) == list(range(5))
        assert sorted(f for m in found for f in m.found) == list(range(6))
