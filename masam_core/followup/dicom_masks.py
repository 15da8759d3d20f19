"""Segments of a DICOM SEG with their tracking UIDs (DICOM PS3.3, A.51), by pydicom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import VolumeError
from masam_core.image.formats.dicom.headers import (
    SEGMENTATION,
    clean,
    looks_like_dicom,
    open_dataset,
)
from masam_core.image.geometry import Geometry

Segment = tuple[int, str, str, NDArray[np.bool_], Geometry]
HEAD_BYTES = 256


def is_dicom(path: Path) -> bool:
    """Whether a file is DICOM, by its beginning."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return looks_like_dicom(file.read(HEAD_BYTES))


def is_segmentation(path: Path) -> bool:
    """Whether a DICOM file holds segments."""
    return clean(open_dataset(path, pixels=False).get("Modality")) == SEGMENTATION


def dicom_segments(path: Path) -> list[Segment]:
    """Every segment: number, name, tracking UID, mask KJI, and its grid.

    Raises:
        VolumeError: no segmentation, or one whose frames lie on no regular grid.
    """
    dataset = open_dataset(path, pixels=True)
    if clean(dataset.get("Modality")) != SEGMENTATION:
        raise VolumeError(
            f"{path} is a DICOM file without segments ({clean(dataset.get('Modality')) or '?'}); "
            "expected a SEG."
        )
    try:
        return _segments(path, dataset)
    except VolumeError:
        raise
    except Exception as error:  # pydicom raises what it likes on damaged files
        raise VolumeError(
            f"{path} is damaged: its segments can't be read ({clean(error)[:100]})."
        ) from error


def _segments(path: Path, dataset: Any) -> list[Segment]:
    frames = np.asarray(dataset.pixel_array)
    frames = frames[None] if frames.ndim == 2 else frames
    shared = dataset.SharedFunctionalGroupsSequence[0]
    groups = dataset.PerFrameFunctionalGroupsSequence
    rows, positions, numbers = [], [], []
    for group in groups:
        rows.append(_group(group, shared, "PlaneOrientationSequence").ImageOrientationPatient)
        positions.append(_group(group, shared, "PlanePositionSequence").ImagePositionPatient)
        named = _group(group, shared, "SegmentIdentificationSequence")
        numbers.append(int(named.ReferencedSegmentNumber))
    axes = np.array(rows, dtype=float)
    if np.abs(axes - axes[0]).max() > 1e-3:
        raise VolumeError(f"{path}: its frames are turned against each other.")
    row, column = axes[0].reshape(2, 3)
    normal = np.cross(row, column)
    places = np.array(positions, dtype=float)
    along = places @ normal
    measures = _group(groups[0], shared, "PixelMeasuresSequence")
    pixel = [float(v) for v in measures.PixelSpacing]
    gap = _gap(along, measures)
    index = np.rint((along - along.min()) / gap).astype(int)
    if np.abs((along - along.min()) / gap - index).max() > 0.1:
        raise VolumeError(f"{path}: its frames do not lie evenly.")
    shape = (int(index.max()) + 1, frames.shape[1], frames.shape[2])
    origin = places[int(along.argmin())]
    geometry = Geometry.from_spacing(
        shape, (pixel[1], pixel[0], gap), origin, np.column_stack([row, column, normal])
    )
    most = float(dataset.get("MaximumFractionalValue") or 1)
    found = []
    for item in dataset.SegmentSequence:
        number = int(item.SegmentNumber)
        mask = np.zeros(shape, dtype=bool)
        for frame, own, place in zip(frames, numbers, index, strict=True):
            if own == number:
                mask[place] |= frame >= max(most / 2, 1)
        name = (
            clean(item.get("TrackingID")) or clean(item.get("SegmentLabel")) or f"lesion {number}"
        )
        found.append((number, name, clean(item.get("TrackingUID")), mask, geometry))
    return found


def _gap(along: NDArray[np.float64], measures: Any) -> float:
    """Distance of neighbouring slices: as the file has it, else the least between two frames."""
    steps = np.diff(np.unique(np.round(along, 3)))
    stated = measures.get("SpacingBetweenSlices") or measures.get("SliceThickness")
    if stated:
        return float(stated)
    if not len(steps):
        raise VolumeError("A segmentation of one frame does not say how thick its slice is.")
    return float(steps.min())


def _group(own: Any, shared: Any, name: str) -> Any:
    """A functional group of a frame, or the one that all frames share."""
    for place in (own, shared):
        found = place.get(name)
        if found:
            return found[0]
    raise VolumeError(f"A frame of the segmentation has no {name}.")
