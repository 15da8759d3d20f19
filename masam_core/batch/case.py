"""One case of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BatchCase:
    """An image and its boxes.

    Attributes:
        name: of the case, which its results bear.
        image: file, or folder of a DICOM series.
        boxes: files of ``masam_core.prompts.readers``: ROIs, or one label image.
    """

    name: str
    image: Path
    boxes: tuple[Path, ...] = ()
