"""Whole volumes without prompts, over the wire: one labelmap and the list of its classes."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from masam_core.catalog.choice import ModelChoice
from masam_core.errors import MasamError
from masam_core.image.volume import Volume
from masam_core.inference.options import SegmentOptions
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.measure import Measurements
from masam_core.lesion.organs import ClassTerm
from masam_core.prompts.boxes import BoxPrompt
from masam_core.worker.client import Ask, Steps, not_understood
from masam_core.worker.fields import field
from masam_core.worker.protocol import Message, ProtocolError
from masam_core.worker.steps import put_volume_steps, with_volume

if TYPE_CHECKING:
    from masam_core.inference.segmenter import Segmenter

Offset = tuple[int, int, int]
UNCHECKED = (
    "The confidence is not known: the worker has an older version of MASAM, which did not check "
    "it. Check this mask closely."
)


@dataclass(frozen=True, eq=False)
class FoundClass:
    """One class of a volume that was segmented without prompts.

    Attributes:
        term: name, colour and codes.
        mask: bool, tight KJI crop; of one voxel, and empty, where the class was not found.
        offset_kji: index in the volume of the crop's first voxel.
        confidence: in [0, 1]; NaN where it is not known.
        messages: notes for the reader, as why the confidence is not known.
        measurements: of the mask.
    """

    term: ClassTerm
    mask: NDArray[np.bool_]
    offset_kji: Offset
    confidence: float
    messages: tuple[str, ...]
    measurements: Measurements

    @property
    def found(self) -> bool:
        """Whether there is anything of it."""
        return bool(self.mask.any())


@dataclass(frozen=True)
class WholeOutcome:
    """A finished ``automatic``.

    Attributes:
        model: that was loaded; see ``load_model`` in the protocol.
        seconds: that the worker took.
        classes: that were asked for, in the model's order.
    """

    model: dict[str, Any]
    seconds: float
    classes: tuple[FoundClass, ...]


def wanted_classes(message: Message) -> list[str]:
    """The names in a request; ProtocolError for anything else."""
    names = field(message, "classes", list, [])
    if not all(isinstance(name, str) for name in names):
        raise ProtocolError("'automatic': 'classes' must be a list of names.")
    return names


def classes_answer(
    segmenter: Segmenter,
    options: SegmentOptions,
    wanted: Sequence[str],
    progress: Callable[[float, str], None],
    cancelled: Callable[[], bool],
) -> Message:
    """Segment the volume that was set, and put what was found into the answer's fields.

    Beside the volume it takes three bytes a voxel, however many classes there are: one after the
    other is measured in its tight crop, and the labels are compressed slice by slice.

    Raises:
        MasamError, Cancelled: see ``inference.automatic.classify``.
    """
    from masam_core.inference.automatic import NOWHERE, class_lesions, classify

    axis, plane = options.slice_axis, options.diameter_plane
    found = classify(segmenter, options.quality, progress, cancelled, axis, wanted)
    classes = []
    each = class_lesions(segmenter, found, progress, cancelled, axis, plane)
    for number, lesion in zip(found.chosen, each, strict=True):
        assert lesion.term is not None
        here = number in found.extents
        classes.append(
            {
                "value": number,
                "term": lesion.term.to_dict(),
                "voxels": int(lesion.mask.sum()) if here else 0,
                "extent": _numbers(found.extents.get(number, NOWHERE)),
                "confidence": float(lesion.confidence),
                "measurements": lesion.measurements.to_dict(),
                "messages": list(lesion.messages),
            }
        )
    bounds = np.array([_numbers(where) for where in found.extents.values()] or [[0, 1] * 3])
    first, last = bounds[:, ::2].min(axis=0), bounds[:, 1::2].max(axis=0)
    crop = found.labels[tuple(slice(a, b) for a, b in zip(first, last, strict=True))]
    packer = zlib.compressobj(level=1)
    parts = [packer.compress(np.ascontiguousarray(plane).tobytes()) for plane in crop]
    return {
        "shape": list(crop.shape),
        "offset": first.tolist(),
        "labels": b"".join([*parts, packer.flush()]),
        "classes": classes,
    }


def automatic_steps(
    choice: ModelChoice, volume: Volume, options: SegmentOptions, classes: Sequence[str] = ()
) -> Steps:
    """Segment a whole volume without prompts; the result is a :class:`WholeOutcome`.

    Args:
        choice: model and device.
        volume: the image.
        options: quality, slice axis and plane of diameters count.
        classes: names of those that are wanted; empty for all.
    """
    model = yield Ask("load_model", choice.fields())
    yield from put_volume_steps(volume)
    fields = {
        "volume": volume.content_hash,
        "classes": list(classes),
        "options": options.to_dict(),
    }
    answer = yield from with_volume(volume, Ask("automatic", fields))
    described = {k: v for k, v in model.items() if k not in ("type", "id")}
    try:
        found = read_classes(answer, volume.geometry.shape)
        return WholeOutcome(described, float(answer["seconds"]), found)
    except MasamError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, zlib.error) as error:
        raise not_understood(error) from error


def read_classes(answer: Message, within: Offset) -> tuple[FoundClass, ...]:
    """The classes of an answer.

    Args:
        answer: as :func:`classes_answer` gives it.
        within: shape (KJI) of the volume.

    Raises:
        ProtocolError, KeyError, TypeError, ValueError: fields that don't belong together.
    """
    labels, offset = _labels(answer, within)
    found = []
    for entry in answer["classes"]:
        where = _crop(entry["extent"], offset, labels.shape)
        mask = np.ascontiguousarray(labels[where] == int(entry["value"]))
        first = tuple(int(o + s.start) for o, s in zip(offset, where, strict=True))
        if int(mask.sum()) != int(entry["voxels"]):
            raise ProtocolError("A class has other voxels than its labelmap.")
        found.append(
            FoundClass(
                ClassTerm.from_dict(entry["term"]),
                mask,
                (first[0], first[1], first[2]),
                *_told(entry),
                Measurements.from_dict(entry["measurements"]),
            )
        )
    return tuple(found)


def _told(entry: Message) -> tuple[float, tuple[str, ...]]:
    """Confidence and notes of a class; an older worker gives no notes, and a confidence that
    nobody has checked."""
    if "messages" not in entry:
        return float("nan"), (UNCHECKED,) if int(entry["voxels"]) else ()
    notes = tuple(field(entry, "messages", list))
    if not all(isinstance(note, str) for note in notes):
        raise ProtocolError("'messages' of a class must be a list of texts.")
    return float(entry["confidence"]), notes


def lesions_of(outcome: WholeOutcome, volume: Volume) -> list[Lesion]:
    """What was found as lesions without probabilities, in the model's order."""
    lesions = []
    for each in outcome.classes:
        (k, j, i), (depth, rows, cols) = each.offset_kji, each.mask.shape
        box = BoxPrompt.from_voxels(
            i, i + cols - 1, j, j + rows - 1, k, k + depth - 1, name=each.term.name
        )
        lesions.append(
            Lesion(
                name=each.term.name,
                mask=each.mask,
                offset_kji=each.offset_kji,
                probability=None,
                confidence=each.confidence,
                box=box,
                geometry=volume.geometry,
                measurements=each.measurements,
                messages=each.messages,
                model=str(outcome.model.get("name", "")),
                term=each.term,
            )
        )
    return lesions


