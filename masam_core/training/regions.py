"""Regions that an image itself suggests: muscles, bones, vessels, organs, parts of them.

Expert masks exist for few organs. Asked for "the thing in the box", the network should follow real
borders whatever the thing is; watershed basins give thousands of things without an expert.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from masam_core.atomic import atomic_path
from masam_core.training.prepared import PreparedCase, Regions, corners_of

LEVELS = (0.02, 0.05)  # depth of the basins that are merged, of the intensity range
LONGEST = (8, 100)  # in-plane side of a region's box, voxels
LEAST_VOXELS = 60
FILL = (0.28, 0.8)  # of its box; less is a web, more is a brick
LEAST_CONTRAST = 0.12  # between a region and what surrounds it in its box
OVERLAP = 0.2  # most of a region that may lie in the lesion
CONTEXT_SLICES = 4


def kept_regions(prepared: PreparedCase, folder: Path) -> Regions:
    """:func:`find_regions`, kept in a folder for the next run (.npz, a file for each content)."""
    digest = hashlib.sha256(repr((LEVELS, LONGEST, LEAST_VOXELS, FILL, LEAST_CONTRAST)).encode())
    for array in (prepared.slices, prepared.mask):
        digest.update(np.ascontiguousarray(array).tobytes())
    path = folder / f"regions-{digest.hexdigest()[:24]}.npz"
    if path.exists():
        with np.load(path) as saved:
            numbers, corners = saved["numbers"].tolist(), saved["corners"].tolist()
            boxes = {n: tuple(c) for n, c in zip(numbers, corners, strict=True)}
            return Regions(saved["labels"], boxes)
    regions = find_regions(prepared)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            labels=regions.labels,
            numbers=np.array(list(regions.boxes), dtype=np.int64),
            corners=np.array(list(regions.boxes.values()), dtype=np.int64).reshape(-1, 6),
        )
    return regions


def find_regions(prepared: PreparedCase) -> Regions:
    """Watershed basins of a case that look like things: compact, of some contrast, no lesion.

    Args:
        prepared: the case; its own lesion is left out.

    Returns:
        Basins at two depths, the deeper ones where both could be used.
    """
    values = np.clip(prepared.slices.astype(np.float32), 0, 1)
    image = sitk.GetImageFromArray(values)
    _, row_mm, col_mm = prepared.frame.spacing
    image.SetSpacing((col_mm, row_mm, prepared.frame.spacing[0]))
    slope = sitk.GradientMagnitudeRecursiveGaussian(image, sigma=1.2 * row_mm) * row_mm
    labels = np.zeros(values.shape, dtype=np.int32)
    boxes: dict[int, tuple[int, int, int, int, int, int]] = {}
    for level in LEVELS:
        basins = sitk.MorphologicalWatershed(slope, level=level, markWatershedLine=False)
        found = sitk.GetArrayFromImage(basins).astype(np.int32)
        statistics = sitk.LabelShapeStatisticsImageFilter()
        statistics.Execute(basins)
        for label in statistics.GetLabels():
            x, y, z, nx, ny, nz = statistics.GetBoundingBox(label)
            count = statistics.GetNumberOfPixels(label)
            if not _shaped(count, nx, ny, nz):
                continue
            where = np.s_[z : z + nz, y : y + ny, x : x + nx]
            inside = found[where] == label
            if not _stands_out(values[where], inside, prepared.mask[where]):
                continue
            number = len(boxes) + 1
            # A basin of the second level may swallow some of the first: those are gone.
            labels[where][inside] = number
            boxes[number] = (x, y, z, x + nx - 1, y + ny - 1, z + nz - 1)
    left = np.bincount(labels.ravel(), minlength=len(boxes) + 1)
    return Regions(labels, {n: box for n, box in boxes.items() if left[n] >= LEAST_VOXELS})


def _shaped(count: int, nx: int, ny: int, nz: int) -> bool:
    fill = count / (nx * ny * nz)
    return (
        count >= LEAST_VOXELS
        and LONGEST[0] <= max(nx, ny) <= LONGEST[1]
        and nz >= 2
        and FILL[0] <= fill <= FILL[1]
    )


def _stands_out(
    values: NDArray[np.float32], inside: NDArray[np.bool_], lesion: NDArray[np.bool_]
) -> bool:
    if lesion[inside].mean() > OVERLAP:
        return False
    return abs(float(values[inside].mean()) - float(values[~inside].mean())) >= LEAST_CONTRAST


def region_case(prepared: PreparedCase, rng: np.random.Generator) -> PreparedCase | None:
    """Part of a case with one of its regions in the lesion's place; None if it has none."""
    regions = prepared.regions
    if regions is None or not regions.boxes:
        return None
    label = list(regions.boxes)[rng.integers(len(regions.boxes))]
    _, _, z0, _, _, z1 = regions.boxes[label]
    low, high = max(0, z0 - CONTEXT_SLICES), min(len(regions.labels), z1 + CONTEXT_SLICES + 1)
    mask = regions.labels[low:high] == label
    slices = prepared.slices[low:high]
    return PreparedCase(prepared.case, slices, mask, prepared.frame, corners_of(mask))
