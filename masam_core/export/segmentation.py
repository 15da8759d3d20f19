"""Writing lesions to files: Slicer segmentations, label images and probability maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

import masam_core
from masam_core.atomic import atomic_path
from masam_core.errors import SegmentationError
from masam_core.export.seg_nrrd import Segment, write_seg_nrrd
from masam_core.lesion.lesion import require_same_image
from masam_core.lesion.terminology import MASS, Color, TumourType, lesion_color

if TYPE_CHECKING:
    from masam_core.image.geometry import Geometry
    from masam_core.image.volume import Volume
    from masam_core.lesion.lesion import Lesion

SLICER_SUFFIX = ".seg.nrrd"
IMAGE_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha")


def write_segmentation(
    path: str | Path,
    lesions: Sequence[Lesion],
    volume: Volume | None = None,
    colors: Sequence[Color] | None = None,
    kind: TumourType = MASS,
) -> tuple[str, ...]:
    """Write lesions on the image's own grid; the name's ending chooses the format.

    ``.seg.nrrd`` is a Slicer segmentation: names, colours, terminology, where each mask came from,
    and overlapping lesions kept whole. ``.nii.gz``, ``.nii``, ``.nrrd`` and ``.mha`` are label
    images with values 1 to n in the order given; a voxel in two lesions stays with the earlier one.

    Args:
        path: file to write; replaced as a whole or not at all.
        lesions: in the order in which they are numbered.
        volume: the image that was segmented; None takes the lesions' own grid.
        colors: red, green, blue in [0, 1] for each lesion; used by ``.seg.nrrd`` only.
        kind: what the lesions are; used by ``.seg.nrrd`` only.

    Returns:
        Messages for the reader, such as voxels that two lesions share.

    Raises:
        SegmentationError: for another name ending, lesions of another image, a number of colours
            that does not match, no lesion and no image, or a file that cannot be written.
    """
    path = Path(path)
    suffix = _suffix(path, (SLICER_SUFFIX, *IMAGE_SUFFIXES))
    grid = _grid(lesions, volume)
    if colors is not None and len(colors) != len(lesions):
        raise SegmentationError(
            f"One colour is needed for each lesion; received {len(colors)} for {len(lesions)}."
        )
    if suffix == SLICER_SUFFIX:
        chosen = [lesion_color(n) for n in range(len(lesions))] if colors is None else colors
        segments = [
            _segment(lesion, color, kind) for lesion, color in zip(lesions, chosen, strict=True)
        ]
        _write(path, lambda file: write_seg_nrrd(file, segments, grid))
        return ()
    labels, messages = label_image(lesions, grid.shape)
    _write_image(path, labels, grid)
    return messages


def write_probability(path: str | Path, lesions: Sequence[Lesion], volume: Volume) -> None:
    """Write the lesions' probabilities on the image's own grid: float32, 0 outside their boxes.

    Where several lesions have one, the highest is written.

    Raises:
        SegmentationError: for lesions of which only the mask is known, a name ending other than
            .nii.gz, .nii, .nrrd and .mha, lesions of another image, or a file that cannot be
            written.
    """
    path = Path(path)
    if path.name.lower().endswith(SLICER_SUFFIX):
        raise SegmentationError(
            f"A probability map is an image, not a segmentation: '{path.name}' must end with "
            f"{_listed(IMAGE_SUFFIXES)}."
        )
    _suffix(path, IMAGE_SUFFIXES)
    require_same_image(lesions, volume)
    highest = np.zeros(volume.geometry.shape, dtype=np.float32)
    for lesion in lesions:
        where = lesion.slices_kji()
        np.maximum(highest[where], lesion.known_probability(), out=highest[where])
    _write_image(path, highest, volume.geometry)


def label_image(
    lesions: Sequence[Lesion], shape: tuple[int, int, int]
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Labels 1 to n in the order given (KJI, uint8, or uint16 from 256 lesions), and messages.

    A voxel that two lesions share stays with the earlier one, and a message says so.
    """
    labels = np.zeros(shape, dtype=np.uint8 if len(lesions) < 256 else np.uint16)
    messages = []
    for number, lesion in enumerate(lesions, start=1):
        part = labels[lesion.slices_kji()]
        shared = np.bincount(part[lesion.mask], minlength=1)
        part[lesion.mask & (part == 0)] = number
        for other in (int(label) for label in np.flatnonzero(shared[1:]) + 1):
            messages.append(
                f"'{lesion.name}' shares {shared[other]} voxels with '{lesions[other - 1].name}'; "
                f"a label image can hold one lesion per voxel, so they stay with the latter. "
                f"Write a {SLICER_SUFFIX} file to keep both whole."
            )
    return labels, tuple(messages)


def _grid(lesions: Sequence[Lesion], volume: Volume | None) -> Geometry:
    """The grid to write on."""
    if volume is not None:
        require_same_image(lesions, volume)
        return volume.geometry
    if not lesions:
        raise SegmentationError("There is no lesion to write, and no image whose grid to take.")
    first = lesions[0]
    for lesion in lesions:
        if not lesion.geometry.same_grid(first.geometry):
            raise SegmentationError(
                f"'{lesion.name}' and '{first.name}' were segmented on different images; write "
                "them into a file each."
            )
    return first.geometry


def _segment(lesion: Lesion, color: Color, kind: TumourType) -> Segment:
    corners = lesion.geometry.lps_from_ijk(lesion.box.corners_ijk)
    tags = {
        "MASAM.Version": masam_core.__version__,
        "MASAM.Model": lesion.model,
        "MASAM.Confidence": f"{lesion.confidence:.4f}",
        "MASAM.BoxCornersLPS": " ".join(f"{float(v):.4f}" for v in np.ravel(corners)),
    }
    return Segment(lesion.name, lesion.mask, lesion.offset_kji, color, kind, tags)


def _suffix(path: Path, known: Sequence[str]) -> str:
    name = path.name.lower()
    for suffix in known:
        if name.endswith(suffix) and len(name) > len(suffix):
            return suffix
    raise SegmentationError(f"'{path.name}' must end with {_listed(known)}.")


def _listed(suffixes: Sequence[str]) -> str:
    return ", ".join(suffixes[:-1]) + f" or {suffixes[-1]}"


def _write_image(path: Path, array: NDArray[Any], geometry: Geometry) -> None:
    image = sitk.GetImageFromArray(array)
    geometry.apply_to_sitk(image)
    _write(path, lambda file: sitk.WriteImage(image, str(file), useCompression=True))


def _write(path: Path, write: Callable[[Path], None]) -> None:
    try:
        with atomic_path(path) as file:
            write(file)
    except FileNotFoundError:
        raise SegmentationError(
            f"'{path.name}' was not written: the folder '{path.parent}' does not exist."
        ) from None
    # SimpleITK reports every trouble, a full disk too, as a RuntimeError.
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise SegmentationError(f"'{path}' was not written: {reason}.") from error
