"""Series of DICOM images in a folder: list them, choose one, read it as one volume."""

from __future__ import annotations

import filecmp
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from masam_core.errors import VolumeError
from masam_core.image.formats.base import Image, require_size
from masam_core.image.formats.dicom.headers import (
    SEGMENTATION,
    Frame,
    looks_like_dicom,
    open_dataset,
    read_frames,
)
from masam_core.image.formats.dicom.origin import source_images
from masam_core.image.formats.dicom.pixels import read_values
from masam_core.image.formats.dicom.stack import Stack, arrange
from masam_core.image.geometry import Geometry

HEAD_BYTES = 256
_STRAIGHTENED = (
    "{what} was recorded with a tilted gantry ({degrees:.1f} degrees): each slice is shifted "
    "against the one before. They were shifted back within their planes (resampled, linear) to a "
    "straight volume, on which masks are made. DICOM results lie on the original slices, other "
    "files on the straight volume."
)
ENDINGS = (".dcm", ".dicom", ".ima")  # of files that are meant to be DICOM


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
    if len(frames) > 1 and not frames[0].whole:
        return _volume(frames, str(path))
    return read_series(path.parent, series or frames[0].series)


def grid_of_files(paths: Sequence[Path], what: str) -> Geometry:
    """The grid of a series' images, with their names; their voxels are not read.

    Args:
        paths: of the files, in any order.
        what: the series, for messages.

    Raises:
        VolumeError: a damaged file, images that make no regular grid, or a tilted gantry.
    """
    frames = [frame for path in paths for frame in read_frames(path)]
    if not frames:
        raise VolumeError(f"{what} holds no image.")
    stack = _stack(frames, what)
    if stack.tilt is not None:
        raise VolumeError(
            f"{what}: each slice is shifted against the one before (a gantry tilt of "
            f"{stack.tilt.degrees:.1f} degrees), and the program that loaded it may have stacked "
            "or resampled its slices in another way. Segment the series with MASAM's command line "
            "or workbench, which put masks back onto its slices."
        )
    return stack.geometry


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
    others = []
    for path in sorted(folder.iterdir()):
        # What macOS puts beside every file, and the list of a disc's files, are no slices.
        if not path.is_file() or path.name.startswith("._") or path.name.upper() == "DICOMDIR":
            continue
        try:
            with path.open("rb") as file:
                head = file.read(HEAD_BYTES)
            if not looks_like_dicom(head):
                others.append((path, len(head)))
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
    named = {f.path.suffix.lower() for frames in found.values() for f in frames}
    for path, size in others:
        suffix = path.suffix.lower()
        like_slices = suffix in named or suffix[1:].isdigit()
        # A slice that is lost at the end of a stack would leave no gap.
        if found and (suffix in ENDINGS or (not size and like_slices)):
            state = "empty" if not size else "damaged: it does not begin as DICOM does"
            broken.append(VolumeError(f"{path} is {state}. Copy it again, or take it away."))
    return found, broken


def _volume(frames: Sequence[Frame], what: str) -> Image:
    stack = _stack(frames, what)
    values, geometry, notes = read_values(stack.frames, what), stack.geometry, stack.notes
    if stack.tilt is not None:
        straight = replace(stack.tilt.straight, images=geometry.images)
        # Larger by the pixels over which the slices are shifted.
        require_size(stack.frames[0].path, straight.size_ijk, values.dtype.itemsize)
        values = stack.tilt.straightened(values, float(values.min()))
        notes = (*notes, _STRAIGHTENED.format(what=what, degrees=stack.tilt.degrees))
        geometry = straight
    return Image(values, geometry, notes, stack.frames[0].modality or None)


def _stack(frames: Sequence[Frame], what: str) -> Stack:
    """Images in order, their grid with their names, and notes on what was left out."""
    _require_every_part(frames, what)
    single, copies = _without_copies(frames, what)
    stack = arrange(single, what)
    header = open_dataset(stack.frames[0].path, pixels=False)
    images = replace(source_images(stack.frames, header), tilt=stack.tilt)
    geometry = replace(stack.geometry, images=images)
    return replace(stack, geometry=geometry, notes=(*copies, *stack.notes))


def _require_every_part(frames: Sequence[Frame], what: str) -> None:
    """Refuse an image in several files (a concatenation) of which some are not there."""
    for whole in dict.fromkeys(f.whole for f in frames if f.whole):
        mine = [f for f in frames if f.whole == whole]
        there, total = {f.part for f in mine}, max(f.parts for f in mine)
        if total > len(there):
            raise VolumeError(
                f"{what} is incomplete: {len(there)} of {total} files of one image are there. Put "
                "all of them into one folder."
            )


def _without_copies(frames: Sequence[Frame], what: str) -> tuple[list[Frame], tuple[str, ...]]:
    """Leave out files that are there twice, byte by byte, under two names."""
    kept: list[Frame] = []
    copies = []
    first: dict[tuple[str, int], Frame] = {}
    for frame in frames:
        other = first.setdefault((frame.instance, frame.index), frame)
        same = other is not frame and frame.instance and frame.path != other.path
        if same and filecmp.cmp(frame.path, other.path, shallow=False):
            copies.append(frame.path)
        else:
            kept.append(frame)
    if not copies:
        return kept, ()
    count = len(dict.fromkeys(copies))
    files = "1 file is" if count == 1 else f"{count} files are"
    return kept, (f"{what}: {files} there twice (e.g. {copies[0].name}); one of each was read.",)


def _words(frames: Sequence[Frame]) -> str:
    first = frames[0]
    words = [first.modality, first.description, f"{len(frames)} slices"]
    return ", ".join(w for w in words if w)
