"""Every format, by the ending that chooses it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from masam_core.errors import SegmentationError
from masam_core.export.formats.dicom_report import DICOM_REPORT
from masam_core.export.formats.dicom_segmentation import DICOM_SEGMENTATION
from masam_core.export.formats.dicom_structures import DICOM_STRUCTURES
from masam_core.export.formats.format import Format
from masam_core.export.formats.label_image import LABEL_IMAGE
from masam_core.export.formats.picture import PICTURE
from masam_core.export.formats.slicer_segmentation import SLICER_SEGMENTATION
from masam_core.export.formats.table import TABLE

FORMATS: list[Format] = [
    SLICER_SEGMENTATION,  # before images: .seg.nrrd ends in .nrrd, too
    LABEL_IMAGE,
    DICOM_SEGMENTATION,
    DICOM_STRUCTURES,
    DICOM_REPORT,
    TABLE,
    PICTURE,
]


def format_of(path: Path, masks: bool = False) -> Format:
    """The format that a file's name chooses.

    Args:
        path: of the file.
        masks: only among formats that hold the masks themselves.

    Raises:
        SegmentationError: no format has this ending, or the name is nothing but an ending.
    """
    name = path.name.lower()
    for known in FORMATS:
        for ending in known.endings:
            if name.endswith(ending) and len(name) > len(ending):
                if masks and not known.masks:
                    raise SegmentationError(
                        f"'{path.name}' would be {known.title}, which holds no masks; expected a "
                        f"name that ends with {listed(endings(masks=True))}."
                    )
                return known
    raise SegmentationError(f"'{path.name}' must end with {listed(endings(masks))}.")


def endings(masks: bool = False) -> tuple[str, ...]:
    """Every ending that is known, or those of formats that hold the masks themselves."""
    return tuple(e for known in FORMATS if known.masks or not masks for e in known.endings)


def listed(words: Sequence[str]) -> str:
    """``.a, .b or .c``."""
    return ", ".join(words[:-1]) + f" or {words[-1]}" if len(words) > 1 else words[0]
