"""Windows that Slicer would show; under ``--testing`` it answers them by itself."""

from __future__ import annotations

messages: list[tuple[str, str]] = []
"""(kind, text) of every window since the last new scene."""
