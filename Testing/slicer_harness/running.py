"""Letting Qt work, and taking its picture."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LEAST_ROUNDS = 10


def process(until: Callable[[], bool] | float, seconds: float = 60.0) -> None:
    """Let Qt work until something is so, or for some seconds.

    On a busy machine one round may take all the seconds, and what it has put off is done in the
    next ones: there are some in any case.

    Raises:
        TimeoutError: it was not so within ``seconds``.
    """
    from PySide6 import QtWidgets

    application = QtWidgets.QApplication.instance()
    began = time.monotonic()
    limit = seconds if callable(until) else until
    rounds = 0
    while rounds < LEAST_ROUNDS or time.monotonic() - began < limit:
        rounds += 1
        application.processEvents()
        if callable(until) and until():
            return
        time.sleep(0.005)
    if callable(until):
        raise TimeoutError(f"It was not so within {seconds} seconds")


def grab(widget: Any, path: Path, width: int) -> None:
    """A picture of a widget, in a window tall enough for all of it."""
    from PySide6 import QtWidgets

    window = widget.window()
    window.resize(width, 100)
    window.show()
    process(0.1)
    inner = QtWidgets.QWidget.size(widget)
    around = QtWidgets.QWidget.size(window).height() - inner.height()
    window.resize(width, around + widget.layout().totalHeightForWidth(inner.width()))
    process(0.1)
    save(widget, path)


def save(widget: Any, path: Path, most: tuple[int, int] | None = None) -> None:
    """A picture of a widget as it is shown.

    Args:
        widget: what is shown.
        path: the PNG file.
        most: width and height in pixels of what is kept of it, from its top left corner, in 256
            colours so that the file stays small; None is all of it as it is.
    """
    from PIL import Image

    widget.grab().save(str(path))
    if most is not None:
        whole = Image.open(path).convert("RGB")
        kept = whole.crop((0, 0, min(whole.width, most[0]), min(whole.height, most[1])))
        kept.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
            path, optimize=True
        )
