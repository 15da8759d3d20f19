"""Setting the ends of a box, in any order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from Testing.slicer.scene.conftest import OBLIQUE, Scene

FIRST, LAST = 0, 1
SLICES = 12
SIZE = (5.0, 5.0, 5.0)
Press = tuple[int, int]


class Box:
    """A box from slice 3 to 7 of a volume of 12 (unless told otherwise), and what is pressed."""

    def __init__(self, make: Scene, matrix: np.ndarray = OBLIQUE, ends: Press = (3, 7)) -> None:
        from MASAMSlicerLib.scene import prompts

        self.matrix = matrix
        self.volume, self.roi = make.volume(matrix=matrix), make.roi(np.eye(4), SIZE)
        low, high = np.array([2.5, 3.5, ends[0] - 0.5]), np.array([8.5, 9.5, ends[1] + 0.5])
        prompts.alignRoi(self.roi, self.volume, low, high)

    def press(self, end: int, k: int) -> Any:
        from MASAMSlicerLib.scene.ends import setEndSlice

        point = (self.matrix @ np.array([5, 6, k, 1.0]))[:3]
        return setEndSlice(self.roi, self.volume, point, end)

    @property
    def slices(self) -> Press:
        """The lowest and the highest slice in it."""
        from MASAMSlicerLib.scene import prompts

        low, high = prompts.alignedBounds(self.roi, self.volume)
        assert np.allclose((*low[:2], *high[:2]), (2.5, 3.5, 8.5, 9.5), atol=1e-3)
        first, last = round(low[2] + 0.5), round(high[2] - 0.5)
        assert np.allclose((low[2], high[2]), (first - 0.5, last + 0.5), atol=1e-3)
        return first, last


@pytest.mark.parametrize("flipped", [False, True])
def test_first_and_last_are_counted_in_the_order_of_browsing(make: Scene, flipped: bool) -> None:
    # From inferior to superior, whatever the order in the file.
    box = Box(make, np.diag([-1.0, -1.0, -3.0 if flipped else 3.0, 1.0]))
    box.press(FIRST, 5)
    assert box.slices == ((3, 5) if flipped else (5, 7))
    box.press(LAST, 4 if flipped else 6)
    assert box.slices == ((4, 5) if flipped else (5, 6))


@pytest.mark.parametrize(
    ("presses", "slices", "how"),
    [
        ([(FIRST, 5)], (5, 7), "set"),
        ([(FIRST, 1)], (1, 7), "set"),
        ([(FIRST, 9)], (3, 9), "beyond"),  # in version 0.1.0 a single slice
        ([(FIRST, 7)], (3, 7), "beyond"),
        ([(LAST, 1)], (1, 7), "beyond"),
        ([(LAST, 3)], (3, 7), "beyond"),
        ([(FIRST, 9), (LAST, 11)], (9, 11), "paired"),
        ([(FIRST, 9), (LAST, 2)], (2, 9), "paired"),  # pressed in the other order
        ([(LAST, 5), (FIRST, 6)], (5, 6), "paired"),
        ([(FIRST, 4), (LAST, 4)], (4, 4), "paired"),
        ([(FIRST, 2), (LAST, 6), (LAST, 0)], (0, 6), "beyond"),
        ([(FIRST, 9), (LAST, 2), (FIRST, 8)], (2, 8), "paired"),
        ([(FIRST, 9), (LAST, 2), (FIRST, 0)], (0, 9), "beyond"),
    ],
)
def test_ends_may_be_set_in_any_order(
    make: Scene, presses: Sequence[Press], slices: Press, how: str
) -> None:
    box = Box(make)
    for press in presses:
        ends = box.press(*press)
    assert (box.slices, ends.how) == (slices, how)
    assert ends.slices == slices[1] - slices[0] + 1


def test_a_box_that_was_dragged_since_has_no_marked_end(make: Scene) -> None:
    from MASAMSlicerLib.scene import prompts

    box = Box(make)
    box.press(LAST, 8)
    low, high = prompts.alignedBounds(box.roi, box.volume)
    prompts.alignRoi(box.roi, box.volume, low, high + np.array([0, 0, 2]))
    box.press(FIRST, 9)
    assert box.slices == (9, 10)


def test_damaged_marks_count_for_nothing(make: Scene) -> None:
    box = Box(make)
    for text in ("", "x", "1 2", "a - 2.500 7.500", "1 2 3 4 5"):
        box.roi.SetAttribute("MASAM.EndSlices", text)
        box.press(FIRST, 4)
        box.press(FIRST, 3)
    assert box.slices == (3, 7)


@given(
    start=st.tuples(st.integers(0, SLICES - 1), st.integers(0, SLICES - 1)).map(sorted),
    presses=st.lists(
        st.tuples(st.sampled_from((FIRST, LAST)), st.integers(0, SLICES - 1)),
        min_size=1,
        max_size=8,
    ),
)
def test_no_press_cuts_off_what_was_marked(
    harness: Any, start: list[int], presses: list[Press]
) -> None:
    """The slice is an outermost one, the other button's last slice is kept, and no box collapses.

    A box is a single slice only where both buttons marked it, or it was one all the time.
    """
    import slicer

    slicer.mrmlScene.Clear()
    box = Box(Scene(slicer.mrmlScene), ends=(start[0], start[1]))
    before, last = box.slices, None
    for press in presses:
        end, k = press
        ends = box.press(end, k)
        low, high = box.slices
        assert k in (low, high)
        assert ends.slices == high - low + 1
        if last is not None and last[0] != end:
            assert low <= last[1] <= high
        if ends.how == "beyond":
            assert low <= before[0]
            assert high >= before[1]
        if low == high and before[0] != before[1]:
            assert ends.how == "paired"
        before, last = (low, high), press


@pytest.mark.parametrize(("plane", "axis"), [("axial", 2), ("coronal", 1), ("sagittal", 0)])
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, -1, 1), (1, -1, -1), (-1, 1, -1)])
def test_upper_and_lower_are_the_patients_in_every_plane(
    make: Scene, plane: str, axis: int, signs: tuple[int, int, int]
) -> None:
    from MASAMSlicerLib.scene import prompts
    from MASAMSlicerLib.scene.ends import LOWER, UPPER, setEndSlice

    matrix = np.diag([2.0 * signs[0], 2.0 * signs[1], 2.5 * signs[2], 1.0])
    volume, roi = make.volume(matrix=matrix), make.roi(np.eye(4), SIZE)
    prompts.alignRoi(roi, volume, np.full(3, 3.5), np.full(3, 8.5))

    def reach() -> np.ndarray:
        """Lowest and highest right, front and top of the box, from face to face."""
        corners = prompts.cornersInWorld(roi)
        return np.stack([corners.min(axis=0), corners.max(axis=0)])

    before = reach()
    lowest, highest = (2, 10) if signs[axis] > 0 else (10, 2)
    for end, index in ((UPPER, highest), (LOWER, lowest)):
        point = (matrix @ np.array([*np.where(np.arange(3) == axis, index, 5), 1.0]))[:3]
        setEndSlice(roi, volume, point, end, plane)
    after = reach()
    others = [each for each in range(3) if each != axis]
    assert np.allclose(after[:, others], before[:, others], atol=1e-3)
    half = abs(matrix[axis, axis]) / 2
    ends = sorted(matrix[axis, axis] * index for index in (2, 10))
    assert np.allclose(after[:, axis], [ends[0] - half, ends[1] + half], atol=1e-3)


def test_a_mark_of_another_plane_does_not_count(make: Scene) -> None:
    from MASAMSlicerLib.scene import prompts
    from MASAMSlicerLib.scene.ends import LOWER, UPPER, setEndSlice

    volume, roi = make.volume(matrix=np.diag([2.0, 2.0, 2.5, 1.0])), make.roi(np.eye(4), SIZE)
    prompts.alignRoi(roi, volume, np.full(3, 3.5), np.full(3, 8.5))
    assert setEndSlice(roi, volume, np.array([8.0, 10.0, 25.0]), UPPER, "axial").how == "set"
    assert setEndSlice(roi, volume, np.array([8.0, 4.0, 10.0]), LOWER, "coronal").how == "set"
    low, high = prompts.alignedBounds(roi, volume)
    assert np.allclose(low, [3.5, 1.5, 3.5], atol=1e-3)
    assert np.allclose(high, [8.5, 8.5, 10.5], atol=1e-3)
