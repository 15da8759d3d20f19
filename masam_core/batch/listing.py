"""Cases of a CSV list."""

from __future__ import annotations

import csv
from pathlib import Path

from masam_core.batch.case import BatchCase
from masam_core.batch.pairing import is_prompt
from masam_core.batch.stores import url_of
from masam_core.errors import ConfigError
from masam_core.image.readable import readable
from masam_core.image.volume import stem
from masam_core.prompts.readers.registry import reader_of
from masam_core.prompts.readers.slicer_markups import SLICER_MARKUPS
from masam_core.spreadsheet import read_table


def read_list(path: Path, automatic: bool = False) -> list[BatchCase]:
    """Cases of a CSV list with the columns ``image``, ``boxes`` and optionally ``name``.

    Several files of boxes are divided by ``;``, or by ``|`` where ``;`` divides the columns. Where
    images are segmented whole (``automatic``) the list needs no boxes, and they are left alone.

    Raises:
        ConfigError: no CSV, a column missing, or a row without image or boxes.
    """
    try:
        rows = read_table(path)
    except (OSError, ValueError, csv.Error) as error:
        raise ConfigError(f"{path} can't be read as a CSV list of cases: {error}.") from error
    needed = ("image",) if automatic else ("image", "boxes")
    if automatic and rows and "image" in rows[0]:
        return [_image(path, number, row) for number, row in enumerate(rows, 2)]
    if not rows or not set(needed) <= set(rows[0]):
        raise ConfigError(
            f"{path}: expected the columns {' and '.join(needed)}, and at least one row."
        )
    cases = []
    for number, row in enumerate(rows, 2):
        image, boxes = (row.get("image") or "").strip(), (row.get("boxes") or "").strip()
        if not image or not boxes:
            raise ConfigError(f"{path}, line {number}: image and boxes must both be given.")
        files = _files(path.parent, boxes)
        unknown = [f.name for f in files if reader_of(f) is None]
        if unknown:
            raise ConfigError(
                f"{path}, line {number}: {readable(unknown[0])} is no file of boxes; expected "
                f"{SLICER_MARKUPS.endings[0]} files, or one label image."
            )
        if len(files) > 1 and not all(is_prompt(f) for f in files):
            raise ConfigError(
                f"{path}, line {number}: boxes must be {SLICER_MARKUPS.endings[0]} files, or one "
                "label image."
            )
        target = _place(path.parent, image)
        name = (row.get("name") or "").strip() or stem(target)
        cases.append(BatchCase(name, target, tuple(files)))
    return cases


def _image(path: Path, number: int, row: dict[str, str]) -> BatchCase:
    """A case without boxes; ConfigError for a row without an image."""
    image = (row.get("image") or "").strip()
    if not image:
        raise ConfigError(f"{path}, line {number}: the image must be given.")
    target = _place(path.parent, image)
    return BatchCase((row.get("name") or "").strip() or stem(target), target)


def _files(folder: Path, boxes: str) -> list[Path]:
    """The files of a cell: one whose name has the divider itself, or several."""
    try:
        if (folder / boxes).is_file():
            return [folder / boxes]
    except (OSError, ValueError):  # too long, as the names of several together may be
        pass
    parts = boxes.replace("|", ";").split(";")
    return [_place(folder, part.strip()) for part in parts if part.strip()]


def _place(folder: Path, words: str) -> Path:
    """A file relative to the list's folder, or a place in an object store."""
    return Path(words) if url_of(Path(words)) else folder / words
