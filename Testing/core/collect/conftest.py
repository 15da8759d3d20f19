"""A key of the tests' own."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_key(masam_home: Path) -> Path:
    """The folder in which the key lies, in place of the user's."""
    return masam_home
