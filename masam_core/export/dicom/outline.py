"""Outlines of masks in a plane, along the sides of their pixels.

A pixel's centre lies inside the outline where the pixel is set, and nowhere else, so that whoever
fills the outline again gets the same pixels, and its area is theirs. Holes are joined to the rim
by a channel without width, as the standard has it (DICOM PS3.3, C.8.8.6.3, keyhole).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from masam_core.late import sitk

Corner = tuple[int, int]  # (column, row) of a pixel's corner; (0, 0) is the first pixel's


def outlines(mask: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """Closed outlines of a mask, one a piece (pixels that share a side).

    Args:
        mask: (rows, columns).

    Returns:
        For each piece (n, 2) corners one after the other, (column, row) in continuous pixel
        indices, pixel centres at integers; the last is joined to the first.
    """
    if not mask.any():
        return []
    pieces = sitk.GetArrayFromImage(
        sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8)))
    )
    return [_piece(pieces == number) for number in range(1, int(pieces.max()) + 1)]


def _piece(pixels: NDArray[np.bool_]) -> NDArray[np.float64]:
    rims = _rims(pixels)
    # The rim that reaches furthest to the left is the outer one; the others are holes.
    outer, *holes = sorted(rims, key=min)
    for hole in holes:
        outer = _joined(outer, hole)
    return np.array(_straightened(outer), dtype=np.float64) - 0.5


def _rims(pixels: NDArray[np.bool_]) -> list[list[Corner]]:
    """Every closed line of pixel sides between inside and outside, inside on the right hand."""
    padded = np.pad(pixels, 1)
    following: dict[Corner, list[Corner]] = {}

    def side(start: Corner, end: Corner) -> None:
        following.setdefault(start, []).append(end)

    inner = padded[1:-1, 1:-1]
    for row, column in np.argwhere(inner & ~padded[:-2, 1:-1]).tolist():
        side((column, row), (column + 1, row))
    for row, column in np.argwhere(inner & ~padded[1:-1, 2:]).tolist():
        side((column + 1, row), (column + 1, row + 1))
    for row, column in np.argwhere(inner & ~padded[2:, 1:-1]).tolist():
        side((column + 1, row + 1), (column, row + 1))
    for row, column in np.argwhere(inner & ~padded[1:-1, :-2]).tolist():
        side((column, row + 1), (column, row))
    rims = []
    while following:
        start = min(following)
        here, there = start, following[start][0]
        _take(following, here, there)
        rim = [start]
        while there != start:
            rim.append(there)
            here, there = there, _turn(here, there, following[there])
            _take(following, here, there)
        rims.append(rim)
    return rims


def _take(following: dict[Corner, list[Corner]], start: Corner, end: Corner) -> None:
    following[start].remove(end)
    if not following[start]:
        del following[start]


def _turn(before: Corner, here: Corner, ways: list[Corner]) -> Corner:
    """The way on from a corner; where two pixels touch by it, to the right, round one of them."""
    if len(ways) == 1:
        return ways[0]
    along = (here[0] - before[0], here[1] - before[1])
    right = (here[0] - along[1], here[1] + along[0])
    return right if right in ways else ways[0]


def _joined(outer: list[Corner], hole: list[Corner]) -> list[Corner]:
    """One line of two: from the hole's left end straight to the left, to the rim, and back."""
    start = min(hole)
    places = {corner: n for n, corner in enumerate(outer)}
    column, row = start
    while (column, row) not in places:
        column -= 1
    at, own = places[column, row], hole.index(start)
    bridge = [(c, row) for c in range(column + 1, start[0])]
    return [
        *outer[: at + 1],
        *bridge,
        *hole[own:],
        *hole[: own + 1],
        *reversed(bridge),
        *outer[at:],
    ]


def _straightened(corners: list[Corner]) -> list[Corner]:
    """Corners but those in the middle of a straight line; turns on the spot stay."""
    kept = []
    for n, (x, y) in enumerate(corners):
        (ax, ay), (bx, by) = corners[n - 1], corners[(n + 1) % len(corners)]
        one, two = (x - ax, y - ay), (bx - x, by - y)
        forward = one[0] * two[0] + one[1] * two[1] > 0
        if not (forward and one[0] * two[1] == one[1] * two[0]):
            kept.append((x, y))
    return kept
