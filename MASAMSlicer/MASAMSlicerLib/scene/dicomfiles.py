"""Segmentations as DICOM files of the patient and study that their volume was loaded from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import slicer

from masam_core.errors import BoxError, MasamError, SegmentationError, VolumeError
from masam_core.export.segmentation import write_lesions
from masam_core.image.formats.dicom.series import grid_of_files
from masam_core.image.geometry import Geometry
from masam_core.image.lattice import on_grid
from masam_core.image.volume import Volume
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.terminology import MASS, TUMOUR_TYPES, TumourType
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.record import PromptRecord

from .provenance import Provenance
from .segments import readSegment, tagOf
from .volumes import geometryOf, volumeFromNode

SUFFIXES = (".seg.dcm", ".rt.dcm", ".sr.dcm")
_INSTANCES = "DICOM.instanceUIDs"  # Slicer's attribute of what was loaded from its database


def isDicom(volumeNode: Any) -> bool:
    """Whether a volume was loaded from Slicer's DICOM database."""
    return bool(volumeNode.GetAttribute(_INSTANCES)) and hasattr(slicer, "dicomDatabase")


def dicomFilesOf(volumeNode: Any) -> list[Path]:
    """The DICOM files that a volume was loaded from, as Slicer's database knows them.

    Raises:
        SegmentationError: it was not loaded from there, or its files are gone.
    """
    name = volumeNode.GetName()
    uids = (volumeNode.GetAttribute(_INSTANCES) or "").split()
    database = getattr(slicer, "dicomDatabase", None)
    if not uids or database is None:
        raise SegmentationError(
            f"'{name}' was not loaded from Slicer's DICOM database, so it belongs to no patient "
            "and study. Import the series there, or save a .seg.nrrd file."
        )
    files = [database.fileForInstance(uid) for uid in uids]
    lost = [file for file in files if not file or not Path(file).is_file()]
    if lost:
        raise SegmentationError(
            f"{len(lost)} of the {len(files)} DICOM files of '{name}' are not where they were. "
            "Import the series again."
        )
    return [Path(file) for file in files]


def dicomGridOf(volumeNode: Any) -> Geometry:
    """The grid of the DICOM images that a volume was loaded from, with their names.

    Raises:
        SegmentationError: see :func:`dicomFilesOf`; or they make no regular grid.
    """
    files = dicomFilesOf(volumeNode)
    try:
        return grid_of_files(files, f"The series of '{volumeNode.GetName()}'")
    except VolumeError as error:
        raise SegmentationError(str(error)) from error


def saveDicom(
    segmentationNode: Any,
    volumeNode: Any,
    path: Path,
    source: Geometry | None = None,
    beside: tuple[Path, ...] = (),
) -> list[str]:
    """Write a segmentation as DICOM SEG, RTSTRUCT or SR. The scene is not changed.

    Args:
        segmentationNode, volumeNode: what is written, and its image.
        path: its ending, one of ``SUFFIXES``, chooses.
        source: grid of the DICOM images with their names; None asks Slicer's database.
        beside: a .seg.dcm file that was written before, to which a report refers.

    Returns:
        Notes for the user.

    Raises:
        SegmentationError: the volume is no DICOM series, or the file can't be written.
    """
    grid = source if source is not None else dicomGridOf(volumeNode)
    volume = volumeFromNode(volumeNode)
    try:
        array = on_grid(volume.array, volume.geometry, grid, f"'{volumeNode.GetName()}'")
    except VolumeError as error:
        raise SegmentationError(
            f"{error} Its DICOM images have other voxels than the volume, so the mask can't be "
            "written on them. Save a .seg.nrrd file."
        ) from error
    image = Volume(np.ascontiguousarray(array), grid, volume.modality, volume.name)
    segmentation = segmentationNode.GetSegmentation()
    identifiers = list(segmentation.GetSegmentIDs())
    segments = [segmentation.GetSegment(each) for each in identifiers]
    lesions = []
    for identifier, segment in zip(identifiers, segments, strict=True):
        mask, offset = readSegment(segmentationNode, identifier, volumeNode)
        whole = np.zeros(volume.geometry.shape, dtype=bool)
        whole[tuple(slice(o, o + n) for o, n in zip(offset, mask.shape, strict=True))] = mask
        placed = on_grid(whole, volume.geometry, grid, segment.GetName())
        lesions.append(_lesion(segment, placed, image))
    kinds = {kindOf(segment) for segment in segments}
    kind = kinds.pop() if len(kinds) == 1 else MASS
    colors = [tuple(segment.GetColor()) for segment in segments]
    return list(write_lesions(path, lesions, image, colors, kind, beside=beside))


def sameGridAs(volumeNode: Any, images: Any) -> Geometry:
    """A volume's own grid with the names of its slices, for those who keep them (SourceImages).

    For volumes whose slices along k are the images in their order, as MASAM reads a series.
    """
    return replace(geometryOf(volumeNode), images=images)


def _lesion(segment: Any, mask: np.ndarray, image: Volume) -> Lesion:
    made = Provenance.ofSegment(segment)
    box = BoxPrompt.from_voxels(0, 0, 0, 0, 0, 0)
    prompts = None
    if made is not None:
        try:
            box = BoxPrompt(image.geometry.ijk_from_lps(made.corners))
            if made.prompts:
                prompts = PromptRecord.from_dict(made.prompts, image.geometry)
        except (BoxError, MasamError):  # damaged tags; the mask is what counts
            prompts = None
    elif mask.any():
        low, high = (f(np.argwhere(mask), axis=0)[::-1] for f in (np.min, np.max))
        box = BoxPrompt.from_voxels(*(v for pair in zip(low, high, strict=True) for v in pair))
    return Lesion.from_mask(
        mask,
        image,
        box,
        segment.GetName(),
        model="" if made is None else made.model,
        prompts=prompts or (None if made is None else PromptRecord(box)),
    )


def kindOf(segment: Any) -> TumourType:
    """What a segment is, by its terminology; a mass where that is none of ours."""
    entry = tagOf(segment, slicer.vtkSegment.GetTerminologyEntryTagName())
    for part in entry.split("~")[2:3]:
        for kind in TUMOUR_TYPES.values():
            if part.split("^")[:2] == [kind.code.scheme, kind.code.value]:
                return kind
    return MASS
