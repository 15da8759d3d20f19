"""Taking in an image of unknown origin: a file, a folder of slices, or a zip archive of either.

This runs in the process of :mod:`masam_core.image.apart`: a file may bring its reader down.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from masam_core.atomic import atomic_path
from masam_core.errors import VolumeError
from masam_core.image.archive import Unpacked, is_archive, unpack
from masam_core.image.formats.dicom import list_series
from masam_core.image.formats.dicom.headline import headline
from masam_core.image.plain_nrrd import write_plain_nrrd
from masam_core.image.volume import Volume, read_volume

_IMAGES = (".nii", ".nii.gz", ".nrrd", ".mha", ".nhdr", ".mhd", ".hdr")


def take_in(source: Path, target: Path, name: str, series: str | None = None) -> dict[str, Any]:
    """Read an image, a zip archive or a folder, and write the image as uncompressed NRRD.

    Args:
        source: of unknown origin.
        target: the NRRD file; an archive is unpacked beside it for as long as this takes.
        name: for people; messages have it in place of the path.
        series: UID of the DICOM series to take.

    Returns:
        ``name``, ``modality``, ``shape`` (KJI), of DICOM images ``origin`` (see ``headline``) and
        ``images`` (``SourceImages.to_dict``, with the patient's data: to be kept for DICOM results,
        and shown to nobody), and ``notes`` (sentences for the user) where there are any; or
        ``series`` (each with ``uid`` and ``words``) where there are several to choose from, and
        nothing was written.

    Raises:
        VolumeError: see ``read_volume`` and :func:`masam_core.image.archive.unpack`.
    """
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        path = source

        def told(words: object) -> str:
            """Words without the places of this machine."""
            for place in (path, folder, source):
                words = str(words).replace(str(place), f"'{name}'")
            return str(words)

        try:
            detached = False
            if is_archive(source):
                path, detached = _from_archive(source, Path(folder))
            elif path.is_dir():
                path = _the_image(path)
            if path.is_dir() and series is None:
                found = list_series(path)
                if len(found) > 1:
                    return {"series": [{"uid": uid, "words": words} for uid, words in found]}
            volume = read_volume(path, series, detached)
        except VolumeError as error:
            raise VolumeError(told(error)) from error
        _write(volume, target)
    shape = list(volume.array.shape)
    answer: dict[str, Any] = {"name": name, "modality": volume.modality, "shape": shape}
    if volume.geometry.images is not None:
        answer["origin"] = headline(volume.geometry.images)
        answer["images"] = volume.geometry.images.to_dict()
    return {**answer, "notes": [told(n) for n in volume.notes]} if volume.notes else answer


def _from_archive(archive: Path, folder: Path) -> tuple[Path, bool]:
    """Unpack an archive, or the one that is all that it holds.

    Returns:
        The image, or the folder of slices; and whether a header may have its voxels in another
        file, which then can be none but one of the same archive.
    """
    files = unpack(archive, folder)
    if len(files) == 1 and is_archive(files[0].path):
        folder /= "inside"
        folder.mkdir()
        files = unpack(files[0].path, folder)
    image = _the_image(folder)
    if not image.is_dir():
        own = next(file for file in files if file.path == image)
        return _named_again(own, files, folder / "image"), True
    if files and all(is_archive(file.path) for file in files):
        many = "s" if len(files) > 1 else ""
        raise VolumeError(
            f"The archive holds {len(files)} other archive{many}. Unpack it, and open one of them."
        )
    return image, False


def _named_again(own: Unpacked, files: list[Unpacked], folder: Path) -> Path:
    """Move a header, and what lay beside it in its archive, into a folder under their own names.

    A header names the file of its voxels. In this folder there is nothing that was not packed
    beside it.
    """
    folder.mkdir()
    place = own.path
    for file in files:
        plain = Path(file.name).name == file.name and file.name not in ("", "..")
        if file.folder != own.folder or not plain:
            continue
        target = folder / file.name
        # A name that this system can't have: the file stays where it is, under its number.
        with contextlib.suppress(OSError, ValueError):
            if not target.exists():
                file.path.rename(target)
                place = target if file is own else place
    return place


def _the_image(folder: Path) -> Path:
    """A folder of slices as it is; the one image file where it holds just one."""
    images = [p for p in sorted(folder.iterdir()) if p.name.lower().endswith(_IMAGES)]
    if len(images) > 1:
        raise VolumeError(f"There are {len(images)} images; open them one by one.")
    return images[0] if images else folder


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
