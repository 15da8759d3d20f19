"""What made a segment, kept in its tags, so that a saved scene can be run again."""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

import masam_core
from masam_core.errors import MasamError
from masam_core.lesion.cut import Cut
from masam_core.lesion.digest import mask_digest
from masam_core.lesion.painted import Painted
from masam_core.prompts.tags import from_tag, to_tag

from .segments import Mask, Offset, tagOf

if TYPE_CHECKING:
    from masam_core.image.volume import Volume
    from masam_core.lesion.lesion import Lesion
    from masam_core.worker.automatic import FoundClass

PREFIX = "MASAM."
# Slicer writes tags as "name:value|name:value"; this alone may not stand in a value.
_BAR, _BAR_CODE = "|", "%7C"
_NAMES = (
    "Lesion",
    "BoxCornersLPS",
    "Model",
    "ModelSHA256",
    "Device",
    "Version",
    "Options",
    "Confidence",
    "Measurements",
    "MaskSHA256",
    "VolumeSHA256",
    "ROI",
    "Messages",
    "Prompts",
    "Cuts",
    "LookedMM",
    "Painted",
    "Corrected",
)
CORRECTED = PREFIX + "Corrected"
CONFIRMED, BY_PROMPTS = "1", "prompts"  # what that tag says
TAGS = tuple(PREFIX + name for name in _NAMES)  # vtkSegment can't list its own


@dataclass(frozen=True)
class Provenance:
    """Origin of one result: model, settings, box, figures.

    Attributes:
        lesion: id of the lesion.
        corners: (8, 3) of the box in the volume's own LPS, mm.
        model, modelHash, device, version: what computed it.
        options: settings, as SegmentOptions.to_dict.
        confidence: in [0, 1]; NaN where it is not known.
        measurements: as Measurements.to_dict.
        maskHash: digest of the mask as it was written.
        volumeHash: digest of the image.
        roi: name of the ROI.
        messages: notes for the user.
        prompts: all that was asked, as PromptRecord.to_dict; empty where it is not known.
        cuts: sides at which the box seems to cut the lesion off, each as Cut.to_dict.
        lookedMm: how far across the slices was looked; None where the prompt said how far.
        painted: what was painted and erased by hand and is part of the mask; None for nothing.
        corrected: CONFIRMED, BY_PROMPTS or an empty text: what the user has said of the mask.
    """

    lesion: str
    corners: np.ndarray
    model: str = ""
    modelHash: str = ""
    device: str = ""
    version: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    confidence: float = math.nan
    measurements: dict[str, Any] = field(default_factory=dict)
    maskHash: str = ""
    volumeHash: str = ""
    roi: str = ""
    messages: tuple[str, ...] = ()
    prompts: dict[str, Any] = field(default_factory=dict)
    cuts: tuple[dict[str, Any], ...] = ()
    lookedMm: float | None = None
    painted: Painted | None = None
    corrected: str = ""

    @classmethod
    def ofAnswer(
        cls,
        lesion: str,
        corners: np.ndarray,
        model: Mapping[str, Any],
        found: Lesion | FoundClass,
        image: Volume,
    ) -> Provenance:
        """Origin of what a model has found, as far as its answer tells.

        Args:
            lesion: its id; empty for a segment that belongs to none.
            corners: (8, 3) of the box in the volume's own LPS, mm.
            model: the worker's description of it, with the ``options`` of the run.
            found: the mask and its figures.
            image: that was segmented.
        """
        return cls(
            lesion=lesion,
            corners=corners,
            model=str(model.get("name", "")),
            modelHash=str(model.get("sha256", "")),
            device=str(model.get("device", "")),
            version=masam_core.__version__,
            options=dict(model.get("options", {})),
            confidence=found.confidence,
            measurements=found.measurements.to_dict(),
            maskHash=maskDigest(found.mask, found.offset_kji),
            volumeHash=image.content_hash,
            messages=found.messages,
        )

    @property
    def byHand(self) -> bool:
        """Whether the lesion began with a mask that was drawn by hand, not with a prompt."""
        return bool(self.prompts.get("started_from_mask"))

    @property
    def knownConfidence(self) -> float | None:
        """The confidence where it may be shown: not of a lesion that its box cuts off."""
        return None if self.cuts or math.isnan(self.confidence) else self.confidence

    def tags(self) -> dict[str, str]:
        """Tags for :func:`.segments.writeSegment`."""
        corners = " ".join(f"{v:.4f}" for v in np.ravel(self.corners))
        values = (
            self.lesion,
            corners,
            self.model,
            self.modelHash,
            self.device,
            self.version,
            json.dumps(self.options),
            "" if self.knownConfidence is None else f"{self.knownConfidence:.4f}",
            json.dumps(self.measurements),
            self.maskHash,
            self.volumeHash,
            self.roi,
            json.dumps(list(self.messages)),
            to_tag(self.prompts) if self.prompts else "",
            to_tag(list(self.cuts)) if self.cuts else "",
            "" if self.lookedMm is None else f"{self.lookedMm:.1f}",
            "" if self.painted is None else paintedText(self.painted),
            self.corrected,
        )
        return {
            name: text.replace(_BAR, _BAR_CODE) for name, text in zip(TAGS, values, strict=True)
        }

    @classmethod
    def ofSegment(cls, segment: Any) -> Provenance | None:
        """Read it from a segment that MASAM made; None for others, or where tags are damaged."""

        def text(name: str) -> str:
            return tagOf(segment, PREFIX + name).replace(_BAR_CODE, _BAR)

        if not text("Lesion"):
            return None
        try:
            return cls(
                lesion=text("Lesion"),
                corners=np.array(text("BoxCornersLPS").split(), dtype=float).reshape(8, 3),
                model=text("Model"),
                modelHash=text("ModelSHA256"),
                device=text("Device"),
                version=text("Version"),
                options=dict(json.loads(text("Options") or "{}")),
                confidence=float(text("Confidence") or "nan"),
                measurements=dict(json.loads(text("Measurements") or "{}")),
                maskHash=text("MaskSHA256"),
                volumeHash=text("VolumeSHA256"),
                roi=text("ROI"),
                messages=tuple(json.loads(text("Messages") or "[]")),
                prompts=dict(from_tag(text("Prompts") or "{}")),
                cuts=_readCuts(text("Cuts")),
                lookedMm=float(text("LookedMM")) if text("LookedMM") else None,
                painted=readPainted(text("Painted")) if text("Painted") else None,
                corrected=text("Corrected"),
            )
        except (ValueError, TypeError, MasamError):
            return None


