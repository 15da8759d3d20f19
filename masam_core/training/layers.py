"""Layers of a training run's settings: a YAML file, or ``--set`` on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from masam_core.data.yaml_file import read_yaml_file, read_yaml_text
from masam_core.errors import ConfigError
from masam_core.schema import check, merged_entries
from masam_core.training.settings import TrainConfig

MOST_BYTES = 256 << 10
_KIND = "configuration of a training run, which needs 2 kB"


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a configuration file; relative paths in it start from its folder.

    Returns:
        What it sets, checked; nested as :class:`TrainConfig` is.

    Raises:
        ConfigError: no such file, too large a one, no YAML mapping, an unknown entry or a value of
            a wrong type; names file and entry.
    """
    path = Path(path)
    values = read_yaml_file(path, _KIND, MOST_BYTES)
    if not isinstance(values, dict):
        raise ConfigError(f"The configuration {path} must be a list of 'name: value' entries.")
    checked: dict[str, Any] = check(
        TrainConfig, {str(name): value for name, value in values.items()}, str(path), path.parent
    )
    return checked


def configuration_text(path: Path) -> str:
    """What a configuration file says, as it is written; ConfigError as of :func:`read_yaml`."""
    return read_yaml_text(path, _KIND, MOST_BYTES)


def read_overrides(texts: Sequence[str]) -> dict[str, Any]:
    """Read ``entry=value`` texts; dots lead into groups, values are written as in YAML.

    >>> read_overrides(["model.image_size=512", "lr=4e-4", "prompts=null"])
    {'model': {'image_size': 512}, 'lr': 0.0004, 'prompts': None}

    Raises:
        ConfigError: no ``=``, a value that is no YAML, an unknown entry (the message says which
            ones are alike), a value of a wrong type, or an entry that is set twice.
    """
    import yaml

    out: dict[str, Any] = {}
    seen: set[str] = set()
    for text in texts:
        name, separator, value = (part.strip() for part in text.partition("="))
        if not separator or not name:
            raise ConfigError(f"--set {text}: expected ENTRY=VALUE, such as model.image_size=512.")
        if name in seen:
            raise ConfigError(f"--set {name} is given twice.")
        seen.add(name)
        try:
            content = yaml.safe_load(value)
        except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
            raise ConfigError(f"--set {text}: '{value}' can't be read: {error}") from error
        layer: Any = content
        for part in reversed(name.split(".")):
            layer = {part: layer}
        out = merged_entries(out, check(TrainConfig, layer, "--set"))
    return out
