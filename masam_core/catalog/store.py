"""Folder of downloaded and added checkpoints."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from masam_core.atomic import atomic_path
from masam_core.catalog.bundled import bundled_model_path, resources
from masam_core.catalog.entries import ENTRIES, Entry
from masam_core.digest import sha256_of
from masam_core.errors import CheckpointError
from masam_core.targets import require_folder
from masam_core.whole import Incomplete

WEIGHT_SUFFIXES = (".safetensors", ".pth", ".pt")


@dataclass(frozen=True)
class Stored:
    """A weight file in the store: ``entry`` is None for files that the user added."""

    name: str
    path: Path
    entry: Entry | None


def models_dir() -> Path:
    """The store's folder: ``MASAM_HOME``, else the platform's folder for application data."""
    home = os.environ.get("MASAM_HOME")
    return (Path(home) if home else Path(platformdirs.user_data_dir("masam", False))) / "models"


def path_of(known: Entry) -> Path:
    """File of a catalogue entry, there or not."""
    if known.name != "bundled":
        return models_dir() / known.file
    try:
        return bundled_model_path()
    except CheckpointError:  # an incomplete installation; other models still work
        return resources()[0] / "Models" / known.file


def stored() -> list[Stored]:
    """Every checkpoint that is there: the catalogue's first, then the user's own."""
    found = [Stored(e.name, path_of(e), e) for e in ENTRIES if path_of(e).is_file()]
    known = {e.file for e in ENTRIES}
    folder = models_dir()
    own = sorted(folder.iterdir()) if folder.is_dir() else []
    found += [
        Stored(p.stem, p, None)
        for p in own
        if p.suffix.lower() in WEIGHT_SUFFIXES and p.name not in known
    ]
    return found


def add(source: Path, name: str | None = None) -> Stored:
    """Copy a local weight file into the store.

    Args:
        source: any file that MASAM can load.
        name: catalogue name or a name of the user's own; None takes the file's.

    Raises:
        CheckpointError: no such file, not a weight file, not the published file of that name, a
            name that is taken or no file name, or no room.
    """
    from masam_core.model.checkpoint import inspect_checkpoint

    target = models_dir() / _file_name(source, name)
    known = next((e for e in ENTRIES if e.file == target.name), None)
    digest = inspect_checkpoint(source).sha256
    if known is not None and known.sha256 not in (None, digest):
        raise CheckpointError(
            f"{source} is not the published '{known.name}' (its sha256 is {digest}). Give it "
            "another name with --name."
        )
    require_folder(target.parent, CheckpointError)
    # Any file that can be loaded, also of a torch that did not pack its files yet.
    with atomic_path(target, CheckpointError, inside=False) as temporary:
        shutil.copyfile(source, temporary)
        if sha256_of(temporary) != sha256_of(source):
            raise Incomplete("the copy differs from the file that was copied")
    return Stored(known.name if known else target.stem, target, known)


def _file_name(source: Path, name: str | None) -> str:
    catalogued = {e.name: e.file for e in ENTRIES}
    file = catalogued.get(name or "") or (f"{name}{source.suffix}" if name else source.name)
    if Path(file).name != file or Path(file).suffix.lower() not in WEIGHT_SUFFIXES:
        raise CheckpointError(
            f"'{file}' can't be a model's file name: expected a plain name that ends in "
            f"{', '.join(WEIGHT_SUFFIXES)}."
        )
    if file == catalogued["bundled"]:
        raise CheckpointError("'bundled' is the model that comes with MASAM; choose another name.")
    return file
