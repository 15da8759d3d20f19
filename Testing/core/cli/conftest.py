"""A tiny model, a small image, and `masam` run inside the test's own process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from typer.testing import CliRunner

from masam_core.cli.main import app, join_numbers
from masam_core.image.geometry import Geometry
from masam_core.model.backbones import BACKBONES, DINOV2, BackboneSpec
from masam_core.model.checkpoint import save_model
from masam_core.model.config import ModelConfig
from masam_core.model.masam import MASAM

Masam = Callable[..., Any]


@pytest.fixture
def masam(masam_home: Path, monkeypatch: pytest.MonkeyPatch) -> Masam:
    """Runs `masam` with the given arguments; the result has exit_code, stdout and stderr."""
    monkeypatch.delenv("MASAM_DEBUG", raising=False)

    def run(*arguments: object) -> Any:
        words = [str(a) for a in arguments]
        return CliRunner().invoke(app, join_numbers(words), prog_name="masam")

    return run


@pytest.fixture
def tiny_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A random model of four small blocks, in a file."""
    spec = BackboneSpec(DINOV2, 24, 4, 2, 14, position_grid=4)
    monkeypatch.setitem(BACKBONES, "vit_tiny", spec)
    config = ModelConfig(
        name="tiny",
        backbone="vit_tiny",
        image_size=56,
        fact_rank=4,
        adapter_width=8,
        field_of_view="prompt",
    )
    torch.manual_seed(0)
    path = tmp_path / "tiny.safetensors"
    save_model(MASAM(config), path)
    return path


@pytest.fixture
def geometry() -> Geometry:
    """Of the image: 24 x 20 x 12 voxels."""
    return Geometry.from_spacing((12, 20, 24), (1.0, 1.0, 2.5), (-5.0, 7.0, 100.0))


@pytest.fixture
def image(tmp_path: Path, geometry: Geometry) -> Path:
    """A noisy MR, in a folder whose name has a space."""
    values = np.random.default_rng(2).normal(400, 60, geometry.shape).astype(np.int16)
    written = sitk.GetImageFromArray(values)
    geometry.apply_to_sitk(written)
    path = tmp_path / "my images" / "knee.nii.gz"
    path.parent.mkdir()
    sitk.WriteImage(written, str(path))
    return path
