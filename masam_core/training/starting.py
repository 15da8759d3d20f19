"""A run that goes on from a model: its shape and its backbone are that model's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from masam_core.catalog.resolve import resolve_base, resolve_model
from masam_core.errors import CheckpointError
from masam_core.model.formats.format import WeightFile
from masam_core.model.formats.own import OwnFormat
from masam_core.model.formats.registry import format_of


def start_layer(name: str, base: Path | None = None) -> dict[str, Any]:
    """Settings of a run that goes on from a model, as a layer for ``settings.build_config``.

    Args:
        name: 'bundled', a catalogue name, a name in the models' folder, or a file.
        base: its backbone file, where that is not found by itself.

    Returns:
        ``start_from``, ``base`` and ``model``.

    Raises:
        CheckpointError: no such model, or none of MASAM's own files.
    """
    path = resolve_model(name)
    file = WeightFile.read(path)
    known = format_of(file)
    if not isinstance(known, OwnFormat):
        raise CheckpointError(
            f"{path} is {known.title}; a run of this preset goes on from a model of MASAM "
            "(.safetensors)."
        )
    stands_on = known.base(file, resolve_base(path, base))
    return {
        "start_from": path,
        "base": path if stands_on is None else stands_on.path,
        "model": known.config(file).to_dict(),
    }
