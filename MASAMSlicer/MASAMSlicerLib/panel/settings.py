"""Settings of this machine (QSettings), as opposed to those of the scene (parameter node)."""

from __future__ import annotations

import qt

from masam_core.catalog.choice import ModelChoice
from masam_core.limits import CACHE_MB, Limits

GROUP = "MASAM/"
LIMITS = {"cacheMB": CACHE_MB, "addPyTorch": Limits("way to PyTorch", 0, 1)}
DEFAULTS = {
    "device": ModelChoice.device,
    "workerCommand": "",
    "cacheMB": ModelChoice.cache_bytes >> 20,
    "wheels": "",
    "addPyTorch": 0,  # 1: its extension is installed, and waits for a restart
    "improveFolder": "",
}


def read(name: str) -> str | int:
    """A setting, within its limits; its default where it was never set or is damaged."""
    default = DEFAULTS[name]
    value = qt.QSettings().value(GROUP + name, default)
    if isinstance(default, int):
        try:
            return int(LIMITS[name].nearest(int(value)))
        except (TypeError, ValueError):
            return default
    return str(value)


def write(name: str, value: str | int) -> None:
    """Keep a setting for the next start."""
    if name not in DEFAULTS:
        raise KeyError(name)
    qt.QSettings().setValue(GROUP + name, value)
