"""A JSON file with a list of objects, which are the rows of ``index_csv``."""

from __future__ import annotations

from pathlib import Path

from masam_core.data.cases import Case
from masam_core.data.rows import cases_of_rows
from masam_core.errors import ConfigError
from masam_core.jsonfile import read_json

LOOKS_LIKE = "a JSON file with a list of objects that have case, patient and split"


def recognise(path: Path) -> bool:
    """Recognise a ``.json`` file, or a folder with ``dataset.json``; other layouts come first."""
    return _file(path).is_file() and _file(path).suffix.lower() == ".json"


def read(path: Path) -> list[Case]:
    """Read the cases; see :func:`masam_core.data.rows.cases_of_rows`.

    Raises:
        ConfigError: no JSON, no list of objects, no rows, or a missing entry.
    """
    file = _file(path)
    content = read_json(file, "case list")
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise ConfigError(
            f"{file} is no case list: expected a list of objects with case, patient and split, or "
            "a dataset.json with 'training' pairs."
        )
    return cases_of_rows(content, file)


def _file(path: Path) -> Path:
    return path / "dataset.json" if path.is_dir() else path
