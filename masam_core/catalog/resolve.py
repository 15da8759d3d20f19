"""Weight file of what the user typed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from masam_core.catalog.converted import DESCRIPTION, is_converted
from masam_core.catalog.entries import ENTRIES, entry
from masam_core.catalog.store import WEIGHT_SUFFIXES, path_of, stored
from masam_core.errors import CheckpointError

if TYPE_CHECKING:
    from masam_core.model.masam import MASAM


def resolve_model(name: str) -> Path:
    """The file of a catalogue name, of a file in the store, or of a path; of a folder for OpenVINO
    the one that stands for it.

    Raises:
        CheckpointError: a catalogue entry that is not downloaded yet, or a missing file.
        ConfigError: an unknown name.
    """
    path = Path(name)
    if is_converted(path):
        return path / DESCRIPTION
    if path.suffix.lower() in WEIGHT_SUFFIXES or path.is_file():
        if not path.is_file():
            raise CheckpointError(f"There is no weight file at {path}.")
        return path
    for item in stored():
        if item.name == name:
            return item.path
    known = entry(name)
    how = known.how or f"Get it with: masam models download {known.name}"
    raise CheckpointError(f"The model '{name}' is not here yet. {how}")


def load_by_name(name: str, base: Path | None = None) -> MASAM:
    """The model of a catalogue name, of a file in the store, or of a path, with its backbone.

    Raises:
        CheckpointError, ConfigError: see :func:`resolve_model` and ``load_model``.
    """
    from masam_core.model.checkpoint import load_model  # torch only when it is needed

    path = resolve_model(name)
    return load_model(path, base=resolve_base(path, base))


def resolve_base(model: Path, wanted: Path | None) -> Path | None:
    """The backbone file for a model: what the user gave, else what the catalogue says it needs."""
    if wanted is not None:
        return resolve_model(str(wanted))
    for known in ENTRIES:
        if known.needs and model == path_of(known):
            base = path_of(entry(known.needs))
            return base if base.is_file() else None
    return None
