"""The lesion list: a row each, and what can be done with one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from MASAMSlicerLib.control.lesionactions import LesionActions
from MASAMSlicerLib.scene.extendable import extendable
from MASAMSlicerLib.scene.lesions import LesionEntry
from MASAMSlicerLib.scene.promptnodes import SLICE_BOX
from MASAMSlicerLib.scene.transforms import worldToNode
from MASAMSlicerLib.scene.volumes import geometryOf
from MASAMSlicerLib.wording import promptName, rowOf

from masam_core.image.geometry import LPS_TO_RAS
from masam_core.lesion.measurements.measurement import Quantity
from masam_core.lesion.measurements.registry import listed_quantities
from masam_core.lesion.terminology import TUMOUR_TYPES
from masam_workbench.served.masks import Masks, ServedMask, describe
from masam_workbench.tab.boxes import boxOf
from masam_workbench.tab.context import TabContext
from masam_workbench.tab.figures import (
    askedWords,
    significant,
    sliceNumber,
    span,
    thresholdOf,
)

# These have their place in the page; other listed measurements follow them.
PLACED = ("volume_ml", "longest_diameter_mm")
PAGE_KINDS = {SLICE_BOX: "slicebox"}


class LesionRows:
    """Fills the list in the page, and answers what is clicked there.

    Args:
        context: of the tab.
        masks: what the page can fetch.
    """

    def __init__(self, context: TabContext, masks: Masks) -> None:
        self.context, self._masks = context, masks
        self.actions = LesionActions(context)

    def rows(self) -> list[dict[str, Any]]:
        """Rows of the lesions of the image that is shown."""
        return self.rowsOf(self.context.lesions())

    def rowsOf(self, lesions: Iterable[LesionEntry]) -> list[dict[str, Any]]:
        """Rows of lesions of any image."""
        return [self._row(lesion) for lesion in lesions]

    def rename(self, lesionId: str, name: str) -> None:
        """Name box and segment."""
        self.actions.rename(lesionId, str(name)[:80])

    def recolor(self, lesionId: str, color: str) -> None:
        """Colour box and segment; ``#rrggbb``, anything else is passed over."""
        digits = re.fullmatch("#?([0-9a-fA-F]{6})", str(color))
        if digits is not None:
            red, green, blue = bytes.fromhex(digits[1])
            self.actions.recolor(lesionId, (red / 255, green / 255, blue / 255))

    def setKind(self, lesionId: str, key: str) -> None:
        """Say what a lesion is: a key of TUMOUR_TYPES."""
        self.actions.setKind([lesionId], key)

    def toggleLock(self, lesionId: str) -> None:
        """Lock a segment, which is never replaced then, or unlock it."""
        lesion = self.context.session.lesions.lesion(lesionId)
        if lesion is not None:
            self.actions.setLocked([lesionId], not lesion.locked)

    def toggleVisible(self, lesionId: str) -> None:
        """Show or hide one segment and its box."""
        lesion = self.context.session.lesions.lesion(lesionId)
        if lesion is None:
            return
        visible = not _isVisible(lesion)
        if lesion.segment is not None:
            display = lesion.segmentation.GetDisplayNode()
            display.SetSegmentVisibility(lesion.segmentId, visible)
        if lesion.roi is not None:
            lesion.roi.SetDisplayVisibility(visible)
        self.context.refreshSoon()

    def delete(self, lesionId: str) -> None:
        """Remove box and segment; undo brings them back."""
        self.actions.delete([lesionId])

    def _row(self, lesion: LesionEntry) -> dict[str, Any]:
        row = rowOf(lesion, self.context.session.states)
        keys = {kind.entry: key for key, kind in TUMOUR_TYPES.items()}
        mask = self._masks.of(lesion)
        made = lesion.provenance
        found = made.measurements if made is not None else {}
        return {
            "id": lesion.id,
            "name": lesion.name,
            "label": lesion.label,
            "color": "#" + "".join(f"{round(255 * c):02x}" for c in lesion.color),
            "kind": keys.get(lesion.terminology, ""),
            "kindName": row.kind,
            "visible": _isVisible(lesion),
            "locked": lesion.locked,
            "segmented": lesion.segment is not None,
            "state": row.state,
            "notes": row.notes.splitlines(),
            "figures": figuresOf(found),
            "more": [
                {"title": q.heading(), "about": q.about, "text": _shown(q, found)}
                for q in listed_quantities()
                if q.name not in PLACED
            ],
            "confidence": row.confidence,
            "threshold": thresholdOf(lesion),
            "slices": slicesOf(mask, lesion),
            "asked": askedWords(lesion),
            "box": boxOf(lesion),
            "mask": describe(mask),
            "surface": mask.version if mask is not None and mask.array.size else None,
            "prompts": promptRows(lesion),
            "extendable": sidesOf(lesion),
            "corrected": lesion.corrected,
            "asks": lesion.boxMoved or lesion.asks or lesion.segment is None,
        }


def slicesOf(mask: ServedMask | None, lesion: LesionEntry) -> str:
    """First and last slice of a mask as acquired, by their numbers on screen."""
    if mask is None or not mask.array.size or lesion.volume is None:
        return ""
    axis = geometryOf(lesion.volume).acquisition_axis
    return span(mask.extent[axis], mask.extent[axis + 3])


def figuresOf(found: dict[str, Any]) -> dict[str, str]:
    """Measurements as texts with three significant digits; empty where there is none.

    Args:
        found: measurements by name.
    """
    if not found.get("voxels"):
        return dict.fromkeys(("volume", "diameter", "perpendicular", "plane", "mean", "sd"), "")
    return {
        "volume": significant(found.get("volume_ml")),
        "diameter": significant(found.get("longest_diameter_mm")),
        "perpendicular": significant(found.get("perpendicular_diameter_mm")),
        "plane": str(found.get("diameter_plane") or ""),
        "slice": str(sliceNumber(found.get("diameter_slice")) or ""),
        "mean": significant(found.get("mean")),
        "sd": significant(found.get("sd")),
    }


def promptRows(lesion: LesionEntry) -> list[dict[str, Any]]:
    """The prompts of a lesion besides its box, as the page is told: RAS of the image, mm."""
    return [
        {
            "id": prompt.id,
            "kind": PAGE_KINDS.get(prompt.kind, prompt.kind),
            "name": promptName(prompt.kind),
            "positive": prompt.positive,
            "first": prompt.first,
            "points": np.round(prompt.points @ LPS_TO_RAS[:3, :3], 3).tolist(),
        }
        for prompt in lesion.prompts
    ]


def sidesOf(lesion: LesionEntry) -> list[dict[str, Any]]:
    """The sides at which a lesion's mask ends flat, as the page is told."""
    if lesion.volume is None:
        return []
    return [
        {
            "side": each.side,
            "words": f"ends flat at its {each.side} side",
            "plane": np.round(worldToNode(lesion.volume, each.corners), 3).tolist(),
        }
        for each in extendable(lesion)
    ]


def _shown(quantity: Quantity, found: dict[str, Any]) -> str:
    value = found.get(quantity.name)
    return significant(value) if isinstance(value, float) else quantity.shown(found)


def _isVisible(lesion: LesionEntry) -> bool:
    if lesion.segment is not None and lesion.segmentation.GetDisplayNode() is not None:
        return bool(lesion.segmentation.GetDisplayNode().GetSegmentVisibility(lesion.segmentId))
    return bool(lesion.roi is None or lesion.roi.GetDisplayVisibility())
