"""A lesion from one slice: how far it reaches across the slices is found, not told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from masam_core.inference.box_answer import coherent
from masam_core.inference.coherence import Coherent
from masam_core.inference.engine import Engine, Run
from masam_core.inference.first_click import piece_at
from masam_core.inference.job import Job
from masam_core.inference.on_slice import REACH, OnSlice
from masam_core.lesion.morphology import label_pieces

ROUNDS = 3
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Grown:
    """The place where the lesion of a prompt on one slice was found.

    Attributes:
        first, last: slices that hold it, both included.
        xyxy: (4,) edges around it on all of them together, and around the prompt's own box.
        looked: first and last slice that were looked at.
        ended: whether it ends within them on both sides, or with the volume.
        found: whether anything was found on the prompt's slice; else the rest is a guess from the
            box's size.
    """

    first: int
    last: int
    xyxy: tuple[float, float, float, float]
    looked: tuple[int, int]
    ended: bool
    found: bool


def grow(engine: Engine, start: OnSlice, run: Run, rounds: int = ROUNDS) -> Grown:
    """Look at slices on both sides of the prompt's, as far as the lesion goes on.

    At first as far as :data:`masam_core.inference.on_slice.REACH` times the half depth of a lesion
    that is as deep as it is wide; then again as much on each side where the mask, connected in 3D
    with that on the prompt's slice, has not ended.

    Args:
        engine: model and volume.
        start: the prompt on its slice.
        run: how, and whom to tell.
        rounds: looks at most.
    """
    count = start.frame.shape[0]
    step = max(1, int(np.ceil(REACH * start.half_depth)))
    low, high = max(0, start.index - step), min(count - 1, start.index + step)
    for number in range(rounds):
        job = start.job(low, high, engine.config)
        part = run.part(number / rounds, (number + 1) / rounds)
        total = engine.predict(job, part)
        first = Coherent(total.mean(), total.mean_quality())
        found = coherent(engine, job, run, first, start.index - low)
        mask = (found.probability >= run.threshold(engine.config)) & job.region()
        piece = _connected(mask, start, job)
        if not piece.any():
            return _guess(start, (low, high))
        planes = np.flatnonzero(piece.any(axis=(1, 2))) + low
        below = planes[0] == low and low > 0
        above = planes[-1] == high and high < count - 1
        if not (below or above) or number == rounds - 1:
            break
        low, high = max(0, low - step * below), min(count - 1, high + step * above)
    return Grown(
        int(planes[0]),
        int(planes[-1]),
        _edges(piece, start, job),
        (low, high),
        not (below or above),
        True,
    )


def _connected(mask: Mask, start: OnSlice, job: Job) -> Mask:
    """The piece, connected in 3D, that holds the click; of a prompt with an extent, the one with
    the most voxels in its box on its slice."""
    planes, rows, cols = job.extent()
    pieces, count = label_pieces(mask)
    if start.click is not None:
        row, col = start.click
        here = start.index - planes.start
        held = pieces[here][piece_at(mask[here], row - rows.start, col - cols.start)]
        return np.asarray(np.isin(pieces, np.unique(held)))
    x0, y0, x1, y1 = start.xyxy
    box = np.zeros(mask.shape[1:], dtype=bool)
    box[
        max(0, int(np.ceil(y0)) - rows.start) : int(np.floor(y1)) + 1 - rows.start,
        max(0, int(np.ceil(x0)) - cols.start) : int(np.floor(x1)) + 1 - cols.start,
    ] = True
    inside = np.bincount(pieces[start.index - planes.start][box], minlength=count + 1)
    inside[0] = 0
    return np.asarray(pieces == inside.argmax()) if inside.any() else np.zeros_like(mask)


def _edges(piece: Mask, start: OnSlice, job: Job) -> tuple[float, float, float, float]:
    """Edges of a piece on the extent and of the prompt's box together."""
    _, rows, cols = job.extent()
    y, x = (np.flatnonzero(piece.any(axis=axes)) for axes in ((0, 2), (0, 1)))
    x0, y0, x1, y1 = (float(edge) for edge in start.xyxy)
    return (
        min(x0, float(x[0] + cols.start) - 0.5),
        min(y0, float(y[0] + rows.start) - 0.5),
        max(x1, float(x[-1] + cols.start) + 0.5),
        max(y1, float(y[-1] + rows.start) + 0.5),
    )


def _guess(start: OnSlice, looked: tuple[int, int]) -> Grown:
    """A lesion as deep as it is wide, for a slice on which the model sees nothing."""
    half = int(np.floor(start.half_depth))
    first = max(0, start.index - half)
    last = min(start.frame.shape[0] - 1, start.index + half)
    x0, y0, x1, y1 = (float(edge) for edge in start.xyxy)
    return Grown(first, last, (x0, y0, x1, y1), looked, False, False)
