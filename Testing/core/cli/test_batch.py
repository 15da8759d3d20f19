"""`masam batch` from the shell."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from masam_core.image.volume import read_labels
from masam_core.worker.remote import RemoteSegmenter

from ..sample import few_slices
from .conftest import Masam

ROOT = Path(__file__).resolve().parents[3]


def shell(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "masam_core", *arguments],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "PYTHONUTF8": "1"},
        check=False,
    )


def test_two_tumours_and_a_broken_file(
    masam: Masam, tmp_path: Path, sample_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    images, out = tmp_path / "images", tmp_path / "out"
    images.mkdir()
    sources = {
        name: few_slices(sample_data / f"sarcoma_{name}", tmp_path / name) for name in ("mr", "ct")
    }
    for name, source in sources.items():
        shutil.copy(source / "image.nii.gz", images / f"{name}.nii.gz")
        shutil.copy(source / "box.mrk.json", images / f"{name}.mrk.json")
    (images / "broken.nii.gz").write_bytes((images / "mr.nii.gz").read_bytes()[:5000])
    shutil.copy(images / "mr.mrk.json", images / "broken.mrk.json")
    (images / "alone.mrk.json").write_text("{}")
    listed = masam("batch", images, "-o", out, "--dry-run")
    assert listed.exit_code == 0
    assert "alone.mrk.json: no image" in listed.stderr
    assert len(listed.stdout.splitlines()) == 3
    assert not out.exists()

    run = ["batch", str(images), "-o", str(out), "--format", ".nii.gz", "--quality", "fast"]
    done = shell(*run, "--overlay")  # once as the process that people start
    assert done.returncode == 1, done.stderr
    assert "2 done, 1 failed" in done.stdout
    assert "incomplete" in done.stdout
    for name, source in sources.items():
        mask = read_labels(out / f"{name}.nii.gz")[0] > 0
        expert = read_labels(source / "expert.nii.gz")[0] > 0
        assert 2 * (mask & expert).sum() / (mask.sum() + expert.sum()) > 0.8
        assert (out / f"{name}.png").stat().st_size > 10_000
    assert np.array_equal(read_labels(out / "mr.nii.gz")[0] > 0, read_labels(out / "mr.nii.gz")[0])

    again = masam(*run, "--json")
    document = json.loads(again.stdout)
    assert [c["status"] for c in document["cases"]] == ["failed", "done", "done"]
    (images / "ct.nii.gz").unlink()  # one that takes less time
    other = masam(*run, "--margin", "2", "--slice-axis", "k", "--diameter-plane", "coronal")
    assert (
        "2 cases will be run again: margin_mm, slice_axis and diameter_plane have changed"
        in other.stderr
    )
    assert "1 done, 1 failed" in other.stdout


def test_wrong_settings_are_refused_before_the_work(
    masam: Masam, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    done = masam("batch", tmp_path, "-o", tmp_path / "out", "--quality", "superb")
    assert done.exit_code == 2
    for word in ("fast", "balanced", "best"):
        assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_the_worker_is_ended_with_the_batch(
    masam: Masam, tmp_path: Path, sample_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    shutil.copy(sample_data / "sarcoma_mr" / "image.nii.gz", images / "mr.nii.gz")
    shutil.copy(sample_data / "sarcoma_mr" / "box.mrk.json", images / "mr.mrk.json")
    ended: list[int | None] = []
    close = RemoteSegmenter.close

    def watched(self: RemoteSegmenter) -> None:
        assert self._worker is not None
        transport = self._worker.transport
        close(self)
        assert transport is not None
        assert transport.process is not None
        ended.append(transport.process.poll())

    monkeypatch.setattr(RemoteSegmenter, "close", watched)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    worker = shlex.join([sys.executable, str(ROOT / "Testing" / "core" / "worker" / "quick.py")])
    done = masam("batch", images, "-o", tmp_path / "out", "--worker", worker)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / "mr.seg.nrrd").is_file()
    assert len(ended) == 1
    assert ended[0] is not None


def test_shards_are_put_together_at_the_end_and_before_it_when_asked(
    masam: Masam, tmp_path: Path, sample_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    images, out = tmp_path / "images", tmp_path / "out"
    images.mkdir()
    for name in ("a", "b", "c", "d"):
        shutil.copy(sample_data / "sarcoma_mr" / "image.nii.gz", images / f"{name}.nii.gz")
        shutil.copy(sample_data / "sarcoma_mr" / "box.mrk.json", images / f"{name}.mrk.json")
    worker = shlex.join([sys.executable, str(ROOT / "Testing" / "core" / "worker" / "quick.py")])
    command = ["batch", str(images), "-o", str(out), "--worker", worker]
    assert "holds no results" in masam(*command, "--merge").stderr
    first = masam(*command, "--shard", "1/2")
    assert first.exit_code == 0, first.output
    assert "the last one of all writes the table" in first.stdout
    so_far = json.loads(masam(*command, "--merge", "--json").stdout)
    assert so_far["cases"] == 4
    assert so_far["done"] == so_far["lesions"] > 0
    second = masam(*command, "--shard", "2/2")
    assert "All 2 shards have ended: 4 done, 0 failed." in second.stdout
    assert "4 cases: 4 done" in (out / "report.txt").read_text()
    assert "expected i/n" in masam(*command, "--shard", "0/2").stderr
