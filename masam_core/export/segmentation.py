"""Writing lesions to files, in whatever format a file's name asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from masam_core.atomic import atomic_path
from masam_core.errors import SegmentationError
from masam_core.export.formats.format import Results
from masam_core.export.formats.label_image import LABEL_IMAGE, write_image
from masam_core.export.formats.registry import format_of, listed
from masam_core.lesion.lesion import require_same_image
from masam_core.lesion.terminology import MASS, Color, TumourType, lesion_color

if TYPE_CHECKING:
    from masam_core.image.geometry import Geometry
    from masam_core.image.volume import Volume
    from masam_core.lesion.lesion import Lesion


def write_lesions(
    path: str | Path,
    lesions: Sequence[Lesion],
    volume: Volume | None = None,
    colors: Sequence[Color] | None = None,
    kind: TumourType = MASS,
    masks: bool = False,
    beside: Sequence[Path] = (),
) -> tuple[str, ...]:
    """Write lesions; the name's ending chooses the format (``masam_core.export.formats``).

    ``.seg.nrrd`` is a Slicer segmentation: names, colours, terminology, where each mask came from,
    and overlapping lesions kept whole. ``.nii.gz``, ``.nii``, ``.nrrd`` and ``.mha`` are label
    images with values 1 to n in the order given; a voxel in two lesions stays with the earlier one.
    ``.seg.dcm``, ``.sr.dcm`` and ``.rt.dcm`` are a DICOM segmentation, report and structure set of
    a DICOM series. ``.csv`` is the table of measurements, ``.png`` a picture.

    Args:
        path: file to write; replaced as a whole or not at all.
        lesions: in the order in which they are numbered.
        volume: the image that was segmented; None takes the lesions' own grid. Table and picture
            need it.
        colors: red, green, blue in [0, 1] for each lesion; for formats that have colours.
        kind: what the lesions are; for formats that have terms.
        masks: refuse formats that don't hold the masks themselves.
        beside: files of the same lesions, written before, to which a report refers.

    Returns:
        Messages for the reader, such as voxels that two lesions share.

    Raises:
        SegmentationError: for another name ending, lesions of another image, a number of colours
            that does not match, no lesion and no image, or a file that cannot be written.
    """
    path = Path(path)
    chosen = format_of(path, masks)
    if chosen.needs_volume and volume is None:
        raise SegmentationError(
            f"{chosen.title[0].upper()}{chosen.title[1:]} needs the image that was segmented: "
            f"save(lesions, '{path.name}', volume=...)."
        )
    grid = _grid(lesions, volume)
    if colors is None:
        colors = [
            lesion_color(number) if lesion.term is None else lesion.term.color
            for number, lesion in enumerate(lesions)
        ]
    if len(colors) != len(lesions):
        raise SegmentationError(
            f"One colour is needed for each lesion; received {len(colors)} for {len(lesions)}."
        )
    require_formats([path], grid)
    results = Results(lesions, grid, volume, colors, kind, tuple(beside))
    if chosen.atomic:
        return chosen.write(path, results)
    with atomic_path(path, SegmentationError) as file:
        return chosen.write(file, results)


def write_files(
    paths: Sequence[Path],
    lesions: Sequence[Lesion],
    volume: Volume | None = None,
    colors: Sequence[Color] | None = None,
    kind: TumourType = MASS,
) -> tuple[str, ...]:
    """Write lesions into several files, as :func:`write_lesions`; reports refer to the others.

    Returns:
        Messages for the reader, each once.

    Raises:
        SegmentationError: as :func:`write_lesions`; all names are looked at before the first file.
    """
    order = sorted(paths, key=lambda path: format_of(path).refers)
    notes: list[str] = []
    for number, path in enumerate(order):
        notes += write_lesions(path, lesions, volume, colors, kind, beside=order[:number])
    return tuple(dict.fromkeys(notes))


def require_formats(paths: Sequence[Path], geometry: Geometry) -> None:
    """Refuse, before the work, files that can't be written of an image on this grid.

    Raises:
        SegmentationError: another ending, or what the format says.
    """
    for path in paths:
        try:
            format_of(path).requires(geometry)
        except SegmentationError as error:
            raise SegmentationError(f"'{path.name}' can't be written. {error}") from error


def write_segmentation(
    path: str | Path,
    lesions: Sequence[Lesion],
    volume: Volume | None = None,
    colors: Sequence[Color] | None = None,
    kind: TumourType = MASS,
) -> tuple[str, ...]:
    """Write the lesions' masks; as :func:`write_lesions`, in a format that holds masks."""
    return write_lesions(path, lesions, volume, colors, kind, masks=True)


def write_probability(path: str | Path, lesions: Sequence[Lesion], volume: Volume) -> None:
    """Write the lesions' probabilities on the image's own grid: float32, 0 outside their boxes.

    Where several lesions have one, the highest is written.

    Raises:
        SegmentationError: for lesions of which only the mask is known, a name ending other than
            .nii.gz, .nii, .nrrd and .mha, lesions of another image, or a file that cannot be
            written.
    """
    path = Path(path)
    if format_of(path) is not LABEL_IMAGE:
        raise SegmentationError(
            f"A probability map is an image, not a segmentation: '{path.name}' must end with "
            f"{listed(LABEL_IMAGE.endings)}."
        )
    require_same_image(lesions, volume)
    highest = np.zeros(volume.geometry.shape, dtype=np.float32)
    for lesion in lesions:
        where = lesion.slices_kji()
        np.maximum(highest[where], lesion.known_probability(), out=highest[where])
    with atomic_path(path, SegmentationError) as file:
        write_image(file, highest, volume.geometry)


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
