"""First prompts to lesions: asked, measured, and told what is worth a word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from masam_core.image.volume import Volume
from masam_core.inference.box_answer import Answer, answer_box, box_job
from masam_core.inference.engine import Engine, Run
from masam_core.inference.extend import Extend
from masam_core.inference.extending import extend
from masam_core.inference.open_answer import answer_open
from masam_core.inference.refining import NOTHING
from masam_core.lesion.cut import cut_words
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.measure import measure
from masam_core.lesion.starting import starting_mask
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.first import FirstPrompt
from masam_core.prompts.given import GivenPrompt, one_prompt
from masam_core.prompts.record import PromptRecord
from masam_core.prompts.warnings import warnings_after, warnings_before


def answer(engine: Engine, prompt: FirstPrompt, run: Run) -> Lesion:
    """Segment the lesion of a first prompt.

    Args:
        engine: model and volume.
        prompt: on the grid of its volume.
        run: how, and whom to tell.
    """
    frame = engine.volume.geometry.canonical_frame(run.options.slice_axis)

    def ask(box: BoxPrompt, part: Run) -> Answer:
        return answer_box(engine, box_job(box, frame, part.options.margin_mm, engine.config), part)

    notes: list[str] = []
    looked: float | None = None
    box: BoxPrompt
    if isinstance(prompt, BoxPrompt):
        box, found = prompt, ask(prompt, run)
    else:
        opened = answer_open(engine, prompt, run, ask)
        box, found, looked = opened.box, opened.answer, opened.looked_mm
        notes.append(opened.message)
    if found.cuts and run.options.extend is Extend.AUTO:
        before = box
        box, found = extend(box, found, lambda b: ask(b, run.silent()), engine.volume.geometry)
        if box is not before:
            notes.append("The box cut the lesion off and was extended.")
    if run.progress is not None:
        run.progress(1.0, "measuring")
    return _lesion(engine, prompt, box, found, looked, notes, run)


def lesion_of_mask(
    volume: Volume, mask: NDArray[np.bool_], first: GivenPrompt | None, model: str
) -> Lesion:
    """A lesion that begins with a mask.

    Args:
        volume: the image.
        mask: bool, KJI, the whole image.
        first: a prompt that goes with it, for the record; None takes the mask's tight box.
        model: that will correct it.

    Raises:
        SegmentationError: an empty mask, or one of another shape.
    """
    known, tight = starting_mask(mask, volume)
    prompt = tight if first is None else one_prompt(first, volume.geometry)
    box = prompt if isinstance(prompt, BoxPrompt) else tight.renamed(prompt.name)
    return Lesion.from_mask(
        known,
        volume,
        box,
        messages=volume.notes,
        model=model,
        prompts=PromptRecord(prompt, (), started_from_mask=True),
    )


def _lesion(
    engine: Engine,
    prompt: FirstPrompt,
    box: BoxPrompt,
    found: Answer,
    looked: float | None,
    notes: Sequence[str],
    run: Run,
) -> Lesion:
    volume, job = engine.volume, found.job
    offset, mask, probability = job.to_source(found.mask, found.probability)
    # A mask that was cut off agrees with itself: how sure the model is of it means nothing.
    sure = float("nan") if found.cuts else found.confidence
    messages = [*volume.notes, *warnings_before(box, job.prompt), *notes]
    if volume.doubt:
        messages.append(volume.doubt)
    if not found.seen:
        messages.append(
            "The image has one value in and around this box: there is nothing to see, so "
            "nothing was outlined. Check that it is the right image."
        )
    elif not mask.any():
        messages.append(NOTHING)
    elif found.shaped:
        messages.append(
            "What stands out fills little of this box, so the box's own shape was taken into "
            "account. Check the mask closely, or tighten the box."
        )
    if found.cuts:
        messages.append(cut_words(found.cuts))
    messages += warnings_after(box, mask, offset, sure)
    return Lesion(
        name=prompt.name or "Lesion",
        mask=mask,
        offset_kji=offset,
        probability=probability,
        confidence=sure,
        box=box,
        geometry=volume.geometry,
        measurements=measure(
            mask, offset, volume, run.options.slice_axis, run.options.diameter_plane
        ),
        messages=tuple(messages),
        model=engine.config.name,
        prompts=PromptRecord(prompt),
        cuts=found.cuts,
        looked_mm=looked,
    )
