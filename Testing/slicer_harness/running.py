"""Letting Qt work, and taking its picture."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
    window.resize(width, window.layout().totalHeightForWidth(width))
    process(0.1)
    save(widget, path)


def save(widget: Any, path: Path, colours: int = 0) -> None:
    """A picture of a widget as it is shown; with a palette of so many colours if that is given."""
    from PIL import Image

    widget.grab().save(str(path))
    if colours:
        whole = Image.open(path).convert("RGB")
        whole.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
