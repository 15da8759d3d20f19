"""What is told of a corrected lesion: what was true of the old mask alone goes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from masam_core.inference.own_points import knows_points
from masam_core.lesion.cut import Cut, cut_words
from masam_core.lesion.lesion import Lesion
from masam_core.model.config import ModelConfig
from masam_core.prompts.warnings import warnings_after

NOTHING = "Nothing was found in this box."
LOOKED = "Looked "  # begins how far across the slices was looked; what was seen follows a semicolon
SHAPED = "What stands out fills little of this box"  # begins that the box's shape was drawn on


def boxes_only(name: str) -> str:
    """What is said where a model takes no points."""
    return (
        f"The model '{name}' was trained with boxes alone. It drew the first mask; MASAM's own "
        "corrector made the corrections."
    )


def messages_after(
    config: ModelConfig,
    lesion: Lesion,
    mask: NDArray[np.bool_],
    offset_kji: tuple[int, int, int],
    sure: float,
    cuts: tuple[Cut, ...],
) -> tuple[str, ...]:
    """The messages of a lesion whose mask was corrected.

    What concerns image and prompt stays. What concerns the mask is made anew, or goes where the
    user has taken the matter in hand: whether something was found, how deep it is, how it was
    drawn.

    Args:
        config: of the model.
        lesion: before the correction.
        mask: after it, bool, a KJI crop of the image grid.
        offset_kji: index in the whole image of the crop's first voxel.
        sure: confidence in the mask.
        cuts: sides at which the box still cuts the lesion.
    """
    gone = set(warnings_after(lesion.box, lesion.mask, lesion.offset_kji, lesion.confidence))
    gone |= {cut_words(lesion.cuts), NOTHING}
    kept = [
        _about_the_prompt(message)
        for message in lesion.messages
        if message not in gone and not message.startswith(SHAPED)
    ]
    if not mask.any():
        kept.append(NOTHING)
    if cuts:
        kept.append(cut_words(cuts))
    if config.shape_prior == "none" and not knows_points(config):
        kept.append(boxes_only(config.name))
    return tuple(dict.fromkeys([*kept, *warnings_after(lesion.box, mask, offset_kji, sure)]))


def _about_the_prompt(message: str) -> str:
    """How far was looked, without what was seen there."""
    if not message.startswith(LOOKED):
        return message
    return f"{message.split(';')[0].rstrip('.')}."
