"""Letting Qt work, and taking its picture."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOM = 60  # labels that wrap need more than a layout asks for


def process(until: Callable[[], bool] | float, seconds: float = 60.0) -> None:
    """Let Qt work until something is so, or for some seconds.

    Raises:
        TimeoutError: it was not so within ``seconds``.
    """
    from PySide6 import QtWidgets

    application = QtWidgets.QApplication.instance()
    began = time.monotonic()
    limit = seconds if callable(until) else until
    while time.monotonic() - began < limit:
        application.processEvents()
        if callable(until) and until():
            return
        time.sleep(0.005)
    if callable(until):
        raise TimeoutError(f"It was not so within {seconds} seconds")


def grab(widget: Any, path: Path, width: int) -> None:
    """A picture of a widget, in a window tall enough for all of it."""
    window = widget.window()
    window.resize(width, 100)
    window.show()
    process(0.1)
    wrapped = window.layout().totalHeightForWidth(width) if window.layout() is not None else 0
    window.resize(width, max(window.sizeHint().height(), wrapped) + ROOM)
    process(0.1)
    widget.grab().save(str(path))
