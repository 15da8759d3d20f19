"""One way to write lesions: the file's ending chooses what is written."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from masam_core.errors import SegmentationError
from masam_core.export.segmentation import IMAGE_SUFFIXES, SLICER_SUFFIX, write_segmentation

if TYPE_CHECKING:
    from masam_core.image.volume import Volume
    from masam_core.lesion.lesion import Lesion

TABLE_SUFFIX, PICTURE_SUFFIX = ".csv", ".png"
SUFFIXES = (SLICER_SUFFIX, *IMAGE_SUFFIXES, TABLE_SUFFIX, PICTURE_SUFFIX)


def save(
    lesions: Sequence[Lesion] | Lesion, path: str | Path, volume: Volume | None = None
) -> None:
    """Write lesions; the ending of the name chooses the format.

    ``.seg.nrrd`` is a Slicer segmentation, ``.nii.gz``, ``.nii``, ``.nrrd`` and ``.mha`` are label
    images with values 1 to n, ``.csv`` is the table of measurements, ``.png`` a picture.

    A warning tells what a format can't hold, such as voxels that two lesions share.

    Args:
        lesions: in the order in which they are numbered; also a single one.
        path: file to write; replaced as a whole or not at all.
        volume: the image that was segmented. Table and picture need it; a segmentation takes its
            grid from the lesions where it is left out.

    Raises:
        SegmentationError: another ending, a table or a picture without the image, lesions of
            another image, or a file that can't be written.

    >>> save([lesion], "tumour.seg.nrrd")
    >>> save([lesion], "tumour.csv", volume=read_volume("scan.nii.gz"))
    """
    path = Path(path)
    require_ending(path)
    listed = [lesions] if not isinstance(lesions, Sequence) else list(lesions)
    if not path.name.lower().endswith((TABLE_SUFFIX, PICTURE_SUFFIX)):
        for note in write_segmentation(path, listed, volume):
            warnings.warn(note, stacklevel=2)
        return
    if volume is None:
        what = "A table" if path.name.lower().endswith(TABLE_SUFFIX) else "A picture"
        raise SegmentationError(
            f"{what} needs the image that was segmented: save(lesions, '{path.name}', volume=...)."
        )
    if path.name.lower().endswith(TABLE_SUFFIX):
        from masam_core.export.measurements import measurement_rows, write_measurements

        write_measurements(path, measurement_rows(listed, volume))
    else:
        from masam_core.export.overlay.overlay import render_overlay

        render_overlay(path, volume, listed)


def require_ending(path: Path) -> None:
    """Raise SegmentationError where no format has the ending of this name."""
    if not path.name.lower().endswith(SUFFIXES):
        raise SegmentationError(f"'{path.name}' must end with one of {', '.join(SUFFIXES)}.")
