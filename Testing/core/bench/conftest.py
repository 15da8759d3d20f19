"""A benchmark's set-up that is quick: the tests' tiny model, at four tokens a side."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from masam_core.bench import inputs
from masam_core.bench.rows import Setup
from Testing.core import tiny

from .small import small_model


@pytest.fixture
def backbone() -> Iterator[str]:
    """The tiny backbone's name, which is known."""
    with tiny.known():
        yield tiny.NAME


@pytest.fixture
def setup(backbone: str) -> Setup:
    return Setup(
        build=small_model,
        device=torch.device("cpu"),
        precision="float32",
        slices=5,
        repeats=1,
        tell=lambda _: None,
    )


@pytest.fixture
def small_slices(monkeypatch: pytest.MonkeyPatch) -> slice:
    """Makes slices of 128 voxels a side; the rows and columns of the lesion."""
    monkeypatch.setattr(inputs, "SIDE", 128)
    monkeypatch.setattr(inputs, "LESION", 24)
    return slice(52, 76)
