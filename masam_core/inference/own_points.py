"""Corrections through a model's own prompt encoder: SAM and what has its weights' meaning.

They were trained with points, and with their own mask of the round before as a mask prompt. What
they say of the slices near a new prompt goes into the probability before the corrector looks at it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from masam_core.inference.canonical_crop import Place
from masam_core.inference.canvas import Canvas
from masam_core.inference.correcting import Said
from masam_core.inference.engine import Ask, Engine, Run
from masam_core.inference.job import Job
from masam_core.inference.view import prior_map
from masam_core.model.config import ModelConfig
from masam_core.model.prompt import NEGATIVE, NO_POINT, POSITIVE, NetworkPrompt, repeated

NEAR = 1  # slices beside a prompt that are decoded again
MOST_POINTS = 16  # of a slice; a scribble is thinned to it
MOST_LOGIT = 6.0


def knows_points(config: ModelConfig) -> bool:
    """Whether a model takes points and masks as SAM does: its decoder and prompt encoder are
    SAM's, MedSAM's or LiteMedSAM's, and nothing of MA-SAM was trained on top."""
    return config.decoder == "sam" and config.fact_rank == 0 and config.adapter_position == "none"


def ask_with_points(
    engine: Engine, canvas: Canvas, job: Job, said: Sequence[Said], place: Place, run: Run
) -> None:
    """Decode the slices of the last prompt again, and those beside them.

    Each is asked with the box, the points on it, and a mask: those of the prompt with the mask so
    far, those beside it with the mask that was just found next to them. A prompt on slices that the
    box does not reach is left to the corrector.

    Args:
        engine: whose model knows points.
        canvas: is changed, within the place and the job's extent.
        job: of the lesion's box.
        said: prompts so far; the last one is new.
        place: of the prompt's patch, in the canonical volume.
        run: how.
    """
    planes = job.extent()[0]
    low, high = max(planes.start, place[0].start), min(planes.stop, place[0].stop)
    canvas.cover(job.extent())
    own = [int(z) for z in np.unique(said[-1].voxels[:, 0]) if low <= z < high]
    if not own:
        return  # the box reaches none of the prompt's slices
    asked = [(index, index) for index in own]
    for step, edge in ((-1, min(own)), (1, max(own))):
        beside = [edge + step * away for away in range(1, NEAR + 1)]
        asked += [(index, index - step) for index in beside if low <= index < high]
    for index, known in asked:
        prompt = _prompt(engine, canvas, job, index, known, said)
        seen = engine.predict(job.only(index, index), run.silent(), prompt).mean()[0]
        _take_over(canvas, job, index, seen, place)


def _prompt(
    engine: Engine, canvas: Canvas, job: Job, index: int, known: int, said: Sequence[Said]
) -> Ask:
    """What is asked about a slice, told the mask of another."""
    config = engine.config
    _, rows, cols = job.extent()
    so_far = canvas.probability[canvas.inside((slice(known, known + 1), rows, cols))][0]
    certain = np.clip(so_far, 1e-4, 1 - 1e-4)
    logits = np.clip(np.log(certain / (1 - certain)), -MOST_LOGIT, MOST_LOGIT)
    mask = prior_map(logits.astype(np.float32), (rows.start, cols.start), job.crop, config)
    points, labels = points_on(index, job, said, config)

    def ask(slices: NDArray[np.int64]) -> NetworkPrompt:
        prompt = job.ask(slices, config)
        prompt.masks = repeated(mask, len(slices))
        if len(labels):
            prompt.points = repeated(points[None], len(slices))
            prompt.labels = repeated(labels[None], len(slices))
        return prompt

    return ask


def points_on(
    index: int, job: Job, said: Sequence[Said], config: ModelConfig
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What was said of a slice, as SAM takes it.

    Args:
        index: of the slice.
        job: gives the field of view.
        said: prompts so far; the last one is thinned out least.
        config: gives the image's size.

    Returns:
        Positions (P, 2) x, y in network pixels and labels (P,), filled up to
        :data:`MOST_POINTS` so that recorded work fits every slice; empty where nothing was said.
    """
    places: list[NDArray[np.float64]] = []
    kinds: list[int] = []
    for each in reversed(said):
        here = each.voxels[each.voxels[:, 0] == index][:, :0:-1]  # x, y
        left = MOST_POINTS - len(kinds)
        if not len(here) or not left:
            continue
        chosen = here[np.unique(np.linspace(0, len(here) - 1, left).round().astype(int))]
        places.append(chosen.astype(np.float64))
        kinds += [POSITIVE if each.positive else NEGATIVE] * len(chosen)
    if not kinds:
        return np.zeros((0, 2), np.float32), np.zeros(0, np.float32)
    xy = np.concatenate(places)
    pixels = job.crop.to_pixels(np.concatenate([xy, xy], axis=1), config.image_size)[:, :2]
    empty = MOST_POINTS - len(kinds)
    positions = np.pad(pixels, ((0, empty), (0, 0)))
    labels = np.array([*kinds, *[NO_POINT] * empty], dtype=np.float32)
    return positions, labels


def _take_over(
    canvas: Canvas, job: Job, index: int, seen: NDArray[np.float32], place: Place
) -> None:
    """Put a slice's answer on the canvas, within the box and the patch."""
    planes, rows, cols = job.extent()
    where = job.region()[index - planes.start].copy()
    where[: max(0, place[1].start - rows.start)] = False
    where[max(0, place[1].stop - rows.start) :] = False
    where[:, : max(0, place[2].start - cols.start)] = False
    where[:, max(0, place[2].stop - cols.start) :] = False
    plane = canvas.inside((slice(index, index + 1), rows, cols))
    canvas.probability[plane] = np.where(where, seen, canvas.probability[plane][0])[None]
    found = canvas.probability[plane] >= canvas.threshold
    canvas.opened[plane] |= canvas.mask[plane] & ~found
    canvas.mask[plane] = found
