"""Undo and redo of what MASAM did to segments, and of nothing else.

Slicer's own vtkSegmentationHistory restores whole segmentations, and with them every segment that
the user has changed by hand since. Here a step holds the segments that it touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import slicer

from .provenance import TAGS
from .segments import labelmapName, surfaceName, tagOf

MOST_STEPS = 20


@dataclass(frozen=True)
class _Snapshot:
    """A segment as it was; ``segment`` is None where there was none."""

    segmentationId: str
    segmentId: str
    index: int
    segment: Any


@dataclass(frozen=True)
class Step:
    """What one action changed."""

    title: str
    snapshots: tuple[_Snapshot, ...]


class History:
    """Steps that can be undone and redone, for one scene."""

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        self._undo: list[Step] = []
        self._redo: list[Step] = []

    @property
    def undoTitle(self) -> str:
        """What undo would take back; empty if nothing."""
        return self._undo[-1].title if self._undo else ""

    @property
    def redoTitle(self) -> str:
        """What redo would do again; empty if nothing."""
        return self._redo[-1].title if self._redo else ""

    def clear(self) -> None:
        """Forget all steps, e.g. when the scene closes."""
        self._undo.clear()
        self._redo.clear()

    @contextmanager
    def step(self, title: str) -> Iterator[list[tuple[Any, str]]]:
        """An action: append (segmentation node, segment ID) of every segment BEFORE it changes.

        When the block raises, everything is put back and no step is kept.
        """
        touched = _Touched()
        try:
            yield touched
        except BaseException:
            self._restore(touched.snapshots)
            raise
        if touched.snapshots:
            self._undo.append(Step(title, tuple(touched.snapshots)))
            del self._undo[:-MOST_STEPS]
            self._redo.clear()

    def undo(self) -> str:
        """Take the last step back; returns its title, or an empty text."""
        return self._move(self._undo, self._redo)

    def redo(self) -> str:
        """Do the last step that was undone again; returns its title, or an empty text."""
        return self._move(self._redo, self._undo)

    def _move(self, source: list[Step], target: list[Step]) -> str:
        if not source:
            return ""
        step = source.pop()
        # As they are now, with what the user changed by hand since: nothing is lost by undo.
        now = [
            _snapshot(node, old.segmentId)
            for old in step.snapshots
            if (node := self._scene.GetNodeByID(old.segmentationId)) is not None
        ]
        self._restore(step.snapshots)
        target.append(Step(step.title, tuple(now)))
        return step.title

    def _restore(self, snapshots: Sequence[_Snapshot]) -> None:
        for old in reversed(snapshots):
            node = self._scene.GetNodeByID(old.segmentationId)
            if node is None:  # deleted by the user since
                continue
            _putBack(node, old)


class _Touched(list[tuple[Any, str]]):
    """Takes a snapshot of each segment as it is appended, once."""

    def __init__(self) -> None:
        super().__init__()
        self.snapshots: list[_Snapshot] = []

    def append(self, item: tuple[Any, str]) -> None:
        node, segmentId = item
        known = {(s.segmentationId, s.segmentId) for s in self.snapshots}
        if (node.GetID(), segmentId) not in known:
            self.snapshots.append(_snapshot(node, segmentId))
        super().append(item)


def _snapshot(node: Any, segmentId: str) -> _Snapshot:
    segmentation = node.GetSegmentation()
    segment = segmentation.GetSegment(segmentId)
    if segment is None:
        return _Snapshot(node.GetID(), segmentId, segmentation.GetNumberOfSegments(), None)
    copy = slicer.vtkSegment()
    copy.DeepCopy(segment)
    # A labelmap that several segments share holds the neighbours' voxels too; keep only its own.
    alone = slicer.vtkOrientedImageData()
    node.GetBinaryLabelmapRepresentation(segmentId, alone)
    copy.RemoveAllRepresentations()
    copy.AddRepresentation(labelmapName(), alone)
    copy.SetLabelValue(1)
    return _Snapshot(node.GetID(), segmentId, segmentation.GetSegmentIndex(segmentId), copy)


def _putBack(node: Any, old: _Snapshot) -> None:
    segmentation = node.GetSegmentation()
    present = segmentation.GetSegment(old.segmentId)
    if old.segment is None:
        if present is not None:
            segmentation.RemoveSegment(old.segmentId)
        return
    if present is None:
        copy = slicer.vtkSegment()
        copy.DeepCopy(old.segment)
        segmentation.AddSegment(copy, old.segmentId)
        last = segmentation.GetNumberOfSegments() - 1
        segmentation.SetSegmentIndex(old.segmentId, min(old.index, last))
        if segmentation.ContainsRepresentation(surfaceName()):
            node.CreateClosedSurfaceRepresentation()
        return
    # In place, so that the name, colour and visibility of today are kept.
    image = old.segment.GetRepresentation(labelmapName())
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    logic.SetBinaryLabelmapToSegment(image, node, old.segmentId, logic.MODE_REPLACE)
    for name in TAGS:
        value = tagOf(old.segment, name)
        if value:
            present.SetTag(name, value)
        else:
            present.RemoveTag(name)
