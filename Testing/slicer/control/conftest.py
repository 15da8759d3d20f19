"""Small volumes and boxes, as in the scene's tests."""

from __future__ import annotations

from Testing.slicer.scene.conftest import make

__all__ = ["make"]  # a fixture
