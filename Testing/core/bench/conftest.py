"""A benchmark's set-up that is quick: the tests' tiny model, at four tokens a side."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from multiprocessing.pool import Pool

import pytest
import torch

from masam_core.bench import inputs, length, window
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


@pytest.fixture(scope="module")
def other_process() -> Iterator[Pool]:
    """Another process for all tests of a module: each new one loads PyTorch for seconds."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        yield pool


@pytest.fixture
def apart_once(other_process: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has sections measure in that process what they measure in new ones (test_timing.py)."""
    for module in (window, length):
        monkeypatch.setattr(module, "apart", lambda work, *given: other_process.apply(work, given))


@pytest.fixture
def small_slices(monkeypatch: pytest.MonkeyPatch) -> slice:
    """Makes slices of 128 voxels a side; the rows and columns of the lesion."""
    monkeypatch.setattr(inputs, "SIDE", 128)
    monkeypatch.setattr(inputs, "LESION", 24)
    return slice(52, 76)
