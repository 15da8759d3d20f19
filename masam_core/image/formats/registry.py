"""The formats that are read: a new one is a file beside this and a line in FORMATS."""

from __future__ import annotations

import stat
from pathlib import Path

from masam_core.errors import VolumeError
from masam_core.image.formats.base import Format, Image, Rules
from masam_core.image.formats.dicom.format import Dicom
from masam_core.image.formats.metaimage import MetaImage
from masam_core.image.formats.nifti import Nifti
from masam_core.image.formats.nrrd import Nrrd
from masam_core.image.formats.others import ADVICE, kind_of
from masam_core.image.formats.payload import is_gzip, open_head

FORMATS: tuple[Format, ...] = (Nifti(), Nrrd(), MetaImage(), Dicom())
HEAD_BYTES = 4096


def read_image(path: Path, rules: Rules) -> Image:
    """Read an image file by the format that its content shows, whatever its ending.

    Raises:
        VolumeError: missing, empty, of a kind that is not read, damaged or incomplete.
    """
    path = header_of(path)
    require_file(path)
    try:
        return format_of(path).read(path, rules)
    except MemoryError as error:
        raise VolumeError(f"{path} is too large for this machine's memory.") from error
    except OSError as error:
        raise VolumeError(f"{path} can't be read: {error.strerror or error}.") from error


def format_of(path: Path) -> Format:
    """Choose the format by a file's content.

    Raises:
        VolumeError: none reads it; names what it is, where its first bytes say.
    """
    head = open_head(path, HEAD_BYTES)
    packed = is_gzip(path)
    for one in FORMATS:
        if one.recognises(head) and (one.may_be_packed or not packed):
            return one
    kind = kind_of(head)
    if kind:
        raise VolumeError(f"{path} is {kind}, and can't be read: {ADVICE}.")
    raise VolumeError(
        f"{path} can't be read as an image: {ADVICE}, and its first bytes are those of none. It "
        "may be damaged, incomplete or of another kind."
    )


def header_of(path: Path) -> Path:
    """The .hdr of a pair whose .img was given; else the path itself."""
    for ending in (".img", ".img.gz"):
        if path.name.lower().endswith(ending):
            header = path.with_name(path.name[: -len(ending)] + ".hdr")
            return header if header.is_file() else path
    return path


def require_file(path: Path) -> None:
    """Refuse what is no plain file (a pipe would never end) or holds nothing.

    Raises:
        VolumeError: missing, of another kind, or empty.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise VolumeError(f"There is no image at {path}.") from error
    if not stat.S_ISREG(status.st_mode):
        raise VolumeError(f"{path} is no file; expected an image file or a folder of DICOM slices.")
    if status.st_size == 0:
        raise VolumeError(f"{path} is empty; copy or export it again.")
