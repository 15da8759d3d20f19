"""The answer to one box: asked slice by slice, held together in 3D, cleaned, judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from masam_core.image.geometry import CanonicalFrame
from masam_core.inference.coherence import Coherent, hold_together
from masam_core.inference.confidence import confidence, predicted_confidence
from masam_core.inference.cutting import HALO_SHARE, HALO_SLICES, find_cuts
from masam_core.inference.engine import Engine, Run
from masam_core.inference.job import Job, job_crop
from masam_core.inference.tightness import respect_box
from masam_core.inference.view import prior_map
from masam_core.lesion.cleaning import postprocess
from masam_core.lesion.cut import Cut
from masam_core.model.config import ModelConfig
from masam_core.model.prompt import NetworkPrompt, repeated
from masam_core.prompts.boxes import BoxPrompt


@dataclass(frozen=True, eq=False)
class Answer:
    """What was found, on the extent of a job.

    Attributes:
        job: without halo.
        mask, probability: (slices, rows, columns); the probability is 0 outside the box.
        confidence: of the mask, in [0, 1].
        shaped: share of the box's own shape in it.
        seen: whether there was anything to see.
        cuts: sides at which the box seems to cut the lesion.
    """

    job: Job
    mask: NDArray[np.bool_]
    probability: NDArray[np.float32]
    confidence: float
    shaped: float
    seen: bool
    cuts: tuple[Cut, ...] = ()


def box_job(box: BoxPrompt, frame: CanonicalFrame, margin_mm: float, config: ModelConfig) -> Job:
    """The job of a box.

    Raises:
        BoxError: the box lies outside the volume.
    """
    prompt = box.slice_boxes(frame)
    allowed = box.slice_boxes(frame, margin_mm) if margin_mm else prompt
    return Job(frame, prompt, allowed, job_crop(prompt, allowed, frame, config))


def answer_box(engine: Engine, job: Job, run: Run) -> Answer:
    """Segment the lesion in a box.

    Args:
        engine: model and volume.
        job: of the box, see :func:`box_job`.
        run: how, and whom to tell.
    """
    config, options = engine.config, run.options
    threshold = run.threshold(config)
    # A rim beyond the box is computed, too, to see whether the lesion goes on there.
    wide = job.with_halo(HALO_SHARE, HALO_SLICES)
    total = engine.predict(wide, run)
    inner = wide.inner()
    beyond = total.mean()
    first = Coherent(beyond[inner], total.mean_quality()[inner[0]])
    found = coherent(engine, job, run, first)
    region, shaped = job.region(), 0.0
    probability = found.probability
    if config.shape_prior == "ellipsoid":
        probability, shaped = respect_box(probability, job, threshold)
    mask = postprocess(
        (probability >= threshold) & region,
        region,
        job.centre(),
        job.frame.spacing[::-1],
        options.postprocess,
    )
    probability = np.where(region, probability, 0).astype(np.float32)
    seen = engine.shows_anything(job)
    if not seen:
        # What the model says then follows its box alone, not the patient.
        mask, probability = np.zeros_like(mask), np.zeros_like(probability)
    if config.confidence == "predicted":
        sure = predicted_confidence(found.quality, mask)
    else:
        sure = confidence(probability, mask)
    whole = np.zeros(beyond.shape, dtype=bool)
    whole[inner] = mask
    cuts = find_cuts(whole, beyond, image_on(engine, wide), wide, threshold)
    return Answer(job, mask, probability, sure, shaped, seen, cuts)


def coherent(
    engine: Engine, job: Job, run: Run, first: Coherent, start: int | None = None
) -> Coherent:
    """Probabilities on a job's extent that stay on one lesion from slice to slice.

    Args:
        engine, job, run: see :func:`answer_box`.
        first: what the network said.
        start: the slice of the extent that is surest; None finds it.
    """
    planes, rows, cols = job.extent()

    def again(index: int, prior: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
        if not takes_masks(engine.config):
            return first.probability[index], float(first.quality[index])
        one = job.only(planes.start + index, planes.start + index)

        def ask(slices: NDArray[np.int64]) -> NetworkPrompt:
            prompt = job.ask(slices, engine.config)
            mask = prior_map(prior, (rows.start, cols.start), job.crop, engine.config)
            prompt.masks = repeated(mask, len(slices))
            return prompt

        seen = engine.predict(one, run.silent(), ask)
        return seen.mean()[0], float(seen.mean_quality()[0])

    image = image_on(engine, job)
    return hold_together(first, image, job, run.threshold(engine.config), again, start)


def image_on(engine: Engine, job: Job) -> NDArray[np.float32]:
    """The image (slices, rows, columns) on a job's extent, cut at its own extremes.

    A few voxels of metal or a clip would else make all the rest look alike.
    """
    seen = job.frame.to_canonical(engine.volume.array)[job.extent()].astype(np.float32)
    low, high = np.nanpercentile(seen, (0.5, 99.5))
    return np.asarray(np.clip(np.nan_to_num(seen, nan=low), low, high), dtype=np.float32)


def takes_masks(config: ModelConfig) -> bool:
    """Whether a model was trained with mask prompts: SAM's own, or with the ellipsoid as one."""
    return config.shape_prior == "ellipsoid" or config.decoder == "sam"
