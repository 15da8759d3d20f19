"""Which boxes belong to which volume, for a batch over loaded volumes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer

from masam_core.batch.pairing import belongs

from .lesions import LESION, LesionEntry, LesionList
from .prompts import roiFromMask
from .segments import readSegment

BY_NAME, BY_FOLDER, BY_SEGMENTS = "name", "folder", "segments"
SOURCE = "MASAM.Source"


def roisByName(volumes: Sequence[Any], rois: Sequence[Any]) -> dict[str, list[Any]]:
    """Volume ID to the ROIs whose name is the volume's, or begins with it and a separator.

    Of several volumes that fit, the one with the longest name gets the ROI: ``scan_1 box`` belongs
    to ``scan_1`` and not to ``scan``.
    """
    found: dict[str, list[Any]] = {volume.GetID(): [] for volume in volumes}
    for roi in rois:
        fitting = [v for v in volumes if belongs(roi.GetName(), v.GetName())]
        if fitting:
            best = max(fitting, key=lambda volume: len(volume.GetName()))
            found[best.GetID()].append(roi)
    return found


def roisByFolder(volumes: Sequence[Any], rois: Sequence[Any]) -> dict[str, list[Any]]:
    """Volume ID to the ROIs in its own folder (or study) of the subject hierarchy.

    A folder with several of the volumes says nothing; its ROIs are left out.
    """
    found: dict[str, list[Any]] = {volume.GetID(): [] for volume in volumes}
    if not volumes:
        return found
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(volumes[0].GetScene())

    def folder(node: Any) -> int:
        item = hierarchy.GetItemByDataNode(node) if hierarchy is not None else 0
        return int(hierarchy.GetItemParent(item)) if item else 0

    root = int(hierarchy.GetSceneItemID()) if hierarchy is not None else 0
    for roi in rois:
        place = folder(roi)
        beside = [v for v in volumes if place and place != root and folder(v) == place]
        if len(beside) == 1:
            found[beside[0].GetID()].append(roi)
    return found


def lesionsFromRois(lesions: LesionList, volume: Any, rois: Sequence[Any]) -> list[LesionEntry]:
    """ROIs as lesions of a volume; a ROI that is one already stays that lesion.

    A ROI that belongs to another volume's lesion is copied, not taken away.
    """
    made = []
    for roi in rois:
        known = lesions.lesion(roi.GetAttribute(LESION)) if roi.GetAttribute(LESION) else None
        if known is None:
            made.append(lesions.add(volume, None, roi))
        elif known.volume is volume:
            made.append(known)
        else:
            made.append(lesions.duplicate(known, volume))
    return made


def lesionsFromSegments(
    lesions: LesionList, volume: Any, segmentationNode: Any
) -> list[LesionEntry]:
    """A lesion with a tight box for each segment that has a voxel in the volume.

    The segments themselves are left as they are. A segment that has given a lesion of this volume
    before gives no other.
    """
    known = {
        lesion.roi.GetAttribute(SOURCE): lesion
        for lesion in lesions.lesions(volume)
        if lesion.roi is not None and lesion.roi.GetAttribute(SOURCE)
    }
    made = []
    segmentation = segmentationNode.GetSegmentation()
    for segmentId in segmentation.GetSegmentIDs():
        source = f"{segmentationNode.GetID()} {segmentId}"
        if source in known:
            made.append(known[source])
            continue
        mask, offset = readSegment(segmentationNode, segmentId, volume)
        if not mask.any():
            continue
        name = segmentation.GetSegment(segmentId).GetName()
        lesion = lesions.add(volume, None, None, f"{volume.GetName()} {name}")
        lesion.roi.SetAttribute(SOURCE, source)
        roiFromMask(lesion.roi, volume, mask, offset)
        made.append(lesion)
    return made
