"""A training set as one small file: 8-bit crops around lesions, for a machine without the images.

A GPU that is rented by the minute, or stands elsewhere, gets what a run needs and no more: the
crops, masks, regions, spacing, and patients as running numbers. A ``.npz`` file without pickles.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.atomic import atomic_path
from masam_core.data.cases import Case
from masam_core.errors import ConfigError
from masam_core.image.geometry import Geometry
from masam_core.training.prepared import PreparedCase, Regions, corners_of

FORMAT = 1
SUFFIX = ".npz"
MARGIN = 0.6  # of a lesion's longest side, kept around it: most of the widest field of view
MARGIN_SLICES = 6
LEVELS = 96  # more are noise, which does not compress
SAMPLE, TAIL = 200_000, 0.0005  # voxels looked at for the levels; share beyond their ends


def choose_levels(values: NDArray[Any]) -> NDArray[np.float32]:
    """The values that the bytes of one image stand for, rising.

    Half of them are spread evenly between the ends, half evenly over the voxels: a CT keeps its
    soft tissue to a few Hounsfield units and its air and bone, too.
    """
    sample = np.sort(np.asarray(values, np.float32).ravel()[:: max(1, values.size // SAMPLE)])
    ends = sample[[round(TAIL * (len(sample) - 1)), round((1 - TAIL) * (len(sample) - 1))]]
    even = np.linspace(float(ends[0]), float(ends[1]), 1025)
    share = np.searchsorted(sample, even) / len(sample)
    place = 0.5 * (share - share[0]) / max(share[-1] - share[0], 1e-6)
    place = place + 0.5 * np.linspace(0, 1, len(even))
    return np.interp(np.linspace(0, place[-1], LEVELS), place, even).astype(np.float32)


def to_bytes(values: NDArray[Any], levels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Values (any shape) as the numbers of their nearest levels; :func:`from_bytes` inverts."""
    middles = (levels[1:] + levels[:-1]) / 2
    return np.searchsorted(middles, np.asarray(values, np.float32)).astype(np.uint8)


def from_bytes(codes: NDArray[np.uint8], levels: NDArray[np.float32]) -> NDArray[np.float16]:
    """The values of :func:`to_bytes`."""
    return levels.astype(np.float16)[codes]


def write_pack(path: Path, images: Iterable[list[PreparedCase]]) -> int:
    """Write a pack.

    Args:
        path: ``.npz`` file.
        images: of each image its lesions, which share it, with their regions if there are any.

    Returns:
        Bytes written.
    """
    with atomic_path(path) as temporary:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_LZMA) as archive:
            about = []
            patients: dict[str, int] = {}
            for number, lesions in enumerate(images):
                patient = patients.setdefault(lesions[0].case.patient, len(patients) + 1)
                about.append(_write_image(archive, f"{number:05d}", lesions, patient))
            listed = {"format": FORMAT, "images": about}
            archive.writestr("pack.json", json.dumps(listed))
        size = temporary.stat().st_size
    return size


def _write_image(
    archive: zipfile.ZipFile, name: str, lesions: list[PreparedCase], patient: int
) -> dict[str, Any]:
    first = lesions[0]
    where = _around([lesion.box for lesion in lesions], first)
    levels = choose_levels(first.slices[where])
    _put(archive, f"{name}/levels", levels)
    _put(archive, f"{name}/slices", to_bytes(first.slices[where], levels))
    for number, lesion in enumerate(lesions):
        _put(archive, f"{name}/mask{number}", np.packbits(lesion.mask[where] > 0))
    regions = {}
    if first.regions is not None:
        _put(archive, f"{name}/regions", first.regions.labels[where].astype(np.int32))
        shape = first.slices[where].shape
        regions = {
            str(label): moved
            for label, box in first.regions.boxes.items()
            if (moved := _inside(box, where, shape)) is not None
        }
    return {
        "patient": patient,
        "modality": first.case.modality,
        "weight": first.case.weight,
        "shape": list(first.slices[where].shape),
        "spacing": list(first.frame.spacing),
        "lesions": len(lesions),
        "regions": regions if first.regions is not None else None,
    }


