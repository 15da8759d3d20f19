"""Reading a file of unknown origin in a process of its own.

    python -m masam_core.image.intake FILE OUT.nrrd [NAME [SERIES]]

FILE is an image, a zip archive or a folder; the image is written uncompressed to OUT.nrrd, and one
JSON object to standard output: ``name``, ``modality``, ``shape`` (KJI), and ``notes`` (sentences
for the user) where there are any; ``series`` (each with ``uid`` and ``words``) where there are
several to choose from; or ``error`` in the user's words. Voxels in a second file, which a header
names, are never read here.

A file that brings its reader down ends this process and no other; a reader that takes too much
memory is stopped by the system.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, TextIO

from masam_core.atomic import atomic_path
from masam_core.errors import MasamError, VolumeError
from masam_core.image.formats.dicom import list_series
from masam_core.image.plain_nrrd import write_plain_nrrd
from masam_core.image.volume import Volume, read_volume, stem

MEMORY_BYTES = 16 << 30
ZIP_FILES = 20_000
ZIP_BYTES = 8 << 30
_CHUNK = 1 << 20


def main(arguments: list[str]) -> int:
    """Read, write, and say what it was; 0 where an image was written or a series is to choose."""
    source, target = Path(arguments[0]), Path(arguments[1])
    name = arguments[2] if len(arguments) > 2 else stem(source)
    series = arguments[3] if len(arguments) > 3 else None
    limit_memory()
    out = own_output()
    try:
        answer = take_in(source, target, name, series)
    except MasamError as error:
        answer = {"error": str(error)}
    except MemoryError:
        answer = {"error": f"'{name}' is too large for this machine's memory."}
    except OSError as error:
        answer = {"error": f"'{name}' could not be taken in: {error.strerror or error}."}
    print(json.dumps(answer), file=out, flush=True)
    return 1 if "error" in answer else 0


def take_in(source: Path, target: Path, name: str, series: str | None = None) -> dict[str, Any]:
    """Read an image, a zip archive or a folder, and write the image as NRRD.

    Args:
        source: of unknown origin.
        target: the NRRD file.
        name: for people; messages have it in place of the path.
        series: UID of the DICOM series to take.

    Returns:
        See above.

    Raises:
        VolumeError: see ``read_volume`` and :func:`unpack`.
    """
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        path = source

        def told(words: object) -> str:
            """Words without the places of this machine."""
            for place in (path, folder, source):
                words = str(words).replace(str(place), f"'{name}'")
            return str(words)

        if zipfile.is_zipfile(source):
            unpack(source, Path(folder))
            path = Path(folder)
        try:
            path = _the_image(path) if path.is_dir() else path
            if path.is_dir() and series is None:
                found = list_series(path)
                if len(found) > 1:
                    return {"series": [{"uid": uid, "words": words} for uid, words in found]}
            volume = read_volume(path, series, False)
        except VolumeError as error:
            raise VolumeError(told(error)) from error
        _write(volume, target)
    answer = {"name": name, "modality": volume.modality, "shape": list(volume.array.shape)}
    return {**answer, "notes": [told(n) for n in volume.notes]} if volume.notes else answer


def unpack(archive: Path, folder: Path, most_bytes: int = ZIP_BYTES) -> None:
    """Unpack a zip archive. Names inside it choose only the ending, never the place.

    Raises:
        VolumeError: damaged, encrypted, or more than the limits of files and bytes, whatever the
            archive says of itself.
    """
    left = most_bytes
    try:
        with zipfile.ZipFile(archive) as packed:
            entries = [entry for entry in packed.infolist() if not _is_beside_the_point(entry)]
            if len(entries) > ZIP_FILES:
                raise VolumeError(f"The archive holds {len(entries)} files; {ZIP_FILES} at most.")
            for number, entry in enumerate(entries):
                ending = _ending(entry.filename)
                with packed.open(entry) as inside, (folder / f"{number}{ending}").open("wb") as out:
                    while data := inside.read(_CHUNK):
                        left -= len(data)
                        if left < 0:
                            limit = most_bytes / 1e9
                            raise VolumeError(f"The archive unpacks to more than {limit:.0f} GB.")
                        out.write(data)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError) as error:
        raise VolumeError(f"The archive can't be unpacked: {error}.") from error


def _ending(name: str) -> str:
    """Ending of a name in an archive, of one part or two (``.nii.gz``); empty where it is odd."""
    suffixes = Path(name).suffixes
    for ending in ("".join(suffixes[-2:]), "".join(suffixes[-1:])):
        if ending.replace(".", "").isalnum() and len(ending) < 12:
            return ending
    return ""


def _is_beside_the_point(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is a folder, or what macOS adds to every archive (``__MACOSX/._name``)."""
    *folders, name = entry.filename.replace("\\", "/").split("/")
    return entry.is_dir() or "__MACOSX" in folders or name.startswith("._") or name == ".DS_Store"


def _the_image(folder: Path) -> Path:
    """A folder of slices as it is; the one image file where it holds just one."""
    images = [p for p in sorted(folder.iterdir()) if p.name.lower().endswith(_IMAGES)]
    if len(images) > 1:
        raise VolumeError(f"There are {len(images)} images; open them one by one.")
    return images[0] if images else folder


_IMAGES = (".nii", ".nii.gz", ".nrrd", ".mha", ".nhdr", ".mhd", ".hdr")


def _write(volume: Volume, target: Path) -> None:
    try:
        free = shutil.disk_usage(target.parent).free
        if free < volume.array.nbytes:
            raise VolumeError(
                f"There is no space for the image: it needs {volume.array.nbytes / 1e9:.2g} GB of "
                f"temporary storage, and {free / 1e9:.2g} GB are free."
            )
        with atomic_path(target) as temporary:
            write_plain_nrrd(temporary, volume.array, volume.geometry)
    except OSError as error:
        raise VolumeError(
            "The image was read, but this machine's temporary folder can't be written: it is full "
            "or protected."
        ) from error


def own_output() -> TextIO:
    """Standard output for the answer alone: what libraries write there goes to standard error."""
    own = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return own


def limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # not on every system
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
