"""HDF5 files of unknown origin, as Slicer writes transforms (.h5): none may lead to another file.

HDF5 can keep the values of a data set in further files (File Format Specification 3.0, IV.A.2.h,
external data files), point to other files (IV.A.2.g, external links), and map values of other files
(IV.A.2.i, virtual layout). Readers of transforms know a file by what it holds, not by its ending.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from masam_core.errors import VolumeError

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_FIRST = 512  # further places of the signature: this, and each twice the one before
MOST_OBJECTS = 10_000  # a transform has about ten


class LeadsElsewhere(VolumeError):
    """A file that names another one."""


def requireWholeHdf5(path: Path) -> None:
    """Raise VolumeError for an HDF5 file that does not hold all its data itself.

    Raises:
        LeadsElsewhere: it names another file.
        VolumeError: it is damaged, or can't be looked through here.
    """
    if not path.is_file() or not isHdf5(path):
        return
    try:
        import h5py
    except ImportError as error:
        raise VolumeError(
            "The scene holds a transform (.h5) that can't be looked through here, since the Python "
            "package h5py is missing (pip install 'masam[workbench]'). Save the scene without it."
        ) from error
    try:
        with h5py.File(path, "r") as file:
            _require(file, h5py)
    except VolumeError:
        raise
    except Exception as error:  # h5py raises what it likes on damaged files
        raise VolumeError("A transform in it (.h5) is damaged.") from error


def isHdf5(path: Path) -> bool:
    """Whether a file is HDF5, by the signature that may stand behind a block of the user's."""
    size, place = path.stat().st_size, 0
    with path.open("rb") as file:
        while place < size:
            file.seek(place)
            if file.read(len(_SIGNATURE)) == _SIGNATURE:
                return True
            place = place * 2 or _FIRST
    return False


def _require(file: Any, h5py: Any) -> None:
    """Look at every link and every data set; what is returned ends the look (C calls these)."""
    count = 0

    def is_too_much() -> bool:
        nonlocal count
        count += 1
        return count > MOST_OBJECTS

    def leads_away(_: str, link: Any) -> bool | None:
        return isinstance(link, h5py.ExternalLink) or is_too_much() or None

    def lies_elsewhere(_: str, found: Any) -> bool | None:
        data = isinstance(found, h5py.Dataset)
        return (data and bool(found.external or found.is_virtual)) or is_too_much() or None

    away = file.visititems_links(leads_away) or file.visititems(lies_elsewhere)
    if count > MOST_OBJECTS:
        raise VolumeError("A transform in it (.h5) has too many parts.")
    if away:
        raise LeadsElsewhere("A transform in it (.h5) refers to another file.")
