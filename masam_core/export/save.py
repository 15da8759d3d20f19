"""One way to write lesions: the file's ending chooses what is written."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from masam_core.errors import SegmentationError
from masam_core.export.anonymous import without_patient
from masam_core.export.segmentation import write_files

if TYPE_CHECKING:
    from masam_core.image.volume import Volume
    from masam_core.lesion.lesion import Lesion


def save(
    lesions: Sequence[Lesion] | Lesion,
    path: str | Path | Sequence[str | Path],
    volume: Volume | None = None,
    anonymous: bool = False,
) -> None:
    """Write lesions; the ending of the name chooses the format.

    ``.seg.nrrd`` is a Slicer segmentation, ``.nii.gz``, ``.nii``, ``.nrrd`` and ``.mha`` are label
    images with values 1 to n, ``.csv`` is the table of measurements, ``.png`` a picture. Of a
    DICOM series ``.seg.dcm`` is a DICOM segmentation, ``.rt.dcm`` a structure set and ``.sr.dcm`` a
    report, which refers to the segmentation that is written in the same call.

    A warning tells what a format can't hold, such as voxels that two lesions share.

    Args:
        lesions: in the order in which they are numbered; also a single one.
        path: file to write, or several; each is replaced as a whole or not at all.
        volume: the image that was segmented. Table and picture need it; a segmentation takes its
            grid from the lesions where it is left out.
        anonymous: leave the patient's data and the names of image and lesions out; it needs the
            image.

    Raises:
        SegmentationError: another ending, a table or a picture without the image, lesions of
            another image, or a file that can't be written.

    >>> save([lesion], "tumour.seg.nrrd")
    >>> save([lesion], ["tumour.seg.nrrd", "tumour.nii.gz"])
    >>> save([lesion], "tumour.csv", volume=read_volume("scan.nii.gz"))
    """
    listed = [lesions] if not isinstance(lesions, Sequence) else list(lesions)
    paths = [path] if isinstance(path, (str, Path)) else list(path)
    if anonymous:
        if volume is None:
            raise SegmentationError("Results without the patient's data need the image: volume=...")
        listed, volume = without_patient(listed, volume)
    for note in write_files([Path(each) for each in paths], listed, volume):
        warnings.warn(note, stacklevel=2)
