"""The lesion list: a row each, and what can be done with one."""

from __future__ import annotations

import re
from typing import Any

from MASAMSlicerLib.control.lesionactions import LesionActions
from MASAMSlicerLib.scene.lesions import EDITED, LesionEntry
from MASAMSlicerLib.scene.volumes import geometryOf
from MASAMSlicerLib.wording import rowOf

from masam_core.lesion.measurements.registry import listed_quantities
from masam_core.lesion.terminology import TUMOUR_TYPES
from masam_workbench.served.masks import Masks, ServedMask, describe
from masam_workbench.tab.boxes import boxOf
from masam_workbench.tab.context import TabContext

# These have their place in the page; other listed measurements follow them.
PLACED = ("volume_ml", "longest_diameter_mm")


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
        return [self._row(n, lesion) for n, lesion in enumerate(self.context.lesions(), 1)]

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

    def _row(self, number: int, lesion: LesionEntry) -> dict[str, Any]:
        row = rowOf(lesion, self.context.session.states)
        keys = {kind.entry: key for key, kind in TUMOUR_TYPES.items()}
        mask = self._masks.of(lesion)
        return {
            "id": lesion.id,
            "name": lesion.name,
            "label": number,
            "color": "#" + "".join(f"{round(255 * c):02x}" for c in lesion.color),
            "kind": keys.get(lesion.terminology, ""),
            "kindName": row.kind,
            "visible": _isVisible(lesion),
            "locked": lesion.locked,
            "segmented": lesion.segment is not None,
            "state": row.state,
            "notes": row.notes.splitlines(),
            "figures": {
                "volume": row.volume,
                "diameter": row.diameter,
                "perpendicular": row.perpendicular,
                "plane": row.plane,
                **{name: text for name, text in row.figures.items() if name not in PLACED},
            },
            "more": [
                {"title": q.heading(), "about": q.about, "text": row.figures[q.name]}
                for q in listed_quantities()
                if q.name not in PLACED
            ],
            "confidence": row.confidence,
            "slices": _slices(mask, lesion),
            "box": boxOf(lesion),
            "mask": describe(mask),
            "surface": mask.version if mask is not None and mask.array.size else None,
            "prompts": [],
            "extendable": [],
            "corrected": lesion.locked or lesion.status == EDITED,
        }


def _slices(mask: ServedMask | None, lesion: LesionEntry) -> str:
    """First and last slice of a mask as acquired, counted from 1 as on screen."""
    if mask is None or not mask.array.size or lesion.volume is None:
        return ""
    axis = geometryOf(lesion.volume).acquisition_axis
    first, count = mask.extent[axis] + 1, mask.extent[axis + 3]
    return f"{first}-{first + count - 1}" if count > 1 else str(first)


def _isVisible(lesion: LesionEntry) -> bool:
    if lesion.segment is not None and lesion.segmentation.GetDisplayNode() is not None:
        return bool(lesion.segmentation.GetDisplayNode().GetSegmentVisibility(lesion.segmentId))
    return bool(lesion.roi is None or lesion.roi.GetDisplayVisibility())
