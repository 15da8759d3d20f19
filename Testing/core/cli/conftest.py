"""A tiny model, a small image, and `masam` run inside the test's own process."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from typer.testing import CliRunner

from masam_core.cli.main import app, join_numbers
from masam_core.image.geometry import Geometry
from masam_core.model.checkpoint import save_model
from Testing.core import tiny

Masam = Callable[..., Any]


@pytest.fixture
def masam(masam_home: Path, monkeypatch: pytest.MonkeyPatch) -> Masam:
    """Runs `masam` with the given arguments; the result has exit_code, stdout and stderr."""
    monkeypatch.delenv("MASAM_DEBUG", raising=False)

    def run(*arguments: object) -> Any:
        words = [str(a) for a in arguments]
        return CliRunner().invoke(app, join_numbers(words), prog_name="masam")

    return run


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model of four small blocks, in a file of all tests."""
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    with tiny.known():
        save_model(tiny.build(name="tiny", field_of_view="prompt"), path)
    return path


@pytest.fixture
def tiny_model(tiny_file: Path, tmp_path: Path) -> Iterator[Path]:
    """The same, in this test's own folder; its backbone is known."""
    with tiny.known():
        yield Path(shutil.copy(tiny_file, tmp_path))


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
