"""What tab and page share, by name; the tab writes it, but for what the user sets there.

``follow``, ``radius``, ``useThreshold``, ``threshold`` (per cent) and ``diameterPlane`` are set in
the page.
"""

from __future__ import annotations

from typing import Any

from masam_core.inference.options import SegmentOptions

STATE: dict[str, Any] = {
    "loading": "",
    "image": "",
    "series": [],
    "presets": [],
    "preset": "",
    "message": "",
    "messageKind": "",
    "busy": False,
    "progress": 0,
    "pending": 0,
    "lesions": [],
    "selected": "",
    "tool": "",
    "radius": 5,
    "follow": True,
    "showMasks": True,
    "useThreshold": False,
    "threshold": 50,
    "diameterPlane": SegmentOptions.diameter_plane.value,
    "undoTitle": "",
    "redoTitle": "",
    "device": "",
    "places": {},
    "download": "",
    "check": {},
}
