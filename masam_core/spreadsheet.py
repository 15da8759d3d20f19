"""CSV tables: no cell that a spreadsheet runs as a formula, and read as Excel writes them."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import TextIO

from masam_core.atomic import atomic_path, checked, write_text
from masam_core.digest import sha256_of
from masam_core.errors import MasamError, WriteError

MOST_OF_A_LINE = 1 << 16
MOST_BYTES = 1 << 30  # a million rows have some 200 MB
BOM = "\ufeff"  # without it Excel garbles accented names
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# What begins a formula; tab and return are dropped by spreadsheets, which then see what follows.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def write_table(
    path: Path,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    raises: type[MasamError] = WriteError,
    mark: bool = True,
) -> None:
    """Write a table as CSV in UTF-8.

    Args:
        path: of the file.
        columns: first line.
        rows: cells; None is an empty one.
        raises: class of the error.
        mark: begin with a byte order mark, which Excel needs and other programs may not know.

    Raises:
        WriteError (or ``raises``): the file can't be written.
    """
    write_text(path, BOM * mark + lines([columns, *rows]), raises)


def write_long_table(
    path: Path,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    raises: type[MasamError] = WriteError,
) -> None:
    """Write a table as :func:`write_table` does, without ever holding it whole in memory."""
    with atomic_path(path, raises) as temporary:
        digest = hashlib.sha256()
        with temporary.open("wb") as file:
            for number, row in enumerate(chain([columns], rows)):
                text = BOM * (number == 0) + lines([row])
                data = text.encode("utf-8", "backslashreplace")
                digest.update(data)
                file.write(data)
        checked(temporary, lambda written: sha256_of(written) == digest.hexdigest())


def lines(rows: Iterable[Sequence[object]]) -> str:
    """Rows as lines of CSV."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([defused(cell) for cell in row] for row in rows)
    return out.getvalue()


def defused(value: object) -> str:
    """Text of a cell that no spreadsheet runs as a formula: an apostrophe goes before it."""
    if value is None:
        return ""
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text


def read_table(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file by column, in whichever way a spreadsheet has written it.

    Columns are divided by comma, semicolon (as Excel does where the comma is the decimal mark) or
    tab: whichever the first line holds most often. A line ``sep=;`` before it counts. Letters are
    UTF-8, UTF-16 with its mark (Excel's "Unicode text"), or else those of Windows (cp1252).

    Raises:
        OSError, ValueError, csv.Error: it can't be read, is too large, or is no text.
    """
    with path.open(newline="", encoding=_encoding(path)) as file:
        size = os.fstat(file.fileno()).st_size
        if size > MOST_BYTES:
            raise ValueError(
                f"it has {size / 1e9:.1f} GB, and a table may have {MOST_BYTES >> 30} GB"
            )
        columns, rest = _begin(file)
        rows = [dict(zip_longest(columns, row[: len(columns)], fillvalue="")) for row in rest]
    return [row for row in rows if any(row.values())]


def columns_of(path: Path) -> list[str]:
    """The names of a CSV file's columns; raises as :func:`read_table`."""
    with path.open(newline="", encoding=_encoding(path)) as file:
        return _begin(file)[0]


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        first = file.read(MOST_OF_A_LINE)
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(first)  # a letter may be cut off at the end
    except UnicodeDecodeError:
        return "utf-8-sig" if b"\0" in first else "cp1252"  # zeros are in no text of 8 bits
    return "utf-8-sig"


def _begin(file: TextIO) -> tuple[list[str], Iterator[list[str]]]:
    first = file.readline(MOST_OF_A_LINE)
    told = re.fullmatch(r'"?sep=(.)"?', first.strip("\r\n"))
    if not told:
        file.seek(0)
    rows = csv.reader(file, delimiter=told[1] if told else max(",;\t", key=first.count))
    return [column.strip() for column in next(rows, [])], rows
