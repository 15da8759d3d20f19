"""Combo boxes whose entries have a value behind their words."""

from __future__ import annotations

from typing import Any


def fill(box: Any, entries: dict[str, str]) -> None:
    """Fill a combo box with words, each with its value behind it."""
    box.clear()
    for value, words in entries.items():
        box.addItem(words, value)


def choose(box: Any, value: str) -> None:
    """Show a value in a combo box that was filled with :func:`fill`."""
    index = box.findData(value)
    if index >= 0 and box.currentIndex != index:
        box.currentIndex = index