def _readCuts(text: str) -> tuple[dict[str, Any], ...]:
    """Cuts of a tag; none where it is damaged, which is no reason to lose all else."""
    try:
        return tuple(Cut.from_dict(cut).to_dict() for cut in from_tag(text or "[]"))
    except (ValueError, TypeError, KeyError, MasamError):
        return ()


def paintedText(painted: Painted) -> str:
    """What was painted by hand as a tag's text: offset, shape, and the packed voxels."""
    numbers = " ".join(str(n) for n in (*painted.offset_kji, *painted.values.shape))
    bits = [np.packbits(painted.values == value).tobytes() for value in (1, -1)]
    return f"{numbers} {base64.b64encode(zlib.compress(b''.join(bits), 9)).decode('ascii')}"


def readPainted(text: str) -> Painted:
    """The inverse of :func:`paintedText`; ValueError for a text that is none."""
    *numbers, packed = text.split()
    k, j, i, depth, rows, cols = (int(n) for n in numbers)
    count = depth * rows * cols
    each = (count + 7) // 8
    try:
        # No more than what is stated: a short text must not unpack to gigabytes.
        bits = zlib.decompressobj().decompress(base64.b64decode(packed), 2 * each + 1)
    except zlib.error as error:
        raise ValueError(f"What was painted by hand is damaged: {error}.") from error
    if len(bits) != 2 * each or min(depth, rows, cols) < 1:
        raise ValueError("What was painted by hand is damaged.")
    values = np.zeros(count, dtype=np.int8)
    for part, value in ((bits[:each], 1), (bits[each:], -1)):
        values[np.unpackbits(np.frombuffer(part, np.uint8), count=count) == 1] = value
    return Painted(values.reshape(depth, rows, cols), (k, j, i))


def maskDigest(mask: Mask, offset: Offset) -> str:
    """Digest of a mask's voxels, whatever crop it is given in."""
    return mask_digest(mask, offset)


def flippedDigests(mask: Mask, offset: Offset, shape: Offset) -> Iterator[str]:
    """Digests of a mask in an image (shape KJI) as if some of its axes ran the other way."""
    if not mask.any():
        return
    for flips in list(product((False, True), repeat=3))[1:]:
        axes = tuple(axis for axis in range(3) if flips[axis])
        first = [
            n - o - m if turned else o
            for n, o, m, turned in zip(shape, offset, mask.shape, flips, strict=True)
        ]
        yield maskDigest(np.flip(mask, axes), (first[0], first[1], first[2]))