def _labels(answer: Message, within: Offset) -> tuple[NDArray[np.uint8], Offset]:
    """The labelmap, and where it lies: a small message can't ask for more than the volume."""
    shape = tuple(int(n) for n in answer["shape"])
    k, j, i = (int(n) for n in answer["offset"])
    if len(shape) != 3 or min(shape) < 1 or min(k, j, i) < 0:
        raise ProtocolError("A labelmap has no place in the volume.")
    if any(o + n > w for o, n, w in zip((k, j, i), shape, within, strict=True)):
        raise ProtocolError("A labelmap reaches beyond the volume.")
    count = shape[0] * shape[1] * shape[2]
    raw = zlib.decompressobj().decompress(answer["labels"], count)
    if len(raw) != count:
        raise ProtocolError(f"{len(raw)} labels came for {count} voxels.")
    return np.frombuffer(raw, np.uint8).reshape(shape), (k, j, i)


def _crop(extent: Any, offset: Offset, shape: tuple[int, ...]) -> tuple[slice, slice, slice]:
    """A class's tight crop in the labelmap; one voxel of it where the class was not found."""
    k0, k1, j0, j1, i0, i1 = (int(n) for n in extent)
    where = [
        (low - o, high - o) for low, high, o in zip((k0, j0, i0), (k1, j1, i1), offset, strict=True)
    ]
    if all(0 <= low < high <= size for (low, high), size in zip(where, shape, strict=True)):
        k, j, i = (slice(low, high) for low, high in where)
        return k, j, i
    return slice(0, 1), slice(0, 1), slice(0, 1)


def _numbers(where: tuple[slice, slice, slice]) -> list[int]:
    return [int(end) for part in where for end in (part.start, part.stop)]
