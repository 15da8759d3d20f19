"""Series of DICOM images in a folder: list them, choose one, read it as one volume."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from masam_core.errors import VolumeError
from masam_core.image.formats.base import Image
from masam_core.image.formats.dicom.headers import (
    SEGMENTATION,
    Frame,
    looks_like_dicom,
    read_frames,
)
from masam_core.image.formats.dicom.pixels import read_values
from masam_core.image.formats.dicom.stack import arrange

HEAD_BYTES = 256


def read_series(folder: Path, series: str | None = None) -> Image:
    """Read a series as a volume.

    Args:
        folder: that directly holds the slices.
        series: SeriesInstanceUID, needed where the folder holds several.

    Raises:
        VolumeError: no DICOM, several series to choose from, an unknown series, a damaged file,
            images that make no regular grid.
    """
    if not folder.is_dir():
        raise VolumeError(f"There is nothing at {folder}.")
    found, broken = _scan(folder)
    if not found and not broken:
        raise VolumeError(
            f"The folder {folder} holds no DICOM image series. Give the folder that directly holds "
            "the slices."
        )
    if series is not None and series not in found:
        raise VolumeError(f"The folder {folder} has no series {series}; it has {', '.join(found)}.")
    if series is None and len(found) > 1:
        listing = "; ".join(f"{uid} ({_words(found[uid])})" for uid in sorted(found))
        raise VolumeError(
            f"The folder {folder} holds {len(found)} series. Choose one by its UID, or keep one "
            f"series a folder: {listing}"
        )
    if broken:  # of which series nobody knows
        raise broken[0]
    chosen = next(iter(found)) if series is None else series
    return _volume(found[chosen], f"The DICOM series in {folder}")


def read_file(path: Path, series: str | None = None) -> Image:
    """Read the volume to which a file belongs: its own frames, or the series beside it.

    Args:
        path: of one DICOM file.
        series: as for :func:`read_series`.

    Raises:
        VolumeError: see :func:`read_series`; or no image.
    """
    frames = read_frames(path)
    if not frames:
        raise VolumeError(f"{path} is a DICOM file without an image; give the image series.")
    if frames[0].modality == SEGMENTATION:
        raise VolumeError(f"{path} is a DICOM segmentation, not an image; give the image series.")
    if len(frames) > 1:
        return _volume(frames, str(path))
    return read_series(path.parent, series or frames[0].series)


def list_series(folder: Path) -> list[tuple[str, str]]:
    """The image series directly in a folder: UID, and words for people; most images first."""
    found, _ = _scan(folder)
    rows = [(len(frames), uid, _words(frames)) for uid, frames in found.items()]
    rows.sort(key=lambda row: (-row[0], row[2]))
    return [(uid, words) for _, uid, words in rows]


def _scan(folder: Path) -> tuple[dict[str, list[Frame]], list[VolumeError]]:
    """Images by series, and what was said of files that are damaged."""
    found: dict[str, list[Frame]] = {}
    broken = []
    for path in sorted(folder.iterdir()):
        if not path.is_file():
            continue
        try:
            with path.open("rb") as file:
                if not looks_like_dicom(file.read(HEAD_BYTES)):
                    continue
            frames = read_frames(path)
        except OSError as error:
            broken.append(VolumeError(f"{path} can't be read: {error.strerror or error}."))
            continue
        except VolumeError as error:
            broken.append(error)
            continue
        for frame in frames:
            if frame.modality != SEGMENTATION:
                found.setdefault(frame.series, []).append(frame)
    return found, broken


def _volume(frames: Sequence[Frame], what: str) -> Image:
    ordered, geometry, notes = arrange(frames, what)
    values = read_values(ordered, what)
    return Image(values, geometry, notes, ordered[0].modality or None)


def _words(frames: Sequence[Frame]) -> str:
    first = frames[0]
    words = [first.modality, first.description, f"{len(frames)} slices"]
    return ", ".join(w for w in words if w)