def is_pack(path: Path) -> bool:
    """Whether a path names a pack, by its ending."""
    return path.suffix == SUFFIX


def read_pack(path: Path) -> list[list[PreparedCase]]:
    """Read what :func:`write_pack` wrote, into memory.

    Raises:
        ConfigError: no pack, or one of another version.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            about = json.loads(archive.read("pack.json"))
            if about["format"] != FORMAT:
                raise ConfigError(
                    f"{path} is a pack of format {about['format']}; expected {FORMAT}. Make it "
                    "again with this version of MASAM."
                )
            return [
                _read_image(archive, f"{number:05d}", image, path)
                for number, image in enumerate(about["images"])
            ]
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{path} is no training pack: {error}.") from error


def _read_image(
    archive: zipfile.ZipFile, name: str, about: dict[str, Any], path: Path
) -> list[PreparedCase]:
    patient, modality, weight = str(about["patient"]), about["modality"], about["weight"]
    case = Case(f"image {int(name) + 1}", patient, modality, "train", path, path, weight)
    depth, rows, cols = about["shape"]
    slice_mm, row_mm, col_mm = about["spacing"]
    matrix = np.diag([col_mm, row_mm, slice_mm, 1.0])
    frame = Geometry((depth, rows, cols), matrix).canonical_frame(2)
    slices = from_bytes(_get(archive, f"{name}/slices"), _get(archive, f"{name}/levels"))
    masks = []
    for number in range(about["lesions"]):
        bits = np.unpackbits(_get(archive, f"{name}/mask{number}"), count=slices.size)
        masks.append(bits.reshape(slices.shape).astype(bool))
    regions = None
    if about["regions"] is not None:
        labels = _get(archive, f"{name}/regions")
        regions = Regions(labels, {int(n): tuple(box) for n, box in about["regions"].items()})
    whole = PreparedCase(case, slices, masks[0], frame, corners_of(masks[0]), regions)
    return [replace(whole, mask=mask, box=corners_of(mask)) for mask in masks]


def _around(boxes: list[tuple[int, ...]], image: PreparedCase) -> tuple[slice, slice, slice]:
    """The part of an image that samples around these boxes may show."""
    _, row_mm, col_mm = image.frame.spacing
    ends = []
    for x0, y0, z0, x1, y1, z1 in boxes:
        longest = max((x1 - x0 + 1) * col_mm, (y1 - y0 + 1) * row_mm)
        dx, dy = (int(np.ceil(MARGIN * longest / mm)) for mm in (col_mm, row_mm))
        dz = max(MARGIN_SLICES, (z1 - z0 + 1) // 2)
        ends.append((z0 - dz, y0 - dy, x0 - dx, z1 + dz + 1, y1 + dy + 1, x1 + dx + 1))
    low = np.maximum(np.min(ends, axis=0)[:3], 0)
    high = np.minimum(np.max(ends, axis=0)[3:], image.slices.shape)
    z, y, x = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return z, y, x


def _inside(
    box: tuple[int, ...], where: tuple[slice, slice, slice], shape: tuple[int, ...]
) -> tuple[int, ...] | None:
    """A box in the crop; None where it is cut."""
    start = [where[2].start, where[1].start, where[0].start]
    moved = [v - s for v, s in zip(box, start * 2, strict=True)]
    ends = [shape[2], shape[1], shape[0]]
    whole = min(moved[:3]) >= 0 and all(m < n for m, n in zip(moved[3:], ends, strict=True))
    return tuple(int(m) for m in moved) if whole else None


def _put(archive: zipfile.ZipFile, name: str, array: NDArray[Any]) -> None:
    data = io.BytesIO()
    np.save(data, array, allow_pickle=False)
    archive.writestr(f"{name}.npy", data.getvalue())


def _get(archive: zipfile.ZipFile, name: str) -> Any:
    return np.load(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False)
