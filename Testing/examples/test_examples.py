"""The examples run as they are, on small data; what is trained sees small images."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from masam_core.image.volume import read_labels
from masam_core.scoring.metrics import dice
from masam_core.training import presets

from ..conftest import ROOT
from ..core.conftest import data

__all__ = ["data"]  # a fixture


def example(name: str) -> dict[str, Any]:
    """The names that a script defines."""
    return runpy.run_path(str(ROOT / "examples" / f"{name}.py"))


def expert(sample_data: Path) -> np.ndarray:
    """The expert's mask of the bundled MR."""
    return read_labels(sample_data / "sarcoma_mr" / "expert.nii.gz")[0] > 0


def test_a_box_on_an_array(
    tmp_path: Path, sample_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example("box_on_array")["main"](tmp_path / "sarcoma.nii.gz")
    mask = read_labels(tmp_path / "sarcoma.nii.gz")[0] > 0
    assert dice(mask, expert(sample_data)) > 0.85
    assert f"{mask.sum()} voxels" in capsys.readouterr().out


def test_a_folder_in_batch(
    tmp_path: Path, sample_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, results = tmp_path / "images", tmp_path / "results"
    images.mkdir()
    shutil.copy(sample_data / "sarcoma_mr" / "image.nii.gz", images / "leg.nii.gz")
    shutil.copy(sample_data / "sarcoma_mr" / "box.mrk.json", images / "leg.mrk.json")
    main = example("folder_in_batch")["main"]
    main(images, results)
    assert dice(read_labels(results / "leg.nii.gz")[0] > 0, expert(sample_data)) > 0.85
    assert "leg: done" in capsys.readouterr().out
    written = (results / "leg.nii.gz").stat().st_mtime_ns
    main(images, results)
    assert (results / "leg.nii.gz").stat().st_mtime_ns == written


def test_training_on_your_data(
    tmp_path: Path,
    data: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = presets.preset("tumour-box-small")
    small = {**whole, "model": {**whole["model"], "image_size": 56}}
    monkeypatch.setattr(presets, "preset", {"tumour-box-small": small}.__getitem__)
    example("train_on_your_data")["main"](data, tmp_path / "run", 2)
    said = capsys.readouterr().out.splitlines()
    assert (tmp_path / "run" / "best.safetensors").is_file()
    assert [line.split(":")[0] for line in said[-2:]] == ["bundled", "trained here"]
    assert all(line.endswith("over 1 lesions") for line in said[-2:])
