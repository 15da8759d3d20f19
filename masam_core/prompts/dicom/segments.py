"""Segments of a DICOM SEG (PS3.3, A.51) on a volume's voxels, frame by frame by their positions."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import BoxError
from masam_core.image.formats.dicom.headers import clean
from masam_core.image.formats.dicom.origin import grid_of_images
from masam_core.image.geometry import Geometry
from masam_core.image.squared import SHARE
from masam_core.prompts.dicom.objects import open_object, require_same_place
from masam_core.prompts.dicom.region import Region

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Points = NDArray[np.float64]

MOST_PIXELS = 1 << 33


def read_segments(path: Path, geometry: Geometry) -> list[Region]:
    """The segments of a file that have a pixel; of fractional ones what is half or more.

    Args:
        path: of the file.
        geometry: of the volume on which they are used.

    Raises:
        BoxError: the file can't be read, its frames have no place, or it lies in another frame of
            reference.
    """
    dataset = open_object(path, pixels=True)
    require_same_place(path, dataset.get("FrameOfReferenceUID"), geometry)
    described = {
        int(item.SegmentNumber): (clean(item.get("SegmentLabel")), clean(item.get("TrackingUID")))
        for item in dataset.get("SegmentSequence") or []
    }
    parts: dict[int, list[tuple[Points, NDArray[np.float64]]]] = {}
    for number, pixels, to_lps in _frames(path, dataset):
        rows, columns = np.nonzero(pixels)
        if len(rows):
            flat = np.column_stack([columns, rows, np.zeros(len(rows)), np.ones(len(rows))])
            parts.setdefault(number, []).append((flat @ to_lps.T, to_lps))
    found = []
    for number, (label, uid) in sorted(described.items()):
        if number in parts:
            name = label or f"segment {number}"
            found.append(_region(path, name, uid, parts[number], geometry))
    return found


def _frames(path: Path, dataset: Dataset) -> Iterator[tuple[int, Any, NDArray[np.float64]]]:
    """Segment number, pixels (rows, columns), and (3, 4) from column, row, 0, 1 to LPS mm."""
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [{}])[0]
    groups = list(dataset.get("PerFrameFunctionalGroupsSequence") or [])
    values = _pixels(path, dataset, len(groups))
    kind = clean(dataset.get("SegmentationType"))
    half = int(dataset.get("MaximumFractionalValue") or 255) / 2
    for group, frame in zip(groups, values, strict=True):

        def tag(sequence: str, keyword: str, own: Any = group) -> Any:
            for place in (own, shared):
                items = place.get(sequence)
                if items and items[0].get(keyword) is not None:
                    return items[0].get(keyword)
            raise BoxError(f"{path} is damaged: a frame does not say its {keyword}.")

        axes = np.array(tag("PlaneOrientationSequence", "ImageOrientationPatient"), float)
        spacing = np.array(tag("PixelMeasuresSequence", "PixelSpacing"), float)
        start = np.array(tag("PlanePositionSequence", "ImagePositionPatient"), float)
        along, down = axes.reshape(2, 3)
        to_lps = np.column_stack([along * spacing[1], down * spacing[0], np.zeros(3), start])
        if kind == "LABELMAP":
            for number in np.unique(frame[frame > 0]):
                yield int(number), frame == number, to_lps
        else:
            number = tag("SegmentIdentificationSequence", "ReferencedSegmentNumber")
            yield int(number), frame >= half if kind == "FRACTIONAL" else frame > 0, to_lps


def _pixels(path: Path, dataset: Dataset, frames: int) -> NDArray[Any]:
    rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    if not frames or not rows or not columns or frames * rows * columns > MOST_PIXELS:
        raise BoxError(f"{path} holds no segment that can be read.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.asarray(dataset.pixel_array).reshape(frames, rows, columns)
    except Exception as error:  # pydicom raises what it likes on damaged pixels
        raise BoxError(
            f"{path}: its pixels can't be read; it is damaged, or compressed in a way that is not "
            "read. Export it again, uncompressed."
        ) from error


def _region(
    path: Path, name: str, uid: str, parts: list[tuple[Points, NDArray[np.float64]]], grid: Geometry
) -> Region:
    ijk = grid.ijk_from_lps(np.vstack([points for points, _ in parts]))
    to_ijk = np.linalg.inv(grid.ijk_to_lps)[:3, :3]
    steps = to_ijk @ parts[0][1][:, :2]  # one pixel along a row and along a column, in voxels
    # Half a pixel around the centres, and half a slice across them.
    half = np.maximum(np.abs(steps).max(axis=1), (np.abs(steps).sum(axis=1) < 0.5) * 1.0) / 2
    mask = partial(_mask, path, name, parts, grid)
    return Region(name, uid, ijk.min(axis=0) - half, ijk.max(axis=0) + half, mask)


def _mask(
    path: Path, name: str, parts: list[tuple[Points, NDArray[np.float64]]], volume: Geometry
) -> NDArray[np.bool_]:
    """The voxels at which pixels lie; refused where these are no voxels of the image."""
    grid = grid_of_images(volume)
    ijk = grid.ijk_from_lps(np.vstack([points for points, _ in parts]))
    steps = np.linalg.inv(grid.ijk_to_lps)[:3, :3] @ parts[0][1][:, :2]
    voxels = np.rint(ijk)
    size = np.array(grid.size_ijk)
    inside = ((voxels >= 0) & (voxels < size)).all(axis=1)
    whole = np.abs(steps - np.rint(steps)).max() <= 0.01 and np.allclose(
        np.sort(np.abs(np.rint(steps)), axis=0)[-1], 1
    )
    if not whole or np.abs(ijk - voxels).max() > SHARE or not inside.all():
        raise BoxError(
            f"{path}: the segment '{name}' is not on the image's voxels, so its mask can't be "
            "taken over. Use the box around it (--roi)."
        )
    mask = np.zeros(grid.shape, bool)
    i, j, k = voxels.astype(int).T
    mask[k, j, i] = True
    tilt = None if volume.images is None else volume.images.tilt
    return mask if tilt is None else tilt.straight_mask(mask)
