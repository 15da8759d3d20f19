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
from masam_core.inference.first_click import first_voxels, obey_first
from masam_core.inference.messages import NOTHING, SHAPED
from masam_core.inference.open_answer import Found, answer_open
from masam_core.lesion.cut import cut_words
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.measure import measure
from masam_core.lesion.starting import starting_mask
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.first import FirstPrompt
from masam_core.prompts.given import GivenPrompt, one_prompt
from masam_core.prompts.record import PromptRecord
from masam_core.prompts.warnings import warnings_after, warnings_before

# Stays true when the mask is corrected afterwards.
NOTHING_AT_CLICK = (
    "Nothing was found at the click, so the mask began with the clicked voxel alone. Draw a line "
    "or a box on the lesion instead, or correct the mask."
)


def answer(engine: Engine, prompt: FirstPrompt, run: Run) -> Lesion:
    """Segment the lesion of a first prompt.

    Args:
        engine: model and volume.
        prompt: on the grid of its volume.
        run: how, and whom to tell.
    """
    frame = engine.volume.geometry.canonical_frame(run.options.slice_axis)

    asked: list[BoxPrompt] = []

    def ask(box: BoxPrompt, part: Run) -> Answer:
        asked.append(box)
        return answer_box(engine, box_job(box, frame, part.options.margin_mm, engine.config), part)

    notes: list[str] = []
    opened: Found | None = None
    box: BoxPrompt
    if isinstance(prompt, BoxPrompt):
        box, found = prompt, ask(prompt, run)
    else:
        opened = answer_open(engine, prompt, run, ask)
        box, found = opened.box, opened.answer
    if found.cuts and run.options.extend is Extend.AUTO:
        before = box
        geometry, sides = engine.volume.geometry, run.options.extend_sides
        box, found = extend(box, found, lambda b: ask(b, run.silent()), geometry, sides)
        if box is not before:
            which = "The box" if opened is None else "The box that was found"
            notes.append(f"{which} cut the lesion off and was extended.")
    looked: float | None = None
    if opened is not None:
        looked = opened.looked_mm(asked)
        notes.insert(0, opened.message(found, asked))
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
    record = PromptRecord(prompt)
    mask, probability, offset, held = obey_first(
        mask, probability, offset, first_voxels(record, volume.geometry)
    )
    cuts = found.cuts if held else ()
    # A mask that was cut off agrees with itself, and one beside the click is of something else:
    # how sure the model is of it means nothing.
    sure = float("nan") if cuts or not held else found.confidence
    # What a look at a box alone tells is for the user who drew it.
    before = warnings_before(box, job.prompt) if isinstance(prompt, BoxPrompt) else []
    messages = [*volume.notes, *before, *notes]
    if volume.doubt:
        messages.append(volume.doubt)
    if not found.seen:
        messages.append(
            "The image has one value in and around this box: there is nothing to see, so "
            "nothing was outlined. Check that it is the right image."
        )
    elif not held:
        messages.append(NOTHING_AT_CLICK)
    elif not mask.any():
        messages.append(NOTHING)
    elif found.shaped:
        messages.append(
            f"{SHAPED}, so the box's own shape was taken into account. Check the mask closely, or "
            "tighten the box."
        )
    if cuts:
        messages.append(cut_words(cuts))
    if held:
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
        prompts=record,
        cuts=cuts,
        looked_mm=looked,
    )
