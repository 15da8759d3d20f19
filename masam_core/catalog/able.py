"""What the models of the catalogue and of the store do, without loading them."""

from __future__ import annotations

import json
from pathlib import Path

from masam_core.catalog.entries import Entry
from masam_core.catalog.resolve import resolve_model
from masam_core.catalog.store import path_of, stored
from masam_core.errors import ConfigError
from masam_core.model.abilities import Abilities, abilities_of, classes_from_metadata
from masam_core.model.config import ModelConfig
from masam_core.model.evidence import evidence_from_metadata

_MOST_OF_A_HEADER = 16 << 20


def abilities_of_name(name: str) -> Abilities | None:
    """What a model does; None where it can't be told without loading it.

    Args:
        name: of the catalogue or the store, or the path of a weight file.

    Raises:
        CheckpointError, ConfigError: no such model.
    """
    path = resolve_model(name)
    known = next((item.entry for item in stored() if item.path == path), None)
    return abilities_of_entry(known) if known is not None else abilities_of_file(path)


def abilities_of_entry(known: Entry) -> Abilities | None:
    """What a model of the catalogue does: its file knows best, where it says anything."""
    said = abilities_of_file(path_of(known))
    if said is not None:
        return said
    return Abilities(known.asked, not known.asked, False, ())


def abilities_of_file(path: Path) -> Abilities | None:
    """What the model in a weight file does; None where only loading it would tell."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= _MOST_OF_A_HEADER:
                return None
            header = json.loads(file.read(length))
        metadata = {str(k): str(v) for k, v in header["__metadata__"].items()}
        config = ModelConfig.from_json(metadata["config"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ConfigError, RecursionError):
        return None
    if metadata.get("part") == "base":
        return None
    classes = classes_from_metadata(metadata, config)
    evidence = evidence_from_metadata(metadata, config.num_classes)
    return abilities_of(config, metadata.get("prompting", ""), classes, evidence)
