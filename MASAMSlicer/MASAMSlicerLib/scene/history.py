"""Undo and redo of what MASAM did to segments, boxes, other prompts and names, in one order.

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

from masam_core.errors import SegmentationError

from .boxplace import BoxPlace
from .keptbox import KeptBox
from .keptlook import KeptLook
from .keptprompts import KeptPrompts
from .keptsaid import KeptSaid
from .lesions import LESION, TERMINOLOGY, colorOf, roiOf
from .promptnodes import removePrompts
from .provenance import TAGS
from .segments import Look, isLocked, labelmapName, surfaceName, tagOf

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
    snapshots: tuple[_Snapshot, ...] = ()
    boxes: tuple[KeptBox, ...] = ()
    places: tuple[BoxPlace, ...] = ()
    prompts: tuple[KeptPrompts, ...] = ()
    looks: tuple[KeptLook, ...] = ()
    said: tuple[KeptSaid, ...] = ()
    joins: str = ""  # lesion whose first result takes this step into its own

    @property
    def lesions(self) -> set[str]:
        """Ids of the lesions whose boxes or other prompts it moved."""
        return {place.lesion for place in self.places} | {kept.lesion for kept in self.prompts}

    def isMoveOf(self, lesions: set[str]) -> bool:
        """Whether it is a move, and nothing else, of prompts of these lesions alone."""
        others = self.snapshots or self.boxes or self.looks or self.said
        return not others and self.lesions <= lesions


class History:
    """Steps that can be undone and redone, for one scene."""

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        self._undo: list[Step] = []
        self._redo: list[Step] = []
        self.travelled: tuple[str, ...] = ()  # lesions that the last undo or redo was about

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

        Boxes that it removes are kept by ``box``, prompts that it changes by ``prompts``, before
        too.

        When the block raises, everything is put back and no step is kept.
        """
        touched = Touched(self._scene)
        try:
            yield touched
        except BaseException:
            self._restore(touched.snapshots, touched.boxes)
            for each in touched.kept:
                each.putBack(self._scene)
            raise
        if touched.snapshots or touched.boxes:
            places, kept = tuple(touched.places), {each.lesion: each for each in touched.kept}
            boxes = list(touched.boxes)
            # What led to a result is taken back together with it.
            lesions = {place.lesion for place in places} | touched.again
            while self._undo and (
                self._undo[-1].isMoveOf(lesions) or self._undo[-1].joins in set(kept)
            ):
                boxes += self._undo.pop().boxes
            snapshots = tuple(touched.snapshots)
            self._push(Step(title, snapshots, tuple(boxes), places, tuple(kept.values())))

    def moved(self, title: str, place: BoxPlace) -> None:
        """A box was moved by the user; ``place`` is where it was before."""
        self._push(Step(title, places=(place,)))

    def asked(self, title: str, before: KeptPrompts) -> None:
        """Prompts besides the box were added, moved or deleted; ``before`` is what they were."""
        self._push(Step(title, prompts=(before,)))

    def drawn(self, title: str, lesion: str, joins: bool = False) -> None:
        """A lesion was begun, with a box or another prompt; undo takes it away.

        Args:
            title: of the step.
            lesion: its id.
            joins: whether its first result, which is asked for at once, is the same step.
        """
        self._push(Step(title, boxes=(KeptBox(lesion, None),), joins=lesion if joins else ""))

    def renamed(self, title: str, before: KeptLook) -> None:
        """A lesion got another name, colour or kind; ``before`` is what it had."""
        self._push(Step(title, looks=(before,)))

    def said(self, title: str, before: Sequence[KeptSaid]) -> None:
        """A reader said something of lesions or studies; ``before`` is what was said until then."""
        self._push(Step(title, said=tuple(before)))

    def takeBack(self, lesion: str) -> int | None:
        """Undo what was asked of a lesion last, without a way back.

        For a correction whose run was cancelled. What was done to others since then stays.

        Returns:
            How many later steps stay; None where nothing was asked, or where a later step was about
            the same lesion: nothing has changed then.
        """
        place = len(self._undo) - 1
        while place >= 0:
            step = self._undo[place]
            if step.joins == lesion or (step.prompts and step.isMoveOf({lesion})):
                break
            if lesion in step.lesions | self._lesionsOf(step):
                return None
            place -= 1
        else:
            return None
        later = len(self._undo) - 1 - place
        step = self._undo.pop(place)
        if step.joins == lesion:
            removePrompts(self._scene, lesion)
        self._restore((), step.boxes)
        for kept in step.prompts:
            kept.putBack(self._scene)
        return later

    def _lesionsOf(self, step: Step) -> set[str]:
        """Ids of the lesions whose segments or boxes a step has changed."""
        found = {box.lesion for box in step.boxes}
        for old in step.snapshots:
            node = self._scene.GetNodeByID(old.segmentationId)
            now = node.GetSegmentation().GetSegment(old.segmentId) if node is not None else None
            found |= {tagOf(segment, LESION) for segment in (old.segment, now) if segment}
        return found

    def _push(self, step: Step) -> None:
        self._undo.append(step)
        del self._undo[:-MOST_STEPS]
        self._redo.clear()

    def undo(self) -> str:
        """Take the last step back; returns its title, or an empty text.

        Raises:
            SegmentationError: it would change a locked segment; nothing has changed.
        """
        return self._move(self._undo, self._redo)

    def redo(self) -> str:
        """Do the last step that was undone again; returns its title, or an empty text.

        Raises:
            SegmentationError: see :meth:`undo`.
        """
        return self._move(self._redo, self._undo)

    def _move(self, source: list[Step], target: list[Step]) -> str:
        if not source:
            return ""
        self._requireUnlocked(source[-1])
        step = source.pop()
        # As they are now, with what the user changed by hand since: nothing is lost by undo.
        snapshots = [
            _snapshot(node, old.segmentId)
            for old in step.snapshots
            if (node := self._scene.GetNodeByID(old.segmentationId)) is not None
        ]
        boxes = [KeptBox.of(self._scene, old.lesion) for old in step.boxes]
        places = [found for old in step.places if (found := BoxPlace.of(self._scene, old.lesion))]
        asking = {old.lesion for old in step.prompts} | {old.lesion for old in step.boxes}
        prompts = [KeptPrompts.of(self._scene, lesion) for lesion in sorted(asking)]
        looks = [now for old in step.looks if (now := KeptLook.of(self._scene, old.lesion))]
        said = [since for was in step.said if (since := was.now(self._scene))]
        # Prompts go before their box does, whose volume says where they lie.
        for box in step.boxes:
            if box.values is None:
                removePrompts(self._scene, box.lesion)
        self._restore(step.snapshots, step.boxes)
        for place in step.places:
            place.putBack(self._scene)
        for kept in step.prompts:
            kept.putBack(self._scene)
        for look in step.looks:
            look.putBack(self._scene)
        for words in step.said:
            words.putBack(self._scene)
        shown = {look.lesion for look in step.looks} | {words.lesion for words in step.said}
        self.travelled = tuple(sorted((step.lesions | asking | shown) - {""}))
        target.append(
            Step(
                step.title,
                tuple(snapshots),
                tuple(boxes),
                tuple(places),
                tuple(prompts),
                tuple(looks),
                tuple(said),
            )
        )
        return step.title

    def _requireUnlocked(self, step: Step) -> None:
        for old in step.snapshots:
            node = self._scene.GetNodeByID(old.segmentationId)
            segment = node.GetSegmentation().GetSegment(old.segmentId) if node else None
            if segment is not None and isLocked(segment):
                raise SegmentationError(f"'{segment.GetName()}' is locked. Unlock it to go back.")

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
        self.kept: list[KeptPrompts] = []
        self.again: set[str] = set()

    def box(self, lesion: str) -> None:
        """Keep the box of a lesion and its other prompts, which are about to be removed."""
        self.boxes.append(KeptBox.of(self._scene, lesion))
        self.kept.append(KeptPrompts.of(self._scene, lesion))

    def prompts(self, kept: KeptPrompts, again: bool) -> None:
        """What is asked about a lesion when this is undone.

        Args:
            kept: box and other prompts.
            again: whether the lesion had a mask before: what was moved since then is taken back
                with this step. Moves before a first result are steps of their own.
        """
        self.kept.append(kept)
        if again:
            self.again.add(kept.lesion)

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
