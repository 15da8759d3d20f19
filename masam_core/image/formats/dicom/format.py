"""DICOM files: one image of a series, or many in one file."""

from __future__ import annotations

from pathlib import Path

from masam_core.image.formats.base import Image, Rules
from masam_core.image.formats.dicom.headers import looks_like_dicom
from masam_core.image.formats.dicom.series import read_file


class Dicom:
    """Reader of the volume to which a DICOM file belongs."""

    name = "DICOM"
    may_be_packed = False

    def recognises(self, head: bytes) -> bool:
        """Tell by DICOM's magic, at byte 128."""
        return looks_like_dicom(head)

    def read(self, path: Path, rules: Rules) -> Image:
        """Read its frames, or the series of its folder; see ``Format``."""
        return read_file(path, rules.series)
