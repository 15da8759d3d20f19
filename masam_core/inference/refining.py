"""Corrections of a lesion: each on its patch, or its patches, each obeyed, none farther."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import Cancelled
from masam_core.image.geometry import CanonicalFrame
from masam_core.inference.box_answer import box_job
from masam_core.inference.canonical_crop import Place, canonical_voxels
from masam_core.inference.canvas import Canvas
from masam_core.inference.confidence import confidence
from masam_core.inference.correcting import CorrectorLike, Said, Values, correct, obey
from masam_core.inference.engine import Engine, Run
from masam_core.inference.extending import still_cut
from masam_core.inference.first_click import first_said
from masam_core.inference.job import Job
from masam_core.inference.messages import messages_after
from masam_core.inference.own_points import ask_with_points, knows_points
from masam_core.inference.patch import split
from masam_core.inference.tidying import tidy
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.measure import measure
from masam_core.lesion.painted import Painted
from masam_core.prompts.corrections import Correction, correction_voxels
from masam_core.prompts.record import PromptRecord


@dataclass(frozen=True, eq=False)
class Tools:
    """What corrects.

    Attributes:
        corrector: the network.
        contrast: scales a patch's image for it.
    """

    corrector: CorrectorLike
    contrast: Callable[[Values], Values]


def refined(
    engine: Engine,
    lesion: Lesion,
    corrections: Sequence[Correction],
    run: Run,
    tools: Tools,
    painted: Painted | None = None,
) -> Lesion:
    """A lesion after further corrections; the one that was given stays as it is.

    What the user says holds, and the later word counts: new positive prompts lie in the mask, new
    negative ones do not; before them comes what was painted by hand in this round, which stays
    elsewhere; before that come earlier prompts, as far as the mask that is given still agrees with
    them (where it does not, it was changed by hand since). Apart from the
    voxels that were named, nothing changes outside the patches around the new prompts. Where a
    positive prompt lies outside the box, its patch may be filled, too.

    Args:
        engine: model and volume.
        lesion: on the grid of the volume.
        corrections: new ones, oldest first.
        run: how, and whom to tell.
        tools: what corrects.
        painted: by hand in this round, before the new corrections.

    Raises:
        BoxError: a correction outside the volume.
        Cancelled: ``run.cancelled`` said so.
    """
    frame = engine.volume.geometry.canonical_frame(run.options.slice_axis)
    config, threshold = engine.config, run.threshold(engine.config)
    record = lesion.prompts or PromptRecord(lesion.box)
    news = [_said(each, frame) for each in corrections]
    job = box_job(lesion.box, frame, run.options.margin_mm, config)
    canvas = Canvas(lesion, frame, threshold)
    _allow(canvas, job)
    before = confidence(canvas.probability, canvas.mask)
    said_before = [_said(each, frame) for each in record.corrections]
    earlier = _still_true(canvas, [*first_said(record, frame), *said_before])
    by_hand = _by_hand(painted, frame)
    obey(canvas, [*earlier, *by_hand])
    image = frame.to_canonical(engine.volume.array)
    places: list[Place] = []
    for number, new in enumerate(news):
        told = [*earlier, *news[:number]]
        ends = _ends(canvas, job)
        parts = _parts(new, split(new.voxels, ends, frame.spacing))
        for done, part in enumerate(parts):
            if run.cancelled is not None and run.cancelled():
                raise Cancelled("The correction was cancelled.")
            if run.progress is not None:
                share = (number + done / len(parts)) / len(news)
                run.progress(share, f"correction {number + 1} of {len(news)}")
            said = [*told, *part]
            first = None
            if knows_points(config):
                first = partial(ask_with_points, engine, canvas, job, said, run=run)
            places.append(
                correct(canvas, image, tools.corrector, tools.contrast, said, ends, first)
            )
            obey(canvas, [*earlier, *by_hand, *news[: number + 1]])
    fixed = [*earlier, *by_hand, *news]
    if places:
        tidy(canvas, places, fixed, _centre(job), run.options.postprocess)
    obey(canvas, fixed)
    if run.progress is not None:
        run.progress(1.0, "measuring")
    return _lesion(engine, lesion, canvas, record.with_corrections(*corrections), before, run)


def _lesion(
    engine: Engine,
    lesion: Lesion,
    canvas: Canvas,
    record: PromptRecord,
    before: float,
    run: Run,
) -> Lesion:
    mask, probability, offset = canvas.to_source()
    cuts = lesion.cuts
    if cuts:
        voxels = (np.argwhere(mask) + np.array(offset))[:, ::-1]
        cuts = still_cut(cuts, voxels, lesion.box, lesion.geometry)
    # What the model said of its mask, and how much surer or less sure the corrections made it.
    sure = lesion.confidence
    if not math.isnan(sure):
        sure = float(np.clip(sure + confidence(canvas.probability, canvas.mask) - before, 0, 1))
    return replace(
        lesion,
        mask=mask,
        offset_kji=offset,
        probability=probability,
        confidence=sure,
        measurements=measure(
            mask, offset, engine.volume, run.options.slice_axis, run.options.diameter_plane
        ),
        messages=messages_after(engine.config, lesion, mask, offset, sure, cuts),
        prompts=record,
        cuts=cuts,
    )


def _said(correction: Correction, frame: CanonicalFrame) -> Said:
    voxels = correction_voxels(correction, frame.geometry)
    return Said(canonical_voxels(voxels, frame), correction.positive)


def _still_true(canvas: Canvas, said: Sequence[Said]) -> list[Said]:
    """The voxels of earlier prompts at which the mask agrees with them."""
    kept = []
    for each in said:
        own = each.voxels - np.array(canvas.first)
        held = ((own >= 0) & (own < canvas.mask.shape)).all(axis=1)
        inside = np.zeros(len(own), dtype=bool)
        inside[held] = canvas.mask[tuple(own[held].T)]
        agrees = inside == each.positive
        if agrees.any():
            kept.append(Said(each.voxels[agrees], each.positive))
    return kept


def _by_hand(painted: Painted | None, frame: CanonicalFrame) -> list[Said]:
    if painted is None:
        return []
    return [
        Said(canonical_voxels(painted.voxels_ijk(value), frame), value > 0) for value in (-1, 1)
    ]


def _allow(canvas: Canvas, job: Job) -> None:
    """The mask so far and the box, with its margin, may be filled."""
    canvas.cover(job.extent())
    canvas.allowed[canvas.inside(job.extent())] |= job.region()


def _parts(new: Said, runs: Sequence[NDArray[np.int64]]) -> list[list[Said]]:
    """What is told of a long prompt for each of its runs: the rest of it, and the run last."""
    if len(runs) < 2:
        return [[new]]
    parts = []
    for run in runs:
        rest = np.delete(new.voxels, run, axis=0)
        parts.append([Said(rest, new.positive), Said(new.voxels[run], new.positive)])
    return parts


def _ends(canvas: Canvas, job: Job) -> NDArray[np.int64]:
    """First and last voxel (2, 3) of the mask, or of the box where there is none."""
    ends = canvas.ends()
    if ends is not None:
        return ends
    return np.array([[part.start, part.stop - 1] for part in job.extent()]).T


def _centre(job: Job) -> Place:
    """The middle half of the box along each axis."""
    a, b, c = (
        slice(part.start + (part.stop - part.start) // 4, part.stop - (part.stop - part.start) // 4)
        for part in job.extent()
    )
    return a, b, c
