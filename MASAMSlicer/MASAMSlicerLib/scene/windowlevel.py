"""Window and level: how grey values are shown."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer

from masam_core.image.hounsfield import seen_values
from masam_core.image.intensity import finite_sample, guess_modality

from .volumes import modalityOf

# Window and level in Hounsfield units.
CT = {
    "Soft tissue": (400.0, 40.0),
    "Abdomen": (350.0, 50.0),
    "Liver": (150.0, 90.0),
    "Lung": (1500.0, -600.0),
    "Mediastinum": (350.0, 40.0),
    "Brain": (80.0, 40.0),
    "Bone": (1800.0, 400.0),
}
# Percentiles of the values above the least one, which is background.
OTHER = {"Balanced": (0.5, 99.5), "High contrast": (5.0, 95.0), "Full range": (0.0, 100.0)}


def presetsOf(volumeNode: Any) -> dict[str, tuple[float, float]]:
    """The presets that fit a volume, the best first: name to (window, level)."""
    values = slicer.util.arrayFromVolume(volumeNode)
    if guess_modality(values, modalityOf(volumeNode)) == "CT":
        return dict(CT)
    flat = seen_values(finite_sample(values))
    inside = flat[flat > flat.min()] if flat.size else flat
    if not inside.size:
        return {"Full range": (1.0, float(flat.min()) if flat.size else 0.0)}
    found = {}
    for name, ends in OTHER.items():
        low, high = np.percentile(inside, ends)
        found[name] = (max(float(high - low), 1e-6), float(high + low) / 2)
    return found


def applyPreset(volumeNode: Any, name: str) -> None:
    """Show a volume with one of its presets; an unknown name changes nothing."""
    chosen = presetsOf(volumeNode).get(name)
    if chosen is None:
        return
    if volumeNode.GetDisplayNode() is None:
        volumeNode.CreateDefaultDisplayNodes()
    display = volumeNode.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevel(*chosen)
