"""What made a segment, kept in its tags, so that a saved scene can be run again."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from masam_core.lesion.digest import mask_digest
from masam_core.prompts.tags import from_tag, to_tag

from .segments import Mask, Offset, tagOf

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
)
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
                cuts=tuple(dict(cut) for cut in from_tag(text("Cuts") or "[]")),
                lookedMm=float(text("LookedMM")) if text("LookedMM") else None,
            )
        except (ValueError, TypeError):
            return None


def maskDigest(mask: Mask, offset: Offset) -> str:
    """Digest of a mask's voxels, whatever crop it is given in."""
    return mask_digest(mask, offset)
