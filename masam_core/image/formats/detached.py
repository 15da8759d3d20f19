"""Voxels in a file beside their header: found in the header's own folder, and nowhere else."""

from __future__ import annotations

from pathlib import Path

from masam_core.errors import VolumeError


def beside(header: Path, name: str, detached: bool) -> Path:
    """File that a header names.

    A header could name any file that the process may read, and its bytes would be shown as an
    image. So only the header's own folder counts, after links are resolved.

    Args:
        header: the file that names the other.
        name: as the header has it.
        detached: whether a second file is allowed at all; not in uploads.

    Raises:
        VolumeError: not allowed, elsewhere, or missing.
    """
    shown = name[:80]
    if not detached:
        raise VolumeError(
            f"{header} keeps its voxels in another file ('{shown}'), which is not read from an "
            "upload. Save the image as one file, e.g. .nii.gz, .nrrd or .mha, or pack both into "
            "one zip archive."
        )
    plain = name.replace("\\", "/").removeprefix("./")
    if not plain or "/" in plain or "\0" in plain or plain in (".", ".."):
        raise VolumeError(
            f"{header} names the file '{shown}' for its voxels. Only a file in the header's own "
            "folder is read; put both into one folder, and name it there without a path."
        )
    target = header.parent / plain
    try:
        inside = target.resolve().parent == header.resolve().parent
        there = target.is_file()
    except (OSError, ValueError, RuntimeError):
        inside = there = False
    if there and not inside:
        raise VolumeError(
            f"{header} names the file '{shown}' for its voxels, a link that leads out of the "
            "header's folder. Put the file itself there."
        )
    if not there:
        raise VolumeError(
            f"{header} is incomplete: its voxels should lie in '{shown}' beside it, which is not "
            "there. Copy both files."
        )
    return target
