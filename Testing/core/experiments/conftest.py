"""A tiny automatic model of BTCV's classes, trained for some steps on the miniature."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from masam_core.data.prepare.run import Options, prepare
from masam_core.model.checkpoint import save_model
from masam_core.model.config import ModelConfig
from masam_core.training.presets import preset
from Testing.core import tiny
from Testing.core.data.prepare import miniatures

pytest.importorskip("lightning_fabric", reason="the extra 'train' is not installed")

TINY = {
    **tiny.SETTINGS,
    "accelerator": "cpu",
    "precision": "32-true",
    "checkpointing": False,
    "batch": 1,
    "at_once": 1,
    "steps": 2,
    "warmup": 1,
    "save_every": 1,
}
OF_BTCV = {
    "name": "tiny BTCV",
    "num_classes": 12,
    "class_names": tuple(preset("btcv")["model"]["class_names"]),
}


@pytest.fixture(scope="session", autouse=True)
def _tiny() -> Iterator[None]:
    with tiny.known():
        yield


@pytest.fixture(scope="module")
def btcv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four prepared cases, two of them for the test."""
    root = tmp_path_factory.mktemp("btcv")
    source = miniatures.btcv(root, (1, 2, 35, 36))
    prepare("btcv", source, root / "data", Options(partial=True))
    return root / "data"


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the backbone ``tiny.safetensors``."""
    folder = tmp_path_factory.mktemp("bases")
    save_model(tiny.build(**OF_BTCV), folder / "tiny.safetensors", kind="base")
    return folder


def tiny_config() -> ModelConfig:
    """BTCV's twelve classes on a tiny backbone."""
    return tiny.config(**OF_BTCV)
