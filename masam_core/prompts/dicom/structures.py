"""Structures of a DICOM RTSTRUCT (PS3.3, C.8.8.6): outlines as boxes and masks, points, lines."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import BoxError
from masam_core.image.formats.dicom.headers import clean
from masam_core.image.geometry import Geometry
from masam_core.prompts.dicom.found import Found
from masam_core.prompts.dicom.objects import open_object, require_same_place, same_place
from masam_core.prompts.dicom.region import Region
from masam_core.prompts.dicom.shapes import Shape, prompts_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Points = NDArray[np.float64]

CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
FLAT = 0.1  # of a slice: what bends less lies in the plane of the slices


def read_structures(path: Path, geometry: Geometry) -> tuple[list[Region], Found]:
    """The outlined structures of a file, and its points and lines as prompts.

    Args:
        path: of the file.
        geometry: of the volume on which they are used.

    Raises:
        BoxError: the file can't be read, its numbers are none, or all lies in another frame of
            reference.
    """
    dataset = open_object(path)
    structures = list(dataset.get("StructureSetROISequence") or [])
    places = {int(s.ROINumber): s.get("ReferencedFrameOfReferenceUID") for s in structures}
    names = {int(s.ROINumber): clean(s.get("ROIName")) for s in structures}
    if places and not any(same_place(place, geometry) for place in places.values()):
        require_same_place(path, next(iter(places.values())), geometry)
    regions, found = [], Found()
    for item in dataset.get("ROIContourSequence") or []:
        number = int(item.get("ReferencedROINumber") or 0)
        contours = list(item.get("ContourSequence") or [])
        if not same_place(places.get(number), geometry):
            found.elsewhere += len(contours)
            continue
        name = names.get(number) or f"structure {number}"
        closed: list[Points] = []
        for contour in contours:
            points = _points(path, name, contour)
            kind = clean(contour.get("ContourGeometricType"))
            if kind in CLOSED and len(points) > 2:
                closed.append(points)
            else:
                shape = Shape("POINT" if len(points) == 1 else "POLYLINE", points)
                found.prompts += prompts_of([shape], geometry, name)
        if closed:
            regions.append(_region(path, name, closed, geometry))
    return regions, found


def _points(path: Path, name: str, contour: Dataset) -> Points:
    try:
        values = np.array([float(v) for v in np.ravel(contour.get("ContourData") or [])])
    except (TypeError, ValueError):
        values = np.empty(0)
    if not values.size or values.size % 3 or not np.isfinite(values).all():
        raise BoxError(f"{path}: the structure '{name}' has an outline that is damaged.")
    return values.reshape(-1, 3)


def _region(path: Path, name: str, closed: list[Points], geometry: Geometry) -> Region:
    contours = [geometry.ijk_from_lps(points) for points in closed]
    every = np.vstack(contours)
    low, high = every.min(axis=0), every.max(axis=0)
    # Outlines are those of slices: half a slice belongs to each on both sides.
    spread = np.array([np.ptp(points, axis=0) for points in contours]).max(axis=0)
    across = int(spread.argmin())
    low[across] -= 0.5
    high[across] += 0.5
    return Region(name, "", low, high, partial(_mask, path, name, contours, geometry))


def _mask(path: Path, name: str, contours: list[Points], geometry: Geometry) -> NDArray[np.bool_]:
    """Voxels whose centres lie in an odd number of the outlines on their slice.

    Of outlines between two slices those nearest to a slice's middle are taken.
    """
    planes: dict[int, dict[float, list[Points]]] = {}
    for points in contours:
        if np.ptp(points[:, 2]) > FLAT:
            raise BoxError(
                f"{path}: '{name}' is outlined in another plane than that of the image's slices, "
                "so its voxels are not known. Use the box around it (--roi)."
            )
        at = float(points[:, 2].mean())
        planes.setdefault(round(at), {}).setdefault(round(at, 2), []).append(points)
    mask = np.zeros(geometry.shape, bool)
    for number, by_place in planes.items():
        if 0 <= number < geometry.shape[0]:
            nearest = min(by_place, key=lambda place, n=number: abs(place - n))  # type: ignore[misc]
            for points in by_place[nearest]:
                mask[number] ^= filled(points[:, :2], geometry.shape[1:])
    if not mask.any():
        raise BoxError(f"{path}: no voxel of the image lies in '{name}'.")
    return mask


def filled(corners: Points, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels whose centre lies inside of a closed line, by the even-odd rule.

    Args:
        corners: (n, 2) column and row, pixel centres at integers.
        shape: rows and columns.
    """
    rows, columns = shape
    crossings = np.zeros((rows, columns + 1), np.int32)
    ends = np.roll(corners, -1, axis=0)
    for (ax, ay), (bx, by) in zip(corners, ends, strict=True):
        first, last = int(np.ceil(min(ay, by))), int(np.ceil(max(ay, by))) - 1
        y = np.arange(max(first, 0), min(last, rows - 1) + 1)
        if len(y):
            x = ax + (y - ay) / (by - ay) * (bx - ax)
            # Rows are crossed before the first pixel whose centre lies behind.
            at = np.clip(np.ceil(x - 1e-9), 0, columns).astype(int)
            np.add.at(crossings, (y, at), 1)
    return np.asarray(np.cumsum(crossings, axis=1)[:, :columns] % 2 == 1)
