"""Slicer's translation of what people read; the words as they are where there is no Slicer."""

from __future__ import annotations

try:
    from slicer.i18n import tr
except ImportError:  # slicer-core has no translations

    def tr(text: str) -> str:
        """The text itself."""
        return text


__all__ = ["tr"]
