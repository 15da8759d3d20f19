"""The lesion list: what the scene says about each lesion; nothing is kept twice.

A lesion is a ROI node, a segment, or both, that bear the same id. The ROI says which volume and
segmentation it belongs to (node references, saved with the scene) and how the segment is to look;
once there is a segment, the segment says it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import slicer

from masam_core.errors import BoxError
from masam_core.lesion.terminology import MASS, lesion_color

from . import asked
from .handedits import HandEdits
from .nodes import nodesOfClass, removeWhole
from .promptnodes import LESION, Prompt, promptsByLesion, promptsFrom, removePrompts, writePrompts
from .prompts import cornersInVolume, layRoi
from .provenance import BY_PROMPTS, CONFIRMED, CORRECTED, Provenance, flippedDigests, maskDigest
from .segments import Look, Mask, isLocked, labelmapName, readSegment, setLocked, tagOf
from .volumes import geometryOf

SEGMENT, TERMINOLOGY, COLOR, LABEL = (
    "MASAM.Segment",
    "MASAM.Terminology",
    "MASAM.Color",
    "MASAM.Label",
)
VOLUME_REFERENCE, SEGMENTATION_REFERENCE = "masamVolume", "masamSegmentation"
ROI_CLASS = "vtkMRMLMarkupsROINode"
MOVED_MM = 0.01

NEW, DONE, MOVED, EDITED = "not segmented", "segmented", "box changed", "edited"


@dataclass(eq=False)
class LesionEntry:
    """One row of the list, read from the scene.

    Attributes:
        id: that ROI and segment share.
        roi: its ROI node, or None if it was deleted.
        volume: its volume node, or None if it was deleted.
        segmentation: the segmentation node, or None.
        segmentId: of the segment, or None where there is none yet.
        name, color, terminology: of the segment, or those it will get.
        provenance: what made the segment, or None.
        status: NEW, DONE, MOVED (box or other prompts are not those that made the segment) or
            EDITED (the segment was changed by hand).
        locked: results never replace the segment.
        prompts: besides the box, in the order in which they were given.
        label: its number in label images and tables, the same as long as it lives.
        boxMoved: whether the box is not the one that made the segment.
        asks: whether prompts besides the box are not those that made the segment.
    """

    id: str
    roi: Any
    volume: Any
    segmentation: Any
    segmentId: str | None
    name: str
    color: tuple[float, float, float]
    terminology: str
    provenance: Provenance | None
    status: str
    locked: bool
    prompts: tuple[Prompt, ...] = ()
    label: int = 0
    boxMoved: bool = False
    asks: bool = False

    @property
    def corrected(self) -> bool:
        """Whether someone has seen to it that the mask is right: locked, touched up, confirmed."""
        return self.segment is not None and (
            self.locked or self.status == EDITED or bool(tagOf(self.segment, CORRECTED))
        )

    @property
    def confirmed(self) -> bool:
        """Whether someone has said in so many words that the mask is right."""
        return self.segment is not None and tagOf(self.segment, CORRECTED) == CONFIRMED

    @property
    def look(self) -> Look:
        """Look of a new segment."""
        return Look(self.name, self.color, self.terminology)

    @property
    def segment(self) -> Any:
        """The vtkSegment, or None."""
        if self.segmentation is None or self.segmentId is None:
            return None
        return self.segmentation.GetSegmentation().GetSegment(self.segmentId)


class LesionList:
    """The lesions of a scene."""

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        self._digests: dict[tuple[str, str], tuple[Any, str]] = {}
        self._held: list[LesionEntry] | None = None
        self._prompts: dict[str, list[Any]] = {}
        self._names: dict[str, tuple[str, str]] = {}  # of segment and box, when last looked at
        self._highest = 0  # label that a lesion has had
        self.handEdits = HandEdits()

    def forget(self) -> None:
        """Forget what belonged to a scene that is closed: the next one begins with label 1."""
        self._digests.clear()
        self._names.clear()
        self._highest = 0
        self.handEdits.clear()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Read the scene once for a block that asks often and changes nothing."""
        self._held = None
        self._held = self.lesions()
        try:
            yield
        finally:
            self._held = None

    def lesions(self, volumeNode: Any = None) -> list[LesionEntry]:
        """All lesions, of one volume where it is given; in the order of their making."""
        found = self._readAll() if self._held is None else list(self._held)
        if volumeNode is not None:
            found = [lesion for lesion in found if lesion.volume is volumeNode]
        return found

    def _readAll(self) -> list[LesionEntry]:
        self._prompts = promptsByLesion(self._scene)
        found = [self._fromRoi(roi) for roi in self._rois()]
        known = {lesion.id for lesion in found}
        for node in self._nodes("vtkMRMLSegmentationNode"):
            for segmentId in node.GetSegmentation().GetSegmentIDs():
                segment = node.GetSegmentation().GetSegment(segmentId)
                identity = tagOf(segment, LESION)
                if identity and identity not in known:
                    found.append(self._read(identity, None, volumeOf(node), node, segmentId))
                    known.add(identity)
        return self._inOrder(found)

    def _inOrder(self, found: list[LesionEntry]) -> list[LesionEntry]:
        """Sort by label: one that was deleted comes back to its place, and others get their own."""
        taken = {lesion.label for lesion in found if lesion.label}
        for lesion in found:
            if not lesion.label:
                lesion.label = max(taken, default=0) + 1
                taken.add(lesion.label)
        self._highest = max(self._highest, *taken) if taken else self._highest
        return sorted(found, key=lambda lesion: lesion.label)

    def lesion(self, identity: str) -> LesionEntry | None:
        """The lesion with an id."""
        return next((lesion for lesion in self.lesions() if lesion.id == identity), None)

    def add(
        self, volumeNode: Any, segmentationNode: Any = None, roiNode: Any = None, name: str = ""
    ) -> LesionEntry:
        """A new lesion of a volume; with a ROI of the scene, or with a new one, not yet drawn."""
        number = self._nextNumber()
        name = name or (roiNode.GetName() if roiNode is not None else f"Lesion {number}")
        color = lesion_color(number - 1)
        if roiNode is None:
            roiNode = self._scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", name)
            roiNode.CreateDefaultDisplayNodes()
        label = self._nextLabel()
        roiNode.SetAttribute(LESION, uuid.uuid4().hex[:12])
        roiNode.SetAttribute(TERMINOLOGY, MASS.entry)
        roiNode.SetAttribute(COLOR, _colorText(color))
        roiNode.SetAttribute(LABEL, str(label))
        roiNode.SetNodeReferenceID(VOLUME_REFERENCE, volumeNode.GetID())
        if segmentationNode is not None:
            roiNode.SetNodeReferenceID(SEGMENTATION_REFERENCE, segmentationNode.GetID())
        showBox(roiNode, color)
        return self._entry(roiNode)

    def duplicate(self, lesion: LesionEntry, volumeNode: Any = None) -> LesionEntry:
        """Another lesion with a copy of the box, and no segment yet; of another volume if given.

        Type and colour are those of the lesion.
        """
        copy = self._scene.AddNewNodeByClass(
            "vtkMRMLMarkupsROINode", self._scene.GenerateUniqueName(lesion.name)
        )
        copy.CreateDefaultDisplayNodes()
        if lesion.roi is not None:
            copy.SetAndObserveTransformNodeID(lesion.roi.GetTransformNodeID())
            copy.SetAndObserveObjectToNodeMatrix(lesion.roi.GetObjectToNodeMatrix())
            copy.SetSize(lesion.roi.GetSize())
        if volumeNode is None or volumeNode is lesion.volume:
            made = self.add(lesion.volume, lesion.segmentation, copy)
        else:
            made = self.add(volumeNode, None, copy)  # not into the first volume's segmentation
        self.setTerminology(made, lesion.terminology)
        self.recolor(made, lesion.color)
        return self._entry(copy)

    def rename(self, lesion: LesionEntry, name: str) -> None:
        """Name the ROI and the segment; an empty name is refused with ValueError."""
        name = name.strip()
        if not name:
            raise ValueError("A lesion needs a name.")
        if lesion.roi is not None:
            lesion.roi.SetName(name)
        if lesion.segment is not None:
            lesion.segment.SetName(name)

    def followNames(self) -> None:
        """Bring box and segment in line where one was renamed or recoloured in another module.

        What has changed since the last look wins; where both have, the segment does.
        """
        now: dict[str, tuple[str, str]] = {}
        for lesion in self.lesions():
            self._stamp(lesion)
            if lesion.roi is None or lesion.segment is None:
                continue
            segment, roi = lesion.segment.GetName(), lesion.roi.GetName()
            seen = self._names.get(lesion.id, (segment, roi))
            if segment not in (seen[0], roi):
                lesion.roi.SetName(segment)
            elif roi not in (seen[1], segment):
                lesion.segment.SetName(roi)
            now[lesion.id] = (lesion.segment.GetName(), lesion.roi.GetName())
            if not np.allclose(colorOf(lesion.roi), lesion.color, atol=1e-3):
                self.recolor(lesion, lesion.color)
        self._names = now

    def recolor(self, lesion: LesionEntry, color: tuple[float, float, float]) -> None:
        """Colour of the segment and of the box."""
        if lesion.roi is not None:
            lesion.roi.SetAttribute(COLOR, _colorText(color))
            showBox(lesion.roi, color)
        if lesion.segment is not None:
            lesion.segment.SetColor(*color)

    def setTerminology(self, lesion: LesionEntry, entry: str) -> None:
        """What kind of lesion it is: value of Slicer's terminology tag."""
        if lesion.roi is not None:
            lesion.roi.SetAttribute(TERMINOLOGY, entry)
        if lesion.segment is not None:
            lesion.segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), entry)

    def setLocked(self, lesion: LesionEntry, locked: bool) -> None:
        """Protect the segment from further results; nothing without a segment."""
        if lesion.segment is not None:
            setLocked(lesion.segment, locked)
            lesion.segmentation.Modified()

    def setConfirmed(self, lesion: LesionEntry, confirmed: bool = True) -> None:
        """Say that the mask is right as it is, or take that back; nothing without a segment."""
        if lesion.segment is not None:
            made = lesion.provenance
            asked = made is not None and (made.painted or made.prompts.get("corrections"))
            lesion.segment.SetTag(
                CORRECTED, CONFIRMED if confirmed else BY_PROMPTS if asked else ""
            )
            lesion.segmentation.Modified()

    def adopt(self, lesion: LesionEntry) -> None:
        """Give a lesion that came as a segment alone, as from a file, its box and prompts again."""
        made = lesion.provenance
        if lesion.roi is not None or made is None or lesion.volume is None:
            return
        roi = self._scene.AddNewNodeByClass(ROI_CLASS, lesion.name)
        roi.CreateDefaultDisplayNodes()
        roi.SetAndObserveTransformNodeID(lesion.volume.GetTransformNodeID())
        roi.SetNodeReferenceID(VOLUME_REFERENCE, lesion.volume.GetID())
        roi.SetAttribute(TERMINOLOGY, lesion.terminology)
        roi.SetAttribute(COLOR, _colorText(lesion.color))
        roi.SetAttribute(LABEL, str(lesion.label))
        if not made.byHand:
            layRoi(roi, lesion.volume, made.corners)
        roi.SetAttribute(LESION, lesion.id)
        showBox(roi, lesion.color)
        self.recordSegment(replace(lesion, roi=roi), lesion.segmentation, str(lesion.segmentId))
        writePrompts(self._scene, lesion.id, lesion.volume, asked.promptsOfMade(made))

    def remove(self, lesion: LesionEntry) -> None:
        """Take a lesion off the list: its box, its other prompts and its segment."""
        removePrompts(self._scene, lesion.id)
        if lesion.segment is not None:
            lesion.segmentation.GetSegmentation().RemoveSegment(lesion.segmentId)
        if lesion.roi is not None:
            removeWhole(self._scene, lesion.roi)

    def recordSegment(self, lesion: LesionEntry, segmentationNode: Any, segmentId: str) -> None:
        """Tell the ROI which segment is its own."""
        if lesion.roi is not None:
            lesion.roi.SetAttribute(SEGMENT, segmentId)
            lesion.roi.SetNodeReferenceID(SEGMENTATION_REFERENCE, segmentationNode.GetID())

    def maskOf(self, lesion: LesionEntry) -> tuple[Mask, tuple[int, int, int]]:
        """The segment's voxels on the lesion's volume; raises SegmentationError."""
        return readSegment(lesion.segmentation, lesion.segmentId or "", lesion.volume)

    def _entry(self, roi: Any) -> LesionEntry:
        self._prompts = promptsByLesion(self._scene)
        return self._fromRoi(roi)

    def _stamp(self, lesion: LesionEntry) -> None:
        """Write the label, which a scene of an earlier version does not have."""
        if lesion.roi is not None and lesion.roi.GetAttribute(LABEL) != str(lesion.label):
            lesion.roi.SetAttribute(LABEL, str(lesion.label))
        if lesion.segment is None:
            return
        if tagOf(lesion.segment, LABEL) != str(lesion.label):
            lesion.segment.SetTag(LABEL, str(lesion.label))

    def _fromRoi(self, roi: Any) -> LesionEntry:
        node = roi.GetNodeReference(SEGMENTATION_REFERENCE)
        volume = roi.GetNodeReference(VOLUME_REFERENCE)
        identity = roi.GetAttribute(LESION)
        segmentId = roi.GetAttribute(SEGMENT)
        segment = node.GetSegmentation().GetSegment(segmentId) if node and segmentId else None
        if segment is None or tagOf(segment, LESION) != identity:
            node, segmentId = self._find(identity, node)
        return self._read(identity, roi, volume, node, segmentId)

    def _find(self, identity: str, node: Any) -> tuple[Any, str | None]:
        """The segment of a lesion wherever it is now, e.g. after an import into another scene."""
        candidates = [node] if node is not None else []
        for candidate in [*candidates, *self._nodes("vtkMRMLSegmentationNode")]:
            for segmentId in candidate.GetSegmentation().GetSegmentIDs():
                if tagOf(candidate.GetSegmentation().GetSegment(segmentId), LESION) == identity:
                    return candidate, segmentId
        return node, None

    def _read(
        self, identity: str, roi: Any, volume: Any, node: Any, segmentId: str | None
    ) -> LesionEntry:
        segment = node.GetSegmentation().GetSegment(segmentId) if node and segmentId else None
        if segment is not None:
            name, color = segment.GetName(), segment.GetColor()
            terminology = tagOf(segment, slicer.vtkSegment.GetTerminologyEntryTagName())
        else:
            name, color = roi.GetName(), colorOf(roi)
            terminology = roi.GetAttribute(TERMINOLOGY) or MASS.entry
        lesion = LesionEntry(
            id=identity,
            roi=roi,
            volume=volume,
            segmentation=node,
            segmentId=segmentId,
            name=name,
            color=tuple(color),
            terminology=terminology,
            provenance=Provenance.ofSegment(segment) if segment is not None else None,
            status=NEW,
            locked=segment is not None and isLocked(segment),
            prompts=promptsFrom(self._prompts.get(identity, ()), volume),
            label=_labelOf(roi, segment),
        )
        lesion.status = self._status(lesion)
        return lesion

    def _status(self, lesion: LesionEntry) -> str:
        made = lesion.provenance
        if lesion.segment is None or made is None:
            return NEW
        if lesion.volume is None:
            return DONE
        lesion.boxMoved = self._boxMoved(lesion, made)
        lesion.asks = lesion.roi is not None and not asked.answered(made, lesion.prompts)
        if self.digest(lesion) != made.maskHash:
            return EDITED
        return MOVED if lesion.boxMoved or lesion.asks else DONE

    def _boxMoved(self, lesion: LesionEntry, made: Provenance) -> bool:
        if lesion.roi is None:
            return False
        try:
            corners = cornersInVolume(lesion.roi, lesion.volume)
        except BoxError:  # a ROI that is being drawn anew; one that began by hand has none
            return not made.byHand
        return bool(np.abs(corners - made.corners).max() > MOVED_MM)

    def digest(self, lesion: LesionEntry) -> str:
        """Digest of the mask as it is now; computed again only when its labelmap was modified."""
        labelmap = lesion.segment.GetRepresentation(labelmapName())
        # Not id(): Python's wrapper of the same VTK object may be another one each time.
        state = labelmap and (labelmap.GetAddressAsString(""), labelmap.GetMTime())
        key = (lesion.segmentation.GetID(), str(lesion.segmentId))
        kept = self._digests.get(key)
        if kept is None or kept[0] != state:
            mask, offset = self.maskOf(lesion)
            made = lesion.provenance
            digest = maskDigest(mask, offset)
            if made is not None and digest != made.maskHash:
                # A left-handed grid comes back from a file with an axis the other way round.
                shape = geometryOf(lesion.volume).shape
                if made.maskHash in flippedDigests(mask, offset, shape):
                    digest = made.maskHash
            kept = self._digests[key] = (state, digest)
            if made is not None and digest == made.maskHash:
                self.handEdits.made(lesion.id, digest, mask, offset)
        return kept[1]

    def _rois(self) -> list[Any]:
        return [n for n in self._nodes("vtkMRMLMarkupsROINode") if n.GetAttribute(LESION)]

    def _nodes(self, kind: str) -> list[Any]:
        return nodesOfClass(self._scene, kind)

    def _nextLabel(self) -> int:
        """One more than any lesion has ever had: labels are for life."""
        self.lesions()
        self._highest += 1
        return self._highest

    def _nextNumber(self) -> int:
        """One more than the highest number in use, so that names and colours stay apart."""
        taken = [0, len(self._rois())]
        for node in self._rois():
            word = node.GetName().rsplit(" ", 1)[-1]
            taken.append(int(word) if word.isdigit() else 0)
        return max(taken) + 1


