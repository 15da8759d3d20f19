"""A box that cuts: its sides are moved outwards until the lesion ends within it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

import numpy as np
from numpy.typing import NDArray

from masam_core.image.geometry import Geometry
from masam_core.inference.box_answer import Answer
from masam_core.lesion.cut import Cut, Side
from masam_core.lesion.cut_side import End, end_of
from masam_core.prompts.boxes import CORNER_BITS, BoxPrompt

STEP = 0.3  # of the box's length along the axis, in each round
LEAST_STEP = 2.0  # voxels
ROUNDS = 6  # up to 4.8 times as long


def extend(
    box: BoxPrompt,
    answer: Answer,
    ask: Callable[[BoxPrompt], Answer],
    geometry: Geometry,
    only: Collection[Side] = (),
) -> tuple[BoxPrompt, Answer]:
    """Extend a box at the sides that cut, and ask again, until none does.

    At last the sides that were moved are drawn to the mask, since a tight box is what a model knows
    best.

    Args:
        box: the user's.
        answer: to it.
        ask: answers a box.
        geometry: of the volume.
        only: the sides that may be moved; none among them is all.

    Returns:
        The box that was found, and the answer to it; what is still cut after :data:`ROUNDS` is
        told by its cuts.
    """
    outwards: set[End] = set()

    def cuts(found: Answer) -> list[Cut]:
        return [cut for cut in found.cuts if not only or cut.side in only]

    for _ in range(ROUNDS):
        if not cuts(answer):
            break
        ends = {end_of(cut.side, box, geometry) for cut in cuts(answer)}
        box = moved(box, ends)
        outwards |= ends
        answer = ask(box)
    touched = _touched(box, outwards, answer)
    if touched and not cuts(answer):
        # A last tip may still be cut, too small to be told: once more, since nothing is lost.
        further = moved(box, touched)
        again = ask(further)
        if again.mask.any() and not cuts(again):
            box, answer = further, again
    if outwards and not cuts(answer) and answer.mask.any():
        tight = _drawn_in(box, outwards, answer)
        again = ask(tight)
        if again.mask.any() and not cuts(again):
            return tight, again
    return box, answer


def still_cut(
    cuts: Iterable[Cut], mask_ijk: NDArray[np.int64], box: BoxPrompt, geometry: Geometry
) -> tuple[Cut, ...]:
    """The cuts of a box beyond whose side a mask, since corrected, does not reach.

    Args:
        cuts: of the box.
        mask_ijk: (n, 3) the mask's voxels.
        box: the box.
        geometry: of the volume.
    """
    if not len(mask_ijk):
        return ()
    shares = _shares(box, mask_ijk.astype(float))
    kept = []
    for cut in cuts:
        axis, high = end_of(cut.side, box, geometry)
        beyond = shares[:, axis] > 1 if high else shares[:, axis] < 0
        if not beyond.any():
            kept.append(cut)
    return tuple(kept)


def moved(box: BoxPrompt, ends: set[End]) -> BoxPrompt:
    """Some ends of a box moved outwards, by :data:`STEP` of its length or :data:`LEAST_STEP`."""
    corners = box.corners_ijk.copy()
    for axis, high in ends:
        edge = box.corners_ijk[1 << axis] - box.corners_ijk[0]
        length = float(np.linalg.norm(edge))
        step = edge * max(STEP, LEAST_STEP / length)
        corners[CORNER_BITS[:, axis] == high] += step if high else -step
    return BoxPrompt(corners, box.name)


def _touched(box: BoxPrompt, ends: set[End], answer: Answer) -> set[End]:
    """Those of some ends of a box that the mask reaches."""
    if not answer.mask.any():
        return set()
    shares = _mask_shares(box, answer)
    found = set()
    for axis, high in ends:
        voxel = 1.0 / float(np.linalg.norm(box.corners_ijk[1 << axis] - box.corners_ijk[0]))
        reach = 1 - shares[:, axis].max() if high else shares[:, axis].min()
        if reach < voxel:
            found.add((axis, high))
    return found


def _mask_shares(box: BoxPrompt, answer: Answer) -> NDArray[np.float64]:
    where = np.argwhere(answer.mask) + np.array([part.start for part in answer.job.extent()])
    return _shares(box, answer.job.frame.ijk_from_canonical(where[:, ::-1]))


def _drawn_in(box: BoxPrompt, ends: set[End], answer: Answer) -> BoxPrompt:
    """Some ends of a box moved inwards, to the outer faces of the mask's voxels."""
    shares = _mask_shares(box, answer)
    corners = box.corners_ijk.copy()
    for axis, high in ends:
        edge = box.corners_ijk[1 << axis] - box.corners_ijk[0]
        face = 0.5 / float(np.linalg.norm(edge))
        low_share, high_share = shares[:, axis].min() - face, shares[:, axis].max() + face
        chosen = CORNER_BITS[:, axis] == high
        corners[chosen] += edge * (min(1.0, high_share) - 1 if high else max(0.0, low_share))
    return BoxPrompt(corners, box.name)


def _shares(box: BoxPrompt, ijk: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (n, 3) i, j, k as shares of the box's edges, 0 to 1 within it."""
    edges = box.corners_ijk[[1, 2, 4]] - box.corners_ijk[0]
    return np.asarray((ijk - box.corners_ijk[0]) @ np.linalg.inv(edges))
