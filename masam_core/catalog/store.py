"""Where downloaded and added checkpoints lie."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from masam_core.atomic import atomic_path
from masam_core.catalog.bundled import bundled_model_path
from masam_core.catalog.entries import ENTRIES, Entry, entry
from masam_core.errors import CheckpointError

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
    """Where a catalogue entry lies, or would lie."""
    return bundled_model_path() if known.name == "bundled" else models_dir() / known.file


def stored() -> list[Stored]:
    """Every checkpoint that is there: the catalogue's first, then the user's own."""
    found = [Stored(e.name, path_of(e), e) for e in ENTRIES if path_of(e).is_file()]
    known = {e.file for e in ENTRIES}
    folder = models_dir()
    own = sorted(folder.iterdir()) if folder.is_dir() else []
    found += [
        Stored(p.stem, p, None) for p in own if p.suffix in WEIGHT_SUFFIXES and p.name not in known
    ]
    return found


def add(source: Path, name: str | None = None) -> Stored:
    """Copy a local weight file into the store.

    Args:
        source: any file that MASAM can load.
        name: catalogue name or a name of the user's own; None takes the file's.

    Raises:
        CheckpointError: no such file, not a weight file, or no room.
    """
    from masam_core.model.checkpoint import inspect_checkpoint

    inspect_checkpoint(source)
    catalogued = {e.name: e for e in ENTRIES}
    if name in catalogued:
        target = models_dir() / entry(name).file
    else:
        target = models_dir() / (f"{name}{source.suffix}" if name else source.name)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(target) as temporary:
            shutil.copyfile(source, temporary)
    except OSError as error:
        raise CheckpointError(
            f"{source} could not be copied to {target.parent}: {error.strerror or error}."
        ) from error
    known = next((e for e in ENTRIES if e.file == target.name), None)
    return Stored(known.name if known else target.stem, target, known)
