"""Undo and redo of what MASAM did to segments, and of boxes that were moved or removed.

Slicer's own vtkSegmentationHistory restores whole segmentations, and with them every segment that
the user has changed by hand since. Here a step holds the segments that it touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer

from .boxplace import BoxPlace
from .keptbox import KeptBox
from .lesions import LESION, TERMINOLOGY, colorOf, roiOf
from .provenance import TAGS
from .segments import Look, labelmapName, surfaceName, tagOf

MOST_STEPS = 20


@dataclass(frozen=True)
class _Snapshot:
    """A segment as it was; ``segment`` is None where there was none.

    ``surface``: whether the segmentation had surfaces, which leave it with its last segment.
    ``box``: how the lesion's box said that the segment is to look, or None where there was no box.
    """

    segmentationId: str
    segmentId: str
    index: int
    segment: Any
    surface: bool
    box: Look | None = None


@dataclass(frozen=True)
class Step:
    """What one action changed."""

    title: str
    snapshots: tuple[_Snapshot, ...]
    boxes: tuple[KeptBox, ...] = ()
    places: tuple[BoxPlace, ...] = ()

    def isMoveOf(self, lesions: set[str]) -> bool:
        """Whether it is a move, and nothing else, of boxes of these lesions alone."""
        moved = {place.lesion for place in self.places}
        return not self.snapshots and not self.boxes and moved <= lesions


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
    def step(self, title: str) -> Iterator[Touched]:
        """An action: append (segmentation node, segment ID) of every segment BEFORE it changes.

        Boxes that it removes are kept by ``box``, before too.

        When the block raises, everything is put back and no step is kept.
        """
        touched = Touched(self._scene)
        try:
            yield touched
        except BaseException:
            self._restore(touched.snapshots, touched.boxes)
            raise
        if touched.snapshots or touched.boxes:
            places = tuple(touched.places)
            # A move that led to a result is taken back together with it.
            lesions = {place.lesion for place in places}
            while self._undo and self._undo[-1].isMoveOf(lesions):
                self._undo.pop()
            self._push(Step(title, tuple(touched.snapshots), tuple(touched.boxes), places))

    def moved(self, title: str, place: BoxPlace) -> None:
        """A box was moved by the user; ``place`` is where it was before."""
        self._push(Step(title, (), (), (place,)))

    def _push(self, step: Step) -> None:
        self._undo.append(step)
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
        boxes = [KeptBox.of(self._scene, old.lesion) for old in step.boxes]
        places = [found for old in step.places if (found := BoxPlace.of(self._scene, old.lesion))]
        self._restore(step.snapshots, step.boxes)
        for place in step.places:
            place.putBack(self._scene)
        target.append(Step(step.title, tuple(now), tuple(boxes), tuple(places)))
        return step.title

    def _restore(self, snapshots: Sequence[_Snapshot], boxes: Sequence[KeptBox]) -> None:
        for old in reversed(snapshots):
            node = self._scene.GetNodeByID(old.segmentationId)
            if node is None:  # deleted by the user since
                continue
            _putBack(node, old)
        for box in boxes:
            box.putBack(self._scene)


class Touched(list[tuple[Any, str]]):
    """Takes a snapshot of each segment as it is appended, once."""

    def __init__(self, scene: Any) -> None:
        super().__init__()
        self._scene = scene
        self.snapshots: list[_Snapshot] = []
        self.boxes: list[KeptBox] = []
        self.places: list[BoxPlace] = []

    def box(self, lesion: str) -> None:
        """Keep the box of a lesion, which is about to be removed."""
        self.boxes.append(KeptBox.of(self._scene, lesion))

    def place(self, lesion: str, corners: np.ndarray) -> None:
        """Corners of a lesion's box when this is undone: (8, 3) in the volume's own LPS."""
        self.places.append(BoxPlace(lesion, corners))

    def append(self, item: tuple[Any, str]) -> None:
        node, segmentId = item
        known = {(s.segmentationId, s.segmentId) for s in self.snapshots}
        if (node.GetID(), segmentId) not in known:
            self.snapshots.append(_snapshot(node, segmentId))
        super().append(item)


def _snapshot(node: Any, segmentId: str) -> _Snapshot:
    segmentation = node.GetSegmentation()
    segment = segmentation.GetSegment(segmentId)
    surface = bool(segmentation.ContainsRepresentation(surfaceName()))
    if segment is None:
        count = segmentation.GetNumberOfSegments()
        return _Snapshot(node.GetID(), segmentId, count, None, surface)
    copy = slicer.vtkSegment()
    copy.DeepCopy(segment)
    # A labelmap that several segments share holds the neighbours' voxels too; keep only its own.
    alone = slicer.vtkOrientedImageData()
    node.GetBinaryLabelmapRepresentation(segmentId, alone)
    copy.RemoveAllRepresentations()
    copy.AddRepresentation(labelmapName(), alone)
    copy.SetLabelValue(1)
    index = segmentation.GetSegmentIndex(segmentId)
    return _Snapshot(node.GetID(), segmentId, index, copy, surface, _lookOfBox(node, copy))


def _lookOfBox(node: Any, segment: Any) -> Look | None:
    """How the box of a segment's lesion says that it is to look."""
    lesion = tagOf(segment, LESION)
    roi = roiOf(node.GetScene(), lesion) if lesion else None
    if roi is None:
        return None
    return Look(roi.GetName(), colorOf(roi), roi.GetAttribute(TERMINOLOGY) or "")


def _catchUp(segment: Any, before: Look | None, now: Look | None) -> None:
    """Give a segment that comes back what its box was given while it was away."""
    if before is None or now is None:
        return
    if now.name != before.name:
        segment.SetName(now.name)
    if now.color != before.color:
        segment.SetColor(*now.color)
    if now.terminology != before.terminology:
        segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), now.terminology)


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
        _catchUp(copy, old.box, _lookOfBox(node, copy))
        segmentation.AddSegment(copy, old.segmentId)
        last = segmentation.GetNumberOfSegments() - 1
        segmentation.SetSegmentIndex(old.segmentId, min(old.index, last))
        if old.surface or segmentation.ContainsRepresentation(surfaceName()):
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
