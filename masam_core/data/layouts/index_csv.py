"""A CSV file with a row for each case, or a folder that holds it as ``index.csv``."""

from __future__ import annotations

import csv
from pathlib import Path

from masam_core.data.cases import Case
from masam_core.data.rows import REQUIRED, cases_of_rows
from masam_core.errors import ConfigError
from masam_core.spreadsheet import columns_of, read_table

LOOKS_LIKE = "a folder with index.csv, or a CSV file, with the columns case, patient and split"


def recognise(path: Path) -> bool:
    """Recognise a folder with ``index.csv``, a ``.csv`` file, or a file with such a first line."""
    if path.is_dir():
        return (path / "index.csv").is_file()
    if not path.is_file():
        return False
    return path.suffix.lower() == ".csv" or _has_columns(path)


def read(path: Path) -> list[Case]:
    """Read the cases; see :func:`masam_core.data.rows.cases_of_rows`.

    Raises:
        ConfigError: no readable CSV, no rows, or a missing column.
    """
    index = path / "index.csv" if path.is_dir() else path
    try:
        rows = read_table(index)
    except (OSError, ValueError, csv.Error) as error:
        raise ConfigError(f"The case list {index} can't be read as CSV: {error}.") from error
    return cases_of_rows(rows, index)


def _has_columns(path: Path) -> bool:
    try:
        return set(REQUIRED) <= set(columns_of(path))
    except (OSError, ValueError, csv.Error):
        return False
