"""Squares of colour for rows of lists."""

from __future__ import annotations

from typing import Any

import qt


def swatch(color: tuple[float, float, float]) -> Any:
    """An icon of a colour; red, green and blue are in [0, 1]."""
    pixmap = qt.QPixmap(12, 12)
    pixmap.fill(qt.QColor.fromRgbF(*color))
    return qt.QIcon(pixmap)
