"""A split of one's own: a CSV file, or the pickled lists of names that authors publish."""

from __future__ import annotations

import csv
import pickle
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from masam_core.errors import ConfigError
from masam_core.spreadsheet import read_table

SPLITS = ("train", "val", "test")
PICKLES = (".pkl", ".pickle")
MOST_BYTES = 8 << 20


def read_splits(file: Path) -> dict[str, str]:
    """Read the split of each case by its name.

    Args:
        file: CSV with the columns case and split; or a pickle (``.pkl``) of lists and dictionaries
            of names or paths below the words train, val and test, as those of the authors of
            MA-SAM (``preprocessing/split_pancreas.pkl``) and of 3DSAM-adapter
            (``datafile/pancreas/split.pkl``: folds, of which the first is taken). A case's name is
            the file's without folders and endings. Nothing in a pickle is run.

    Raises:
        ConfigError: a file that can't be read, holds anything else, or gives a case two splits.
    """
    return _of_pickle(file) if file.suffix.lower() in PICKLES else _of_csv(file)


def _of_csv(file: Path) -> dict[str, str]:
    try:
        rows = read_table(file)
    except (OSError, ValueError, csv.Error) as error:
        raise ConfigError(f"{file} can't be read as CSV: {error}.") from error
    if not rows or not {"case", "split"} <= set(rows[0]):
        raise ConfigError(f"{file} needs the columns case and split, and a row a case.")
    for row in rows:
        if row["split"] not in SPLITS:
            raise ConfigError(
                f"{file}: {row['case']} has the split '{row['split']}'; expected one of "
                f"{', '.join(SPLITS)}."
            )
    return {row["case"]: row["split"] for row in rows}


class _Plain(pickle.Unpickler):
    """Reads lists, dictionaries, sets, texts and numbers; any other class is refused."""

    def find_class(self, module: str, name: str) -> type:
        if name == "set" and module in ("builtins", "__builtin__"):
            return set
        raise pickle.UnpicklingError(f"it holds {module}.{name}, where names alone are expected")


def _of_pickle(file: Path) -> dict[str, str]:
    try:
        with file.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{file} can't be read: {error}.") from error
    if len(data) > MOST_BYTES:
        raise ConfigError(f"{file} has more than {MOST_BYTES >> 20} MB: it is no list of names.")
    try:
        content = _Plain(BytesIO(data)).load()
    except Exception as error:  # a damaged pickle raises whatever its bytes lead to
        raise ConfigError(f"{file} can't be read as a pickled list of names: {error}.") from error
    fold = _fold(content, set())
    if fold is None:
        raise ConfigError(f"{file} has no lists below the words train and test (or val).")
    found: dict[str, str] = {}
    for split in SPLITS:
        for name in _names(fold.get(split), set()):
            if found.setdefault(name, split) != split:
                raise ConfigError(f"{file} has {name} in both {found[name]} and {split}.")
    return found


def _fold(content: Any, seen: set[int]) -> Mapping[str, Any] | None:
    """The first dictionary that divides cases, looking into folds in their order."""
    if id(content) in seen:  # a pickle may hold itself
        return None
    seen.add(id(content))
    if isinstance(content, dict):
        if "train" in content and {"val", "test"} & set(content):
            return content
        content = list(content.values())
    if isinstance(content, list | tuple):
        return next((fold for part in content if (fold := _fold(part, seen)) is not None), None)
    return None


def _names(content: Any, seen: set[int]) -> Iterator[str]:
    if isinstance(content, str):
        name = content.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
        yield name.split(".", 1)[0]
    elif isinstance(content, dict | list | tuple | set) and id(content) not in seen:
        seen.add(id(content))
        for part in content.items() if isinstance(content, dict) else content:
            yield from _names(part, seen)
