"""What a front end wants of the worker, as requests that follow from each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.catalog.choice import ModelChoice
from masam_core.image.volume import Volume
from masam_core.inference.options import SegmentOptions
from masam_core.prompts.boxes import BoxPrompt
from masam_core.worker.client import Ask, Steps, WorkerError
from masam_core.worker.protocol import PART_BYTES, Message, pack_mask, unpack_mask


@dataclass(frozen=True, eq=False)
class Found:
    """What came of one box: a mask, or an error.

    Attributes:
        box: the id that was given to it.
        mask: bool KJI crop, or None.
        offset_kji: of the crop in the volume.
        confidence: in [0, 1].
        measurements: as ``Measurements.to_dict``.
        messages: for the user.
        error: in the user's words, where there is no mask.
    """

    box: str
    mask: NDArray[np.bool_] | None = None
    offset_kji: tuple[int, int, int] = (0, 0, 0)
    confidence: float = 0.0
    measurements: dict[str, Any] | None = None
    messages: tuple[str, ...] = ()
    error: str = ""

    @classmethod
    def from_message(cls, message: Message) -> Found:
        """From a ``lesion`` message."""
        if "error" in message:
            return cls(str(message["box"]), error=str(message["error"]))
        mask, offset = unpack_mask(message["mask"])
        return cls(
            str(message["box"]),
            mask,
            offset,
            float(message["confidence"]),
            dict(message["measurements"]),
            tuple(message["messages"]),
        )


@dataclass(frozen=True)
class Outcome:
    """A finished ``segment``: the model that was loaded (see ``load_model``) and the seconds."""

    model: dict[str, Any]
    seconds: float


def segment_steps(
    choice: ModelChoice,
    volume: Volume,
    boxes: Sequence[tuple[str, BoxPrompt]],
    options: SegmentOptions,
) -> Steps:
    """Load the model, send the volume if the worker lacks it, segment.

    Lesions come as ``lesion`` events (see :meth:`Found.from_message`); the result is an
    :class:`Outcome`.

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
    try:
        answer = yield Ask("segment", fields)
    except WorkerError as error:
        if error.code != "unknown_volume":
            raise
        yield from put_volume_steps(volume)  # it had to make room meanwhile
        answer = yield Ask("segment", fields)
    return Outcome(
        {k: v for k, v in model.items() if k not in ("type", "id")}, float(answer["seconds"])
    )


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
) -> Steps:
    """Measure a mask (KJI crop) on a volume; the result is ``Measurements.to_dict``.

    Args:
        volume: the image.
        mask: bool KJI, a crop.
        offset_kji: of the crop in the volume.
        slice_axis: as in SegmentOptions; of the slices on which diameters are taken.
    """
    yield from put_volume_steps(volume)
    fields = {"volume": volume.content_hash, "mask": pack_mask(mask, offset_kji)}
    answer = yield Ask("measure", {**fields, "slice_axis": slice_axis})
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
