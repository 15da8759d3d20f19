"""The examples run as they are, on small data; what is trained sees small images."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from masam_core.data.label_names import label_names
from masam_core.data.reading import read_cases
from masam_core.image.volume import read_labels
from masam_core.scoring.metrics import dice
from masam_core.training import presets

from ..conftest import ROOT
from ..core.conftest import data
from ..core.data.prepare import miniatures
from ..core.sample import few_slices

__all__ = ["data"]  # a fixture


def example(name: str) -> dict[str, Any]:
    """The names that a script defines."""
    return runpy.run_path(str(ROOT / "examples" / f"{name}.py"))


def expert(sample: Path) -> np.ndarray:
    """The expert's mask of a sample."""
    return read_labels(sample / "expert.nii.gz")[0] > 0


def test_a_box_on_an_array(
    tmp_path: Path, sample_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example("box_on_array")["main"](tmp_path / "sarcoma.nii.gz")
    mask = read_labels(tmp_path / "sarcoma.nii.gz")[0] > 0
    assert dice(mask, expert(sample_data / "sarcoma_mr")) > 0.85
    assert f"{mask.sum()} voxels" in capsys.readouterr().out


def test_a_folder_in_batch(
    tmp_path: Path, sample_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, results = tmp_path / "images", tmp_path / "results"
    images.mkdir()
    few = few_slices(sample_data / "sarcoma_mr", tmp_path / "few")
    shutil.copy(few / "image.nii.gz", images / "leg.nii.gz")
    shutil.copy(few / "box.mrk.json", images / "leg.mrk.json")
    main = example("folder_in_batch")["main"]
    main(images, results)
    assert dice(read_labels(results / "leg.nii.gz")[0] > 0, expert(few)) > 0.85
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


def test_organs_as_data_sets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Volumes of two sizes in the files' own numbers: CT and MR have different ones for the
    aorta."""
    miniatures.organs(tmp_path / "source")
    example("organs_data")["main"](tmp_path / "source", tmp_path / "out")
    assert "14 classes, 3 patients" in capsys.readouterr().out
    organs, prostate = tmp_path / "out" / "organs", tmp_path / "out" / "prostate"
    names = list(label_names(organs / "ct-to-mr.csv").values())
    numbers = {names.index("liver") + 1, names.index("aorta") + 1, 0}
    for case in ("totalseg_ct", "totalseg_mr"):
        found, _ = read_labels(organs / case / "label.nii.gz")
        assert set(np.unique(found).tolist()) == numbers
    assert {c.name: c.split for c in read_cases(organs / "mr-to-ct.csv")} == {
        "totalseg_mr": "train",
        "totalseg_ct": "test",
    }
    gland, _ = read_labels(prostate / "pcampmri00001_adc_zones" / "label.nii.gz")
    assert gland.sum() == 4 * 7 * 7 + 1
    # The MR has 4 rows more, so that its middle lies 2 rows further on.
    trained, _ = read_labels(organs / "totalseg_ct" / "label.nii.gz")
    placed, _ = read_labels(organs / "same-place" / "ct-to-mr" / "totalseg_mr.nii.gz")
    assert np.array_equal(placed[:, 2:18], trained)
    assert not placed[:, [0, 1, 18, 19]].any()
