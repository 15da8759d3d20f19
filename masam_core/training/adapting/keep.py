"""A new model among the user's own, where panel, workbench and command line find it by name."""

from __future__ import annotations

from pathlib import Path

from masam_core.catalog.entries import ENTRIES
from masam_core.catalog.store import Stored, add, stored
from masam_core.errors import CheckpointError


def require_free(name: str) -> None:
    """Refuse a name that another model has, before anything is computed.

    Raises:
        CheckpointError: it is taken.
    """
    if name in {entry.name for entry in ENTRIES} | {own.name for own in stored()}:
        raise CheckpointError(f"There is a model '{name}' already; choose another name.")


def keep_model(path: Path, name: str) -> Stored:
    """Copy a model into the models' folder under a name that is free.

    Raises:
        CheckpointError: the name is taken or no file name, or the folder can't be written.
    """
    require_free(name)
    return add(path, name)


def free_name(wanted: str) -> str:
    """The wanted name, or with the first number behind it that is free."""
    taken = {entry.name for entry in ENTRIES} | {own.name for own in stored()}
    number, name = 1, wanted
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name
