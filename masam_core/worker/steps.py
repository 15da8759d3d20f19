"""What a front end wants of the worker, as requests that follow from each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.catalog.choice import ModelChoice
from masam_core.errors import MasamError
from masam_core.image.volume import Volume
from masam_core.inference.options import SegmentOptions
from masam_core.lesion.crops import tight_slices
from masam_core.lesion.diameter_plane import DiameterPlane
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.painted import Painted
from masam_core.prompts.corrections import Correction
from masam_core.prompts.first import FirstPrompt
from masam_core.prompts.record import PromptRecord
from masam_core.worker.client import Ask, Steps, WorkerError, not_understood
from masam_core.worker.codes import kind_of
from masam_core.worker.lesions import (
    correction_fields,
    lesion_fields,
    painted_fields,
    prompt_fields,
    read_lesion,
)
from masam_core.worker.protocol import PART_BYTES, Message, pack_mask

Result = Lesion | MasamError  # of one box


@dataclass(frozen=True)
class Outcome:
    """A finished ``segment``.

    Attributes:
        model: that was loaded; see ``load_model`` in the protocol.
        seconds: that the worker took.
        results: for each box, by its id, the lesion or the reason why there is none. Lesions come
            without probabilities.
    """

    model: dict[str, Any]
    seconds: float
    results: dict[str, Result]


def segment_steps(
    choice: ModelChoice,
    volume: Volume,
    boxes: Sequence[tuple[str, FirstPrompt | PromptRecord]],
    options: SegmentOptions,
    masks: Mapping[str, NDArray[np.bool_]] | None = None,
) -> Steps:
    """Load the model, send the volume if the worker lacks it, segment.

    The result is an :class:`Outcome`.

    Args:
        choice: model and device.
        volume: the image.
        boxes: (id, what the lesion begins with on the volume's grid, alone or with corrections).
        options: see SegmentOptions.
        masks: by id, bool KJI on the whole volume, of lesions that begin with a mask.
    """
    model = yield Ask("load_model", choice.fields())
    yield from put_volume_steps(volume)
    asked = {
        number: given if isinstance(given, PromptRecord) else PromptRecord(given)
        for number, given in boxes
    }
    geometry, begins = volume.geometry, masks or {}
    items = []
    for number, record in asked.items():
        item: Message = {"id": number, "name": record.name}
        item |= prompt_fields(record.first, geometry)
        if record.corrections:
            item["corrections"] = correction_fields(record.corrections)
        if number in begins:
            item["mask"] = _packed(begins[number])
        items.append(item)
    fields = {"volume": volume.content_hash, "boxes": items, "options": options.to_dict()}
    came: dict[str, Message] = {}

    def keep(message: Message) -> None:
        if message["type"] == "lesion":
            came[str(message["box"])] = message

    answer = yield from with_volume(volume, Ask("segment", fields, keep))
    described = {k: v for k, v in model.items() if k not in ("type", "id")}
    results: dict[str, Result] = {}
    for number, record in asked.items():
        begun = replace(record, started_from_mask=number in begins or record.started_from_mask)
        results[number] = _result(came.get(number), begun, volume, str(model["name"]))
    return Outcome(described, float(answer["seconds"]), results)


def refine_steps(
    choice: ModelChoice,
    volume: Volume,
    lesion: Lesion,
    corrections: Sequence[Correction],
    options: SegmentOptions,
    painted: Painted | None = None,
) -> Steps:
    """Correct a lesion; the result is a new Lesion, without probabilities.

    Args:
        choice: model and device.
        volume: the image.
        lesion: on its grid.
        corrections: new ones, oldest first.
        options: see SegmentOptions.
        painted: what was painted or erased by hand in this round, before the
            corrections; it stays, but where one of them says otherwise.
    """
    model = yield Ask("load_model", choice.fields())
    yield from put_volume_steps(volume)
    record = lesion.prompts or PromptRecord(lesion.box)
    own = tuple(note for note in lesion.messages if note not in volume.notes)
    state = lesion_fields(replace(lesion, messages=own))
    fields = {
        "volume": volume.content_hash,
        **{name: value for name, value in state.items() if name != "measurements"},
        "record": record.to_dict(volume.geometry),
        "corrections": correction_fields(corrections),
        **painted_fields(painted),
        "options": options.to_dict(),
    }
    answer = yield from with_volume(volume, Ask("refine", fields))
    longer = record.with_corrections(*corrections)
    found = _result(answer, longer, volume, str(answer.get("model", model["name"])))
    if not isinstance(found, Lesion):
        raise found
    return replace(found, name=lesion.name)


def with_volume(volume: Volume, ask: Ask) -> Steps:
    """Ask, and once more with the volume where the worker had to make room meanwhile."""
    try:
        return (yield ask)
    except WorkerError as error:
        if error.code != "unknown_volume":
            raise
    yield from put_volume_steps(volume)
    return (yield ask)


def _packed(mask: NDArray[np.bool_]) -> Message:
    """A whole mask as its tight crop."""
    where = tight_slices(mask) or (slice(0, 1), slice(0, 1), slice(0, 1))
    return pack_mask(mask[where], (where[0].start, where[1].start, where[2].start))


def local_error(code: str, text: str) -> MasamError:
    """The error that ``Segmenter`` raises for what the worker calls ``code``, or a WorkerError."""
    kind = kind_of(code)
    return WorkerError(code, text) if kind is None else kind(text)


def _result(message: Message | None, record: PromptRecord, volume: Volume, model: str) -> Result:
    """The lesion of an answer, or why there is none."""
    if message is None:
        return WorkerError("internal", "The worker gave no answer.")
    try:
        if "error" in message:
            return local_error(str(message.get("code")), str(message["error"]))
        lesion = read_lesion(message, record.name, volume, model, record)
    except MasamError as error:
        return error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return not_understood(error)
    # What reading the image left open is known on this side alone.
    return replace(lesion, messages=(*volume.notes, *lesion.messages))


def put_volume_steps(volume: Volume) -> Steps:
    """Send a volume unless the worker has it."""
    native = volume.array.dtype.newbyteorder("<")
    answer = yield Ask(
        "put_volume",
        {
            "hash": volume.content_hash,
            "shape": list(volume.array.shape),
            "dtype": native.str,
            "ijk_to_lps": volume.geometry.ijk_to_lps.reshape(-1).tolist(),
            "modality": volume.modality,
            "name": volume.name,
        },
    )
    if answer["known"]:
        return
    for offset, data in parts(volume.array):
        yield Ask("volume_part", {"hash": volume.content_hash, "offset": offset, "data": data})


def measure_steps(
    volume: Volume,
    mask: NDArray[np.bool_],
    offset_kji: tuple[int, int, int],
    slice_axis: int | None = None,
    diameter_plane: DiameterPlane = SegmentOptions.diameter_plane,
) -> Steps:
    """Measure a mask (KJI crop) on a volume; the result is ``Measurements.to_dict``.

    Args:
        volume: the image.
        mask: bool KJI, a crop.
        offset_kji: of the crop in the volume.
        slice_axis, diameter_plane: as in SegmentOptions.
    """
    yield from put_volume_steps(volume)
    fields = {
        "volume": volume.content_hash,
        "mask": pack_mask(mask, offset_kji),
        "slice_axis": slice_axis,
        "diameter_plane": str(diameter_plane),
    }
    answer = yield Ask("measure", fields)
    return answer["measurements"]


def ask_steps(kind: str, **fields: Any) -> Steps:
    """One request; the result is its whole answer."""
    return (yield Ask(kind, fields))


def parts(array: NDArray[Any], size: int = PART_BYTES) -> Iterator[tuple[int, bytes]]:
    """An array's values, KJI and little-endian, as (offset in bytes, bytes).

    The array is never copied as a whole.
    """
    target = array.dtype.newbyteorder("<")
    slab = max(1, size // max(1, array[0].size * target.itemsize))
    offset = 0
    for first in range(0, len(array), slab):
        data = np.ascontiguousarray(array[first : first + slab], dtype=target).tobytes()
        yield offset, data
        offset += len(data)