def _labelOf(roi: Any, segment: Any) -> int:
    """Label of a lesion, by its segment or else by its box; 0 where it has none yet."""
    texts = [tagOf(segment, LABEL) if segment is not None else ""]
    texts.append((roi.GetAttribute(LABEL) or "") if roi is not None else "")
    return next((int(text) for text in texts if text.isdigit()), 0)


def volumeOf(segmentationNode: Any) -> Any:
    """The volume whose geometry a segmentation has, or None."""
    reference = segmentationNode.GetReferenceImageGeometryReferenceRole()
    return segmentationNode.GetNodeReference(reference)


def roiOf(scene: Any, lesion: str) -> Any:
    """The ROI node of the lesion with an id, or None."""
    rois = nodesOfClass(scene, ROI_CLASS)
    return next((roi for roi in rois if roi.GetAttribute(LESION) == lesion), None)


def showBox(roi: Any, color: tuple[float, float, float]) -> None:
    """Outline in the lesion's colour, nothing filled: the image under it must stay readable."""
    display = roi.GetDisplayNode()
    if display is None:
        return
    display.SetSelectedColor(*color)
    display.SetColor(*color)
    display.SetFillVisibility(False)
    display.SetPropertiesLabelVisibility(False)


def colorOf(roi: Any) -> tuple[float, float, float]:
    """Colour of a lesion's box."""
    try:
        red, green, blue = (float(c) for c in (roi.GetAttribute(COLOR) or "").split())
    except ValueError:
        red, green, blue = lesion_color(0)
    return red, green, blue


def _colorText(color: tuple[float, float, float]) -> str:
    return " ".join(f"{c:.3f}" for c in color)
