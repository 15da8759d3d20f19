"""Keys of the module, while it is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import qt


class Shortcuts:
    """Keys of a whole window: a view that was clicked has the keyboard, not the panel.

    A text field that is being typed in keeps its letters, as Qt offers them to it first.

    Args:
        window: in which they work, whichever of its widgets has the keyboard.
        keys: what each does, by the key's name.
    """

    def __init__(self, window: Any, keys: Mapping[str, Callable[[], object]]) -> None:
        self._shortcuts: list[Any] = []
        for key, action in keys.items():
            shortcut = qt.QShortcut(qt.QKeySequence(key), window)
            shortcut.context = qt.Qt.WindowShortcut
            shortcut.activated.connect(action)
            # Where a menu of the window has the same key, Qt asks both in turn.
            shortcut.activatedAmbiguously.connect(action)
            shortcut.enabled = False
            self._shortcuts.append(shortcut)

    def enable(self, enabled: bool) -> None:
        """Take the keys, or give them back to the rest of Slicer."""
        for shortcut in self._shortcuts:
            shortcut.enabled = enabled

    def remove(self) -> None:
        """Leave nothing in the window, which outlives the module."""
        self.enable(False)
        for shortcut in self._shortcuts:
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._shortcuts = []
