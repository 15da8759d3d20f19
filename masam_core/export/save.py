"""One way to write lesions: the file's ending chooses what is written."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from masam_core.export.segmentation import write_lesions

if TYPE_CHECKING:
    from masam_core.image.volume import Volume
    from masam_core.lesion.lesion import Lesion


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
    listed = [lesions] if not isinstance(lesions, Sequence) else list(lesions)
    for note in write_lesions(path, listed, volume):
        warnings.warn(note, stacklevel=2)
