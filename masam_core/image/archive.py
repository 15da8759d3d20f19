"""Unpacking zip archives of unknown origin, within limits and into one folder."""

from __future__ import annotations

import errno
import lzma
import shutil
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from masam_core.errors import VolumeError

ZIP_FILES = 20_000
ZIP_BYTES = 8 << 30
_CHUNK = 1 << 20
_ENCRYPTED = 0x1  # bit of an entry's flags
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    RuntimeError,
    NotImplementedError,
    EOFError,
    IndexError,
    ValueError,  # among them names that claim to be UTF-8 and are not
)


@dataclass(frozen=True)
class Unpacked:
    """One file of an archive.

    Attributes:
        path: where it lies now; its name is a number and an ending.
        folder, name: where it was in the archive, and its name there.
    """

    path: Path
    folder: str
    name: str


def is_archive(path: Path) -> bool:
    """Whether a file is a zip archive from its first byte on; an image may carry one behind it."""
    try:
        with path.open("rb") as file:
            return file.read(2) == b"PK" and zipfile.is_zipfile(path)
    except (OSError, *_DAMAGE):
        return False


def unpack(archive: Path, folder: Path, most_bytes: int = ZIP_BYTES) -> list[Unpacked]:
    """Unpack a zip archive. Names inside it choose only the ending, never the place.

    Folders, links, and what macOS adds to every archive are left out.

    Raises:
        VolumeError: damaged, encrypted, or more than the limits of files and bytes, whatever the
            archive says of itself; or the disk is full.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            entries = [entry for entry in packed.infolist() if not _is_beside_the_point(entry)]
            _require_room(entries, folder, most_bytes)
            return _unpack(packed, entries, folder, most_bytes)
    except OSError as error:
        words = "there is no space left" if error.errno == errno.ENOSPC else error.strerror or error
        raise VolumeError(f"The archive can't be unpacked: {words}.") from error
    except UnicodeError as error:
        raise VolumeError(
            "The archive can't be unpacked: the names of its files can't be read. Pack it again."
        ) from error
    except _DAMAGE as error:
        raise VolumeError(f"The archive can't be unpacked: {error}. Pack it again.") from error


def _require_room(entries: list[zipfile.ZipInfo], folder: Path, most_bytes: int) -> None:
    """Refuse what is too much by its own words, before anything is written."""
    if len(entries) > ZIP_FILES:
        raise VolumeError(f"The archive holds {len(entries)} files; {ZIP_FILES} at most.")
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise VolumeError("The archive is encrypted. Unpack it yourself first.")
    size = sum(entry.file_size for entry in entries)
    if size > most_bytes:
        raise _too_much(most_bytes)
    free = shutil.disk_usage(folder).free
    if size > free:
        raise VolumeError(
            f"There is no space to unpack the archive: it needs {size / 1e9:.2g} GB of temporary "
            f"storage, and {free / 1e9:.2g} GB are free."
        )


def _unpack(
    packed: zipfile.ZipFile, entries: list[zipfile.ZipInfo], folder: Path, most_bytes: int
) -> list[Unpacked]:
    left = most_bytes
    found = []
    for number, entry in enumerate(entries):
        *folders, name = _parts(entry)
        path = folder / f"{number}{_ending(name)}"
        with packed.open(entry) as inside, path.open("wb") as out:
            while data := inside.read(_CHUNK):
                left -= len(data)
                if left < 0:
                    raise _too_much(most_bytes)
                out.write(data)
        found.append(Unpacked(path, "/".join(folders), name))
    return found


def _too_much(most_bytes: int) -> VolumeError:
    return VolumeError(f"The archive unpacks to more than {most_bytes / 1e9:.0f} GB.")


def _parts(entry: zipfile.ZipInfo) -> list[str]:
    return entry.filename.replace("\\", "/").split("/")


def _ending(name: str) -> str:
    """Ending of a name in an archive, of one part or two (``.nii.gz``); empty where it is odd."""
    suffixes = Path(name).suffixes
    for ending in ("".join(suffixes[-2:]), "".join(suffixes[-1:])):
        plain = ending.replace(".", "")
        if plain.isascii() and plain.isalnum() and len(ending) < 12:
            return ending
    return ""


def _is_beside_the_point(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is a folder, a link, or macOS's own (``__MACOSX/._name``)."""
    *folders, name = _parts(entry)
    mode = entry.external_attr >> 16  # of the system on which it was packed, where that has one
    special = stat.S_IFMT(mode) not in (0, stat.S_IFREG)
    return (
        entry.is_dir()
        or special
        or "__MACOSX" in folders
        or name.startswith("._")
        or name == ".DS_Store"
    )
