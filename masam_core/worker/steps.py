"""What a front end wants of the worker, as requests that follow from each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.catalog.choice import ModelChoice
from masam_core.errors import MasamError
from masam_core.image.volume import Volume
from masam_core.inference.options import SegmentOptions
from masam_core.lesion.diameter_plane import DiameterPlane
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.measure import Measurements
from masam_core.prompts.boxes import BoxPrompt
from masam_core.worker.client import Ask, Steps, WorkerError, not_understood
from masam_core.worker.codes import kind_of
from masam_core.worker.protocol import PART_BYTES, Message, pack_mask, unpack_mask

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
    boxes: Sequence[tuple[str, BoxPrompt]],
    options: SegmentOptions,
) -> Steps:
    """Load the model, send the volume if the worker lacks it, segment.

    The result is an :class:`Outcome`.

    Args:
        choice: model and device.
        volume: the image.
        boxes: (id, box on the volume's grid).
        options: see SegmentOptions.
    """
    model = yield Ask("load_model", choice.fields())
    yield from put_volume_steps(volume)
    fields = {
        "volume": volume.content_hash,
        "boxes": [
            {"id": number, "name": box.name, "corners_ijk": box.corners_ijk.reshape(-1).tolist()}
            for number, box in boxes
        ],
        "options": options.to_dict(),
    }
    came: dict[str, Message] = {}

    def keep(message: Message) -> None:
        if message["type"] == "lesion":
            came[str(message["box"])] = message

    try:
        answer = yield Ask("segment", fields, keep)
    except WorkerError as error:
        if error.code != "unknown_volume":
            raise
        yield from put_volume_steps(volume)  # it had to make room meanwhile
        answer = yield Ask("segment", fields, keep)
    described = {k: v for k, v in model.items() if k not in ("type", "id")}
    results = {number: _result(came.get(number), box, volume, model) for number, box in boxes}
    return Outcome(described, float(answer["seconds"]), results)


def local_error(code: str, text: str) -> MasamError:
    """The error that ``Segmenter`` raises for what the worker calls ``code``, or a WorkerError."""
    kind = kind_of(code)
    return WorkerError(code, text) if kind is None else kind(text)


def _result(message: Message | None, box: BoxPrompt, volume: Volume, model: Message) -> Result:
    """The lesion of a ``lesion`` message, or why there is none."""
    if message is None:
        return WorkerError("internal", "The worker gave no answer.")
    try:
        if "error" in message:
            return local_error(str(message.get("code")), str(message["error"]))
        mask, offset = unpack_mask(message["mask"], volume.geometry.shape)
        return Lesion(
            name=box.name or "Lesion",
            mask=mask,
            offset_kji=offset,
            probability=None,
            confidence=float(message["confidence"]),
            box=box,
            geometry=volume.geometry,
            measurements=Measurements.from_dict(message["measurements"]),
            # What reading the image left open is known on this side alone.
            messages=(*volume.notes, *(str(note) for note in message["messages"])),
            model=str(model["name"]),
        )
    except MasamError as error:
        return error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return not_understood(error)


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
