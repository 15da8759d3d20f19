"""`masam batch` from the shell."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from masam_core.errors import Cancelled
from masam_core.volume import read_labels

from .conftest import Masam

ROOT = Path(__file__).resolve().parents[3]


def masam_apart(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "masam_core", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        check=False,
    )


def test_two_tumours_and_a_broken_file(tmp_path: Path, sample_data: Path) -> None:
    images, out = tmp_path / "images", tmp_path / "out"
    images.mkdir()
    for name in ("mr", "ct"):
        source = sample_data / f"sarcoma_{name}"
        shutil.copy(source / "image.nii.gz", images / f"{name}.nii.gz")
        shutil.copy(source / "box.mrk.json", images / f"{name}.mrk.json")
    (images / "broken.nii.gz").write_bytes((images / "mr.nii.gz").read_bytes()[:5000])
    shutil.copy(images / "mr.mrk.json", images / "broken.mrk.json")
    (images / "alone.mrk.json").write_text("{}")
    listed = masam_apart("batch", str(images), "-o", str(out), "--dry-run")
    assert listed.returncode == 0
    assert "alone.mrk.json: no image" in listed.stderr
    assert len(listed.stdout.splitlines()) == 3
    assert not out.exists()

    run = ["batch", str(images), "-o", str(out), "--format", ".nii.gz", "--quality", "fast"]
    done = masam_apart(*run, "--overlay")
    assert done.returncode == 1, done.stderr
    assert "2 done, 1 failed" in done.stdout
    assert "incomplete" in done.stdout
    for name in ("mr", "ct"):
        mask = read_labels(out / f"{name}.nii.gz")[0] > 0
        expert = read_labels(sample_data / f"sarcoma_{name}" / "expert.nii.gz")[0] > 0
        assert 2 * (mask & expert).sum() / (mask.sum() + expert.sum()) > 0.8
        assert (out / f"{name}.png").stat().st_size > 10_000
    assert np.array_equal(read_labels(out / "mr.nii.gz")[0] > 0, read_labels(out / "mr.nii.gz")[0])

    again = masam_apart(*run, "--json")
    document = json.loads(again.stdout)
    assert [c["status"] for c in document["cases"]] == ["failed", "done", "done"]
    other = masam_apart(*run, "--margin", "2")
    assert other.returncode == 1
    assert "other settings (margin_mm)" in other.stderr


def test_wrong_settings_are_refused_before_the_work(tmp_path: Path) -> None:
    done = masam_apart("batch", str(tmp_path), "-o", str(tmp_path / "out"), "--quality", "superb")
    assert done.returncode == 1
    assert "fast, balanced, best" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("error", [None, Cancelled("Ctrl+C")])
def test_what_computes_is_closed_after_the_batch_and_when_it_breaks_off(
    masam: Masam, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Any
) -> None:
    (image.parent / "knee_label.nii.gz").write_bytes(image.read_bytes())
    done: list[str] = []

    class Engine:
        def close(self) -> None:
            done.append("closed")

    def run(*_: object) -> bool:
        done.append("run")
        if error is not None:
            raise error
        return True

    monkeypatch.setattr("masam_core.batch.engine.make_engine", lambda *_: Engine())
    monkeypatch.setattr("masam_core.batch.run.run_batch", run)
    found = masam("batch", image.parent, "-o", tmp_path / "out")
    assert found.exit_code == (0 if error is None else 130), found.output
    assert done == ["run", "closed"]
