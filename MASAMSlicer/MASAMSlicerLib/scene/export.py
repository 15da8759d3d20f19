"""Segmentations to files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import slicer

from masam_core.atomic import atomic_path
from masam_core.errors import SegmentationError
from masam_core.export.formats.label_image import write_image
from masam_core.image.geometry import Geometry

from . import dicomfiles
from .lesions import LABEL
from .segments import readSegment, tagOf
from .volumes import geometryOf

SUFFIXES = (".seg.nrrd", ".nii.gz", *dicomfiles.SUFFIXES)
MOST = 65535  # the largest value of a label image


def saveSegmentation(
    segmentationNode: Any, volumeNode: Any, path: Path, source: Geometry | None = None
) -> list[str]:
    """Write a segmentation; the name's ending chooses the format. The scene is not changed.

    ``.seg.nrrd`` holds every segment with name, colour, terminology and tags; ``.nii.gz`` is a
    label image on the volume's own grid, in which each lesion has the label that it keeps for life;
    other segments get the numbers that are left. Of a volume that was loaded as DICOM, ``.seg.dcm``
    is a DICOM SEG, ``.rt.dcm`` an RTSTRUCT and ``.sr.dcm`` a report of what is measured on the
    masks.

    Args:
        segmentationNode, volumeNode: what is written, and its image.
        path: of the file.
        source: for DICOM, the grid of the images with their names, where Slicer's database does not
            know them; see ``dicomfiles.sameGridAs``.

    Returns:
        Notes for the user, such as voxels that two segments share.

    Raises:
        SegmentationError: another ending, nothing to save, or a file that can't be written; what
            was there before stays.
    """
    name = path.name.lower()
    if not name.endswith(SUFFIXES):
        raise SegmentationError(f"'{path.name}' must end in {' or '.join(SUFFIXES)}.")
    if not segmentationNode.GetSegmentation().GetNumberOfSegments():
        raise SegmentationError(f"'{segmentationNode.GetName()}' holds no segment yet.")
    if name.endswith(dicomfiles.SUFFIXES):
        return dicomfiles.saveDicom(segmentationNode, volumeNode, path, source)
    with atomic_path(path, SegmentationError) as temporary:
        if name.endswith(SUFFIXES[0]):
            _writeSlicer(segmentationNode, temporary)
            return []
        return _writeLabels(segmentationNode, volumeNode, temporary)


def _writeSlicer(segmentationNode: Any, path: Path) -> None:
    # A storage node of its own, outside the scene: where the user saves a copy is no new home of
    # the node in the scene.
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(os.fspath(path))
    copy = slicer.vtkMRMLSegmentationNode()
    copy.SetName(segmentationNode.GetName())
    copy.GetSegmentation().DeepCopy(segmentationNode.GetSegmentation())
    private = slicer.vtkMRMLScene()
    private.AddNode(copy)
    private.AddNode(storage)
    if not storage.WriteData(copy):
        raise RuntimeError("Slicer could not write the segmentation")


def _writeLabels(segmentationNode: Any, volumeNode: Any, path: Path) -> list[str]:
    geometry = geometryOf(volumeNode)
    segmentation = segmentationNode.GetSegmentation()
    labels = np.zeros(geometry.shape, dtype=np.uint16)
    shared = 0
    for segmentId, number in labelValues(segmentation).items():
        mask, offset = readSegment(segmentationNode, segmentId, volumeNode)
        where = tuple(slice(o, o + n) for o, n in zip(offset, mask.shape, strict=True))
        part = labels[where]
        shared += int((mask & (part > 0)).sum())
        part[mask & (part == 0)] = number
    write_image(path, labels, geometry)
    if not shared:
        return []
    return [
        f"{shared} voxels lie in more than one segment; a label image keeps one, the first of the "
        "list. A .seg.nrrd file keeps all."
    ]


def labelValues(segmentation: Any) -> dict[str, int]:
    """The value of each segment in a label image, by its ID, in the order of the segments."""
    own: dict[str, int] = {}
    for segmentId in segmentation.GetSegmentIDs():
        text = tagOf(segmentation.GetSegment(segmentId), LABEL)
        number = int(text) if text.isdecimal() else 0
        own[segmentId] = number if 0 < number <= MOST and number not in own.values() else 0
    free = (n for n in range(1, MOST + 1) if n not in own.values())
    for segmentId, number in own.items():
        own[segmentId] = number or next(free)
    return own
