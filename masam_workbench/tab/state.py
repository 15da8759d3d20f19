"""What tab and page share, by name: the tab writes it, the page shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from masam_core.catalog.choice import ModelChoice
from masam_core.inference.options import SegmentOptions

STATE: dict[str, Any] = {
    "loading": "",
    "image": None,
    "series": [],
    "message": "",
    "messageKind": "",
    "messages": [],
    "busy": False,
    "progress": 0,
    "pending": 0,
    "lesions": [],
    "selected": "",
    "tool": "none",
    "follow": True,
    "showMasks": True,
    "useThreshold": False,
    "threshold": 50,
    "diameterPlane": SegmentOptions.diameter_plane.value,
    "undoTitle": "",
    "redoTitle": "",
    "device": "",
    "download": "",
    "check": {},
    "saved": True,
    "works": [],
    "improve": {},
    "pacs": {},
    "earlier": None,
    "followup": {},
    "course": {},
    "link": {},
    "automatic": {},
    "structures": [],
    "models": [],
    "model": ModelChoice.model,
}


class State:
    """Values by name, as attributes; whoever listens hears of each that has changed.

    Args:
        values: to begin with.

    >>> heard = []
    >>> state = State({"busy": False})
    >>> state.listen(heard.append)
    >>> state.busy = False
    >>> state.busy = True
    >>> heard
    ['busy']
    """

    _values: dict[str, Any]
    _listeners: list[Callable[[str], None]]

    def __init__(self, values: dict[str, Any]) -> None:
        object.__setattr__(self, "_values", dict(values))
        object.__setattr__(self, "_listeners", [])

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._values and self._values[name] == value:
            return
        self._values[name] = value
        for hear in self._listeners:
            hear(name)

    def listen(self, hear: Callable[[str], None]) -> None:
        """Have a function called with the name of each value that changes."""
        self._listeners.append(hear)

    def values(self) -> dict[str, Any]:
        """All, by name."""
        return dict(self._values)
