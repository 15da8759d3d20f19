"""Settings that come with a scene: what is out of range is brought back, and said.

A parameter node checks what is set, not what a file brings. A scene of an older MASAM, or one that
was edited by hand, may hold a margin of -7 mm; the panel must open all the same, and must not show
another number than the one that the next run takes.
"""

from __future__ import annotations

from typing import Any

from masam_core.inference.options import SegmentOptions
from masam_core.inference.quality import Quality
from masam_core.lesion.cleaning_options import Keep, PostprocessOptions
from masam_core.lesion.diameter_plane import DiameterPlane
from masam_core.limits import MARGIN_MM, SMOOTH_MM, THRESHOLD

from ..translation import tr as _

# What each may be, and what it is at first: as in the core. The model's own threshold counts until
# another is asked for; the slider begins in the middle.
NUMBERS = {
    "threshold": (THRESHOLD, 0.5),
    "marginMm": (MARGIN_MM, SegmentOptions.margin_mm),
    "smoothMm": (SMOOTH_MM, PostprocessOptions.smooth_mm),
}
CHOICES = {
    "quality": (Quality.words(), SegmentOptions.quality.value),
    "keep": (Keep.words(), PostprocessOptions.keep.value),
    "diameterPlane": (DiameterPlane.words(), SegmentOptions.diameter_plane.value),
}


def putRight(parameterNode: Any) -> list[str]:
    """Replace settings that can't be used by the nearest ones that can.

    Args:
        parameterNode: vtkMRMLScriptedModuleNode.

    Returns:
        What was replaced, in the user's words.
    """
    notes = []
    for name, (limits, default) in NUMBERS.items():
        text = parameterNode.GetParameter(name)
        try:
            used = limits.nearest(float(text))
            if used == float(text):
                continue
        except ValueError:  # a text, or no number at all
            used = default
        notes += _replace(parameterNode, name, limits.name, str(used), limits.words)
    for name, (known, usual) in CHOICES.items():
        if parameterNode.GetParameter(name) not in known:
            notes += _replace(parameterNode, name, name, usual, ", ".join(known))
    return notes


def _replace(node: Any, parameter: str, name: str, value: str, expected: str) -> list[str]:
    """Set a parameter; a note, unless it was simply not there."""
    text, wasThere = node.GetParameter(parameter), node.HasParameter(parameter)
    node.SetParameter(parameter, value)
    words = _("The scene says {name} = {text}; expected {expected}. {value} is used.")
    found = words.format(name=name, text=text, expected=expected, value=value)
    return [found] if wasThere else []
