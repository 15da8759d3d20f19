"""The requests to the worker that jobs need, one after the other."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from masam_core.errors import MasamError
from masam_core.inference.extend import Extend
from masam_core.lesion.cut import Cut
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.measure import Measurements
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.record import PromptRecord

from .jobs import Job, OnImage, Standing

if TYPE_CHECKING:
    from masam_core.inference.options import SegmentOptions
    from masam_core.worker.steps import ModelChoice, Outcome, Result


def jobSteps(
    groups: Sequence[Sequence[Job]], choice: ModelChoice, options: SegmentOptions, onImage: OnImage
) -> Any:
    """Image after image; the result is the last outcome, with the lesions of all.

    Args:
        groups: see :func:`.jobs.byImage`.
        choice, options: model and settings.
        onImage: called with the number of each group as its turn comes.
    """
    outcome: Outcome | None = None
    results: dict[str, Result] = {}
    for number, jobs in enumerate(groups):
        onImage(number)
        outcome = yield from _imageSteps(jobs, choice, options)
        results |= outcome.results
    if outcome is not None:
        outcome.results.update(results)
        outcome.model.update(options=options.to_dict())
    return outcome


def _imageSteps(jobs: Sequence[Job], choice: ModelChoice, options: SegmentOptions) -> Any:
    """What is made anew in one request, then extensions and corrections one by one."""
    from masam_core.worker.client import Ask
    from masam_core.worker.steps import Outcome, segment_steps

    model = yield Ask("load_model", choice.fields())
    results: dict[str, Result] = {}
    anew = [job for job in jobs if job.standing is None]
    for together in (
        [job for job in anew if not job.extend],
        *([job] for job in anew if job.extend),
    ):
        if not together:
            continue
        extend = together[0].extend
        used = options.changed(extend=Extend.AUTO, extend_sides=extend) if extend else options
        asked = [(job.key, _begun(job)) for job in together]
        outcome = yield from segment_steps(choice, together[0].image, asked, used)
        results |= outcome.results
    for job in jobs:
        if job.standing is not None:
            lesion = standingLesion(job, job.standing)
            results[job.key] = yield from _refined(job, lesion, job.standing, choice, options)
        elif job.painted is not None and isinstance(results.get(job.key), Lesion):
            # The hand's work comes after the first prompt, and before the corrections.
            made = results[job.key]
            results[job.key] = yield from _corrected(
                job, made, job.record.corrections, choice, options
            )
    described = {name: value for name, value in model.items() if name not in ("type", "id")}
    return Outcome(described, 0.0, results)


def _begun(job: Job) -> PromptRecord:
    """What is asked at once: all of it, or the first prompt alone where hand work comes between."""
    return job.record if job.painted is None else PromptRecord(job.record.first)


def _refined(
    job: Job, lesion: Lesion, standing: Standing, choice: ModelChoice, options: SegmentOptions
) -> Any:
    return (yield from _corrected(job, lesion, standing.more, choice, options))


def _corrected(
    job: Job, lesion: Any, more: Any, choice: ModelChoice, options: SegmentOptions
) -> Generator[Any, Any, Result]:
    """Correct one lesion; what is wrong with it alone stops no other."""
    from masam_core.worker.client import WorkerError
    from masam_core.worker.codes import kind_of
    from masam_core.worker.steps import local_error, refine_steps

    try:
        found: Lesion = yield from refine_steps(
            choice, job.image, lesion, more, options, job.painted
        )
    except WorkerError as error:
        if kind_of(error.code) is None:  # the worker itself: it concerns all
            raise
        return local_error(error.code, str(error))
    except MasamError as error:
        return error
    return found


def standingLesion(job: Job, standing: Standing) -> Lesion:
    """The mask that is there, as the core knows lesions."""
    made, geometry = standing.made, job.image.geometry
    return Lesion(
        name=standing.record.name or "Lesion",
        mask=standing.mask,
        offset_kji=standing.offset,
        probability=None,
        confidence=made.confidence,
        box=BoxPrompt(geometry.ijk_from_lps(made.corners), standing.record.name)
        if not made.byHand
        else standing.record.first,  # type: ignore[arg-type]
        geometry=geometry,
        measurements=Measurements(voxels=int(standing.mask.sum()), volume_ml=0.0),
        messages=tuple(note for note in made.messages if note not in job.image.notes),
        model=made.model,
        prompts=standing.record,
        cuts=tuple(Cut.from_dict(cut) for cut in made.cuts),
        looked_mm=made.lookedMm,
    )
