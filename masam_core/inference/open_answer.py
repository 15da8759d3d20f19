"""The answer to a line, a box on a slice or a click: a 3D box is found, and answered."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import SegmentationError
from masam_core.inference.box_answer import Answer
from masam_core.inference.engine import Engine, Run
from masam_core.inference.extending import end_of, moved
from masam_core.inference.first_click import piece_at
from masam_core.inference.growth import ROUNDS, Grown, grow
from masam_core.inference.messages import LOOKED
from masam_core.inference.on_slice import OnSlice, candidates, on_slice
from masam_core.prompts.boxes import CORNER_BITS, BoxPrompt
from masam_core.prompts.first import OpenPrompt, PointPrompt

Bounds = NDArray[np.float64]  # (2, 3) low and high i, j, k
SAME = 0.75  # voxels: a box that moves less on every side is the same


@dataclass(frozen=True, eq=False)
class Found:
    """What a prompt without a third extent led to.

    Attributes:
        box: around the lesion.
        answer: to it.
        start: the prompt on its slice.
        grown: how far the lesion seemed to reach at first.
    """

    box: BoxPrompt
    answer: Answer
    start: OnSlice
    grown: Grown

    def looked(self, asked: Iterable[BoxPrompt]) -> tuple[int, int]:
        """First and last slice, of the prompt's frame, that were looked at.

        Args:
            asked: boxes that were asked after the first look.
        """
        low, high = self.grown.looked
        for box in asked:
            z = self.start.frame.canonical_from_ijk(box.corners_ijk)[:, 2]
            low, high = min(low, math.ceil(z.min())), max(high, math.floor(z.max()))
        return max(0, low), min(self.start.frame.shape[0] - 1, high)

    def looked_mm(self, asked: Iterable[BoxPrompt]) -> float:
        """How far across the slices was looked; see :meth:`looked`."""
        low, high = self.looked(asked)
        return (high - low + 1) * self.start.frame.spacing[0]

    def message(self, answer: Answer, asked: Iterable[BoxPrompt]) -> str:
        """How far was looked, and how far the lesion reaches, in a user's words.

        Args:
            answer: the last one.
            asked: see :meth:`looked`.
        """
        frame, looked = self.start.frame, self.looked(asked)
        slice_mm, count = frame.spacing[0], looked[1] - looked[0] + 1
        text = f"{LOOKED}{count * slice_mm:.0f} mm ({_slices(count)}) across the prompt's slice"
        if not self.grown.found and self.start.click is not None:
            return (
                f"{text}; nothing stands out at the click, so size and depth of the lesion were "
                "guessed. Check the mask closely, or draw a line or a box on the lesion."
            )
        if not self.grown.found:
            return (
                f"{text}; nothing stands out on it, so the depth was guessed from the prompt's "
                "size. Check the mask closely."
            )
        if not answer.mask.any():
            return f"{text}; nothing was found in the box there."
        first, last = _ends(answer, self.start)
        whole = last - first + 1
        text += f"; the lesion takes {whole * slice_mm:.0f} mm ({_slices(whole)})."
        on = 0 < first <= looked[0] or looked[1] <= last < frame.shape[0] - 1
        return f"{text} It may go on further." if on else text


def answer_open(
    engine: Engine,
    prompt: OpenPrompt,
    run: Run,
    ask: Callable[[BoxPrompt, Run], Answer],
) -> Found:
    """Find the lesion's third extent, then answer the 3D box around it as any other.

    The box is drawn to the mask, and asked again, until it stays as it is, three times at most. It
    always holds what the user drew.

    Args:
        engine: model and volume.
        prompt: on one slice.
        run: how, and whom to tell.
        ask: answers a box.
    """
    geometry, axis = engine.volume.geometry, run.options.slice_axis
    if isinstance(prompt, PointPrompt):
        start = best_candidate(engine, candidates(prompt, geometry, axis), run.part(0.0, 0.2))
    else:
        start = on_slice(prompt, geometry, axis)
    grown = grow(engine, start, run.part(0.2, 0.5))
    box = start.box(grown.first, grown.last, np.array(grown.xyxy), prompt.name)
    drawn = _bounds(start.box(start.index, start.index, start.xyxy, ""))
    for number in range(ROUNDS):
        low = 0.5 + 0.5 * number / ROUNDS
        answer = ask(box, run.part(low, low + 0.5 / ROUNDS))
        fitted = _fitted(answer, box, drawn)
        if number == ROUNDS - 1 or _same(fitted, box):
            break
        box = fitted
    return Found(box, answer, start, grown)


def best_candidate(engine: Engine, starts: list[OnSlice], run: Run) -> OnSlice:
    """Choose among boxes of several sizes around a click.

    Each is asked on the click's slice, drawn to the mask that it gives, and asked again. The best
    is the one whose two masks agree most, weighted by the probability in them: a box of the right
    size stays where it is. A mask is the piece that holds the click. Where no candidate's does,
    nothing is to be seen there, and the smallest is a guess that does not reach far.

    Raises:
        SegmentationError: no candidate.
    """
    best: tuple[float, OnSlice] | None = None
    for number, start in enumerate(starts):
        share = run.part(number / len(starts), (number + 1) / len(starts))
        score, fitted = _judge(engine, start, share)
        if best is None or score > best[0]:
            best = (score, fitted)
    if best is None:
        raise SegmentationError("There is no box to choose around this click.")
    return best[1]


def _judge(engine: Engine, start: OnSlice, run: Run) -> tuple[float, OnSlice]:
    first = _on_its_slice(engine, start, run)
    if first is None:
        return 0.0, start
    fitted = replace(start, xyxy=first[1])
    second = _on_its_slice(engine, fitted, run.silent())
    if second is None:
        return 0.0, start
    a, b = first[0], second[0]
    overlap = len(a.keys() & b.keys())
    agreement = 2 * overlap / (len(a) + len(b))
    sure = (np.mean(list(a.values())) + np.mean(list(b.values()))) / 2
    return float(agreement * sure), replace(start, xyxy=second[1])


def _on_its_slice(
    engine: Engine, start: OnSlice, run: Run
) -> tuple[dict[tuple[int, int], float], NDArray[np.float64]] | None:
    """Probability by pixel of the piece that holds the click, and the piece's own box; None where
    no piece does."""
    job = start.job(start.index, start.index, engine.config)
    probability = engine.predict(job, run).mean()[0]
    mask = (probability >= run.threshold(engine.config)) & job.region()[0]
    _, rows, cols = job.extent()
    assert start.click is not None
    piece = piece_at(mask, start.click[0] - rows.start, start.click[1] - cols.start)
    if not piece.any():
        return None
    where = np.argwhere(piece)
    pixels = {
        (int(r) + rows.start, int(c) + cols.start): float(probability[r, c]) for r, c in where
    }
    low, high = where.min(axis=0), where.max(axis=0)
    xyxy = np.array([low[1] + cols.start, low[0] + rows.start, high[1], high[0]], dtype=float)
    xyxy[2:] += [cols.start, rows.start]
    return pixels, xyxy + np.array([-0.5, -0.5, 0.5, 0.5])


def _fitted(answer: Answer, asked: BoxPrompt, drawn: Bounds) -> BoxPrompt:
    """The tight box of a mask and of what the user drew; where it is cut, some way further.

    Of an empty mask it is the box that was asked, whose depth nothing contradicts.
    """
    if not answer.mask.any():
        return asked
    job = answer.job
    where = np.argwhere(answer.mask)
    first = np.array([part.start for part in job.extent()])
    ends = np.stack([where.min(axis=0) - 0.5, where.max(axis=0) + 0.5]) + first
    bounds = _union(drawn, job.frame.ijk_from_canonical(ends[:, ::-1]))
    box = BoxPrompt(bounds[0] + CORNER_BITS * (bounds[1] - bounds[0]), asked.name)
    if answer.cuts:
        geometry = job.frame.geometry
        box = moved(box, {end_of(cut.side, box, geometry) for cut in answer.cuts})
    return box


def _bounds(box: BoxPrompt) -> Bounds:
    return np.stack([box.corners_ijk.min(axis=0), box.corners_ijk.max(axis=0)])


def _union(a: Bounds, b: Bounds) -> Bounds:
    low = np.minimum(a.min(axis=0), b.min(axis=0))
    return np.stack([low, np.maximum(a.max(axis=0), b.max(axis=0))])


def _same(a: BoxPrompt, b: BoxPrompt) -> bool:
    return bool(np.abs(_bounds(a) - _bounds(b)).max() < SAME)


def _ends(answer: Answer, start: OnSlice) -> tuple[int, int]:
    """First and last slice of the prompt's frame that a mask reaches."""
    where = np.argwhere(answer.mask) + np.array([part.start for part in answer.job.extent()])
    ijk = answer.job.frame.ijk_from_canonical(where[:, ::-1])
    slices = np.rint(start.frame.canonical_from_ijk(ijk)[:, 2])
    return int(slices.min()), int(slices.max())


def _slices(count: int) -> str:
    return f"{count} slice" if count == 1 else f"{count} slices"
