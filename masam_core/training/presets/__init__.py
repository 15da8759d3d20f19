"""Named training runs: a YAML file each, read as layers for ``training.settings.build_config``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from masam_core.errors import ConfigError

_FOLDER = Path(__file__).parent
PRESETS = tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))
DEFAULT = "tumour-box-small"  # the bundled model's


def preset(name: str) -> dict[str, Any]:
    """Read the entries of a preset.

    Raises:
        ConfigError: an unknown name; the message says the known ones.
    """
    from masam_core.training.layers import read_yaml

    if name not in PRESETS:
        raise ConfigError(f"Unknown preset '{name}'; expected one of {', '.join(PRESETS)}.")
    return read_yaml(_FOLDER / f"{name}.yaml")
