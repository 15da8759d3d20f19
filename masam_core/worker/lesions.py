"""Lesions and prompts as fields of messages, on both sides of the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.lesion.cut import Cut
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.measure import Measurements
from masam_core.lesion.painted import Painted
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.corrections import Correction
from masam_core.prompts.first import FirstPrompt
from masam_core.prompts.record import (
    PromptRecord,
    correction_from_dict,
    correction_to_dict,
    first_from_dict,
    first_to_dict,
)
from masam_core.worker import fields
from masam_core.worker.protocol import Message, ProtocolError, pack_mask, unpack_mask


def prompt_fields(first: FirstPrompt | None, geometry: Geometry) -> Message:
    """A first prompt: a box by ``corners_ijk``, another by ``prompt``; nothing for None."""
    if first is None:
        return {}
    if isinstance(first, BoxPrompt):  # to the last digit
        return {"corners_ijk": first.corners_ijk.reshape(-1).tolist()}
    return {"prompt": first_to_dict(first, geometry)}


def read_prompt(message: Message, name: str, geometry: Geometry) -> FirstPrompt | None:
    """The inverse of :func:`prompt_fields`, under a name.

    Raises:
        ProtocolError, BoxError: fields that are no prompt.
    """
    if message.get("prompt") is not None:
        return first_from_dict(message["prompt"], geometry).renamed(name)
    if message.get("corners_ijk") is None and message.get("mask") is not None:
        return None
    return BoxPrompt(fields.numbers(message, "corners_ijk", 24).reshape(8, 3), name)


def correction_fields(corrections: Sequence[Correction]) -> list[Message]:
    """Corrections, oldest first."""
    return [correction_to_dict(each) for each in corrections]


def read_corrections(message: Message) -> list[Correction]:
    """The inverse of :func:`correction_fields`; an absent field is none.

    Raises:
        ProtocolError, BoxError: a field that holds no corrections.
    """
    given = message.get("corrections")
    if given is not None and not isinstance(given, list):
        raise ProtocolError("'corrections' must be a list of corrections.")
    return [correction_from_dict(each) for each in given or ()]


def lesion_fields(lesion: Lesion) -> Message:
    """A worker's answer: everything of a lesion but name, probabilities and prompts."""
    return {
        "mask": pack_mask(lesion.mask, lesion.offset_kji),
        "confidence": float(lesion.confidence),
        "measurements": lesion.measurements.to_dict(),
        "messages": list(lesion.messages),
        "corners_ijk": lesion.box.corners_ijk.reshape(-1).tolist(),
        "cuts": [cut.to_dict() for cut in lesion.cuts],
        "looked_mm": lesion.looked_mm,
    }


def read_lesion(
    message: Mapping[str, Any], name: str, volume: Volume, model: str, record: PromptRecord | None
) -> Lesion:
    """The inverse of :func:`lesion_fields`.

    Args:
        message: the fields.
        name: of the lesion.
        volume: the image, as this side knows it.
        model: name of the model.
        record: all that was asked; None is the box that the message states.

    Raises:
        MasamError, KeyError, TypeError, ValueError: fields that are no lesion.
    """
    mask, offset = unpack_mask(message["mask"], volume.geometry.shape)
    corners = np.array(message["corners_ijk"], dtype=np.float64).reshape(8, 3)
    box = BoxPrompt(corners, name)
    looked = message.get("looked_mm")
    return Lesion(
        name=name or "Lesion",
        mask=mask,
        offset_kji=offset,
        probability=None,
        confidence=float(message["confidence"]),
        box=box,
        geometry=volume.geometry,
        measurements=Measurements.from_dict(message["measurements"]),
        messages=tuple(str(note) for note in message["messages"]),
        model=model,
        prompts=record or PromptRecord(box),
        cuts=tuple(Cut.from_dict(cut) for cut in message.get("cuts", ())),
        looked_mm=None if looked is None else float(looked),
    )


def painted_fields(painted: Painted | None) -> Message:
    """What was painted and erased by hand, as two masks; nothing for None."""
    if painted is None:
        return {}
    return {
        word: pack_mask(painted.values == value, painted.offset_kji)
        for word, value in (("painted", 1), ("erased", -1))
    }


def read_painted(message: Message, within: tuple[int, int, int]) -> Painted | None:
    """The inverse of :func:`painted_fields`; ProtocolError for fields that don't belong together.

    Args:
        message: the fields.
        within: shape (KJI) of the volume.
    """
    if message.get("painted") is None and message.get("erased") is None:
        return None
    added, offset = unpack_mask(message.get("painted"), within)
    erased, other = unpack_mask(message.get("erased"), within)
    if offset != other or added.shape != erased.shape:
        raise ProtocolError("'painted' and 'erased' must be crops of one place.")
    return Painted(added.astype(np.int8) - erased.astype(np.int8), offset)


def whole_mask(message: Message, within: tuple[int, int, int]) -> NDArray[np.bool_] | None:
    """The field ``mask`` on the whole volume (KJI), or None where there is none.

    Raises:
        ProtocolError: a field that is no mask.
    """
    if message.get("mask") is None:
        return None
    crop, (k, j, i) = unpack_mask(message["mask"], within)
    whole = np.zeros(within, dtype=bool)
    whole[k : k + crop.shape[0], j : j + crop.shape[1], i : i + crop.shape[2]] = crop
    return whole
