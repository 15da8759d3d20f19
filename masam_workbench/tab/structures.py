"""Automatic models in a tab: whole volumes segmented without boxes, one segment a class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from MASAMSlicerLib.control.modelclasses import ModelClasses
from MASAMSlicerLib.control.segmentall import SegmentAll, WholeRequest
from MASAMSlicerLib.scene.classes import CLASS, HOLDS_CLASSES
from MASAMSlicerLib.scene.lesions import volumeOf
from MASAMSlicerLib.scene.nodes import nodesOfClass
from MASAMSlicerLib.scene.provenance import maskDigest
from MASAMSlicerLib.scene.segments import labelmapName, readSegment, tagOf

from masam_core.inference.options import SegmentOptions
from masam_workbench.served.masks import EMPTY, ServedMask, describe
from masam_workbench.tab.context import TabContext
from masam_workbench.tab.running import Running


class Structures:
    """Classes to choose from, the run, and what was found; the page shows it in a section.

    Args:
        context: of the tab; its state's ``automatic`` and ``structures`` say all of it.
        running: the runs of lesions, which take turns with these.
    """

    def __init__(self, context: TabContext, running: Running) -> None:
        self.context = context
        self.classes = ModelClasses()
        self._known: dict[str, Mapping[str, Any]] = {}
        self._masks: dict[tuple[str, str], tuple[int, ServedMask]] = {}
        self.run = SegmentAll(
            context,
            lambda: WholeRequest(
                running.choice(),
                SegmentOptions.from_dict({"diameter_plane": context.state.diameterPlane}),
                self.classes.wanted(),
            ),
            onStart=context.refresh,
            runner=running.runner,
        )

    def models(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take what the worker says of the models that there are."""
        self._known = {str(row["name"]): row for row in rows}
        self.context.refreshSoon()

    def words(self, name: str) -> str:
        """What is said of a model besides its name; empty where it takes boxes."""
        row = self._known.get(name, {})
        if row.get("automatic") and not row.get("prompts"):
            return " (whole volumes, no boxes)"
        return ""

    def press(self) -> None:
        """Segment the whole volume, or stop."""
        self.run.press()

    def tick(self, name: str, wanted: bool) -> None:
        """Want a class of the chosen model, or not."""
        if any(each.name == name for each in self.classes.classes):
            self.classes.tick(str(name), bool(wanted))
        self.context.refreshSoon()

    def tickAll(self, wanted: bool) -> None:
        """Want all classes, or none of them."""
        self.classes.tickAll(bool(wanted))
        self.context.refreshSoon()

    def toggle(self, identity: str) -> None:
        """Show or hide what was found of a class."""
        for node, segmentId in self._segments():
            if _id(node, segmentId) == identity:
                display = node.GetDisplayNode()
                shown = bool(display.GetSegmentVisibility(segmentId))
                display.SetSegmentVisibility(segmentId, not shown)
        self.context.refreshSoon()

    def refresh(self) -> None:
        """Tell the page what there is."""
        state = self.context.state
        self.classes.show(state.model, self._known.get(state.model))
        state.automatic = {
            "there": self.classes.isAutomatic,
            "only": self.classes.onlyAutomatic,
            "problem": self.classes.problem,
            "running": self.run.running,
            "classes": [
                {
                    "name": each.name,
                    "color": _hex(each.color),
                    "wanted": self.classes.isTicked(each.name),
                }
                for each in self.classes.classes
            ],
        }
        state.structures = self.rows()

    def rows(self, of: Any = None, beside: bool = False) -> list[dict[str, Any]]:
        """A row for each class that was found in the image that is shown.

        Args:
            of: a segmentation node, whose alone; None takes all.
            beside: whether those of other images in the scene count, such as an earlier study's.
        """
        rows = []
        for node, segmentId in self._segments(beside):
            if of is not None and node is not of:
                continue
            segment, display = node.GetSegmentation().GetSegment(segmentId), node.GetDisplayNode()
            mask = self._maskOf(node, segmentId)
            rows.append(
                {
                    "id": _id(node, segmentId),
                    "name": segment.GetName(),
                    "color": _hex(segment.GetColor()),
                    "visible": display is None or bool(display.GetSegmentVisibility(segmentId)),
                    "mask": describe(mask),
                    "surface": mask.version if mask.array.size else None,
                    # What decides whether it is saved, as of lesions.
                    "kind": tagOf(segment, CLASS),
                    "label": 0,
                    "box": None,
                    "prompts": [],
                    "asks": False,
                }
            )
        return rows

    def known(self, version: str) -> ServedMask | None:
        """A mask by its version; None where it is not shown."""
        return next((mask for _, mask in self._masks.values() if mask.version == version), None)

    def segmentations(self, beside: bool = False) -> list[Any]:
        """The segmentation nodes that hold classes: of the image that is shown, or of others, too.

        Args:
            beside: whether those of other images in the scene count.
        """
        volume = self.context.volume
        return [
            node
            for node in nodesOfClass(self.context.scene, "vtkMRMLSegmentationNode")
            if node.GetAttribute(HOLDS_CLASSES)
            and (volumeOf(node) is volume or (beside and volumeOf(node) is not None))
        ]

    def forget(self) -> None:
        """Another image is about to take the place of this one."""
        self._masks.clear()

    def _segments(self, beside: bool = False) -> list[tuple[Any, str]]:
        return [
            (node, segmentId)
            for node in self.segmentations(beside)
            for segmentId in node.GetSegmentation().GetSegmentIDs()
            if tagOf(node.GetSegmentation().GetSegment(segmentId), CLASS)
        ]

    def _maskOf(self, node: Any, segmentId: str) -> ServedMask:
        segment = node.GetSegmentation().GetSegment(segmentId)
        labels = segment.GetRepresentation(labelmapName())
        stamp = max(segment.GetMTime(), labels.GetMTime() if labels is not None else 0)
        key = (node.GetID(), segmentId)
        kept = self._masks.get(key)
        if kept is None or kept[0] != stamp:
            mask, offset = readSegment(node, segmentId, volumeOf(node))
            (k, j, i), (depth, rows, cols) = offset, mask.shape
            extent = (i, j, k, cols, rows, depth) if mask.size else EMPTY
            served = ServedMask(maskDigest(mask, offset)[:20], extent, np.asarray(mask))
            kept = self._masks[key] = (stamp, served)
        return kept[1]


def _id(node: Any, segmentId: str) -> str:
    return f"{node.GetID()}-{segmentId}"


def _hex(color: Sequence[float]) -> str:
    return "#" + "".join(f"{round(255 * c):02x}" for c in color)
