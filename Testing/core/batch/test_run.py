"""A batch over files, with an engine that is quick."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.batch import run as run_module
from masam_core.batch.cases import BatchCase, find_cases
from masam_core.batch.engine import open_segmenter
from masam_core.batch.run import BatchOptions, open_queue, read_case, run_batch
from masam_core.catalog.choice import ModelChoice
from masam_core.errors import Cancelled, ConfigError
from masam_core.image.volume import Volume, read_labels
from masam_core.inference.options import SegmentOptions
from masam_core.lesion.lesion import Lesion
from masam_core.prompts.boxes import BoxPrompt

ROOT = Path(__file__).resolve().parents[3]


class Quick:
    """Fills every box; misbehaves for names that say so."""

    def __init__(self, stop_at: str = "") -> None:
        self.stop_at = stop_at
        self.seen: list[str] = []

    def set_volume(self, volume: Volume, modality: str | None = None) -> None:
        self.seen.append(volume.name)
        self.volume: Volume | None = volume

    def forget_volume(self) -> None:
        self.volume = None

    def segment(
        self,
        box: BoxPrompt,
        options: SegmentOptions | None = None,
        progress: Any = None,
        cancelled: Any = None,
    ) -> Lesion:
        assert self.volume is not None
        if self.volume.name == self.stop_at:
            raise Cancelled("stop")
        if self.volume.name == "memory":
            raise MemoryError
        if self.volume.name == "bug":
            raise KeyError("nonsense")
        progress(0.5, "half")
        (i0, j0, k0), (i1, j1, k1) = (
            np.rint(end).astype(int)
            for end in (box.corners_ijk.min(axis=0) + 0.5, box.corners_ijk.max(axis=0) + 0.5)
        )
        mask = np.zeros(self.volume.geometry.shape, dtype=bool)
        mask[k0:k1, j0:j1, i0:i1] = True
        return Lesion.from_mask(
            mask, self.volume, box, confidence=0.5, messages=("a note",), model="quick"
        )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six images with a label image each; one is cut off."""
    images = tmp_path / "images"
    images.mkdir()
    for number, name in enumerate(("a", "broken", "bug", "memory", "y", "z")):
        array = np.arange(6 * 7 * 8, dtype=np.int16).reshape(6, 7, 8) + number
        sitk.WriteImage(sitk.GetImageFromArray(array), str(images / f"{name}.nii.gz"))
        labels = np.zeros((6, 7, 8), np.uint8)
        labels[1:4, 2:5, 3:7] = 1
        sitk.WriteImage(sitk.GetImageFromArray(labels), str(images / f"{name}_label.nii.gz"))
    broken = images / "broken.nii.gz"
    broken.write_bytes(broken.read_bytes()[:-40])
    return images


def run(folder: Path, out: Path, engine: Quick, **options: Any) -> tuple[Any, bool]:
    cases, _ = find_cases(folder)
    chosen = BatchOptions(**options)
    queue = open_queue(cases, folder, out, chosen, "quick")
    told: list[tuple[str, str]] = []
    whole = run_batch(
        cases,
        queue,
        engine,
        chosen,
        lambda name, status, _: told.append((name, status)),
        lambda *_: None,
        lambda: False,
    )
    assert all(status in ("running", "done", "failed", "pending") for _, status in told)
    return queue, whole


def test_whatever_goes_wrong_with_a_case_ends_that_case_alone(folder: Path, tmp_path: Path) -> None:
    queue, whole = run(folder, tmp_path / "out", Quick(), format=".nii.gz")
    assert whole
    assert {name: status for name, status, _ in queue.table()} == {
        "a": "done",
        "broken": "failed",
        "bug": "failed",
        "memory": "failed",
        "y": "done",
        "z": "done",
    }
    assert "incomplete" in queue.cases["broken"].message
    assert "KeyError" in queue.cases["bug"].message
    assert "memory is not enough" in queue.cases["memory"].message
    labels, _ = read_labels(tmp_path / "out" / "y.nii.gz")
    expected, _ = read_labels(folder / "y_label.nii.gz")
    assert np.array_equal(labels, expected)
    assert not (tmp_path / "out" / "bug.nii.gz").exists()
    log = (tmp_path / "out" / "logs" / "a.log").read_text()
    for words in ("MASAM", "8 x 7 x 6 voxels", "Box 'label 1'", "a note", "Done in"):
        assert words in log


def test_a_stopped_run_gone_on_with_gives_what_one_run_gives(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path / "one", Quick())
    first = Quick(stop_at="y")
    queue, whole = run(folder, tmp_path / "two", first)
    assert not whole
    assert queue.next() == "y"
    second = Quick()
    _, whole = run(folder, tmp_path / "two", second)
    assert whole
    assert second.seen == ["y", "z"]
    tables = [(tmp_path / n / "measurements.csv").read_text("utf-8-sig") for n in ("one", "two")]
    assert tables[0] == tables[1]


def test_a_deleted_result_is_made_again(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path / "out", Quick())
    (tmp_path / "out" / "a.seg.nrrd").unlink()
    engine = Quick()
    run(folder, tmp_path / "out", engine)
    assert engine.seen == ["a"]


def test_pictures_need_matplotlib_and_their_lack_stops_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "masam_core.export.overlay.overlay", None)
    queue, _ = run(folder, tmp_path / "out", Quick(), overlay=True)
    assert queue.cases["a"].status == "done"
    assert "matplotlib is not installed" in queue.cases["a"].message


def test_results_never_go_among_the_images(folder: Path) -> None:
    with pytest.raises(ConfigError, match="another folder"):
        run(folder, folder, Quick())


def test_an_unknown_format_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"expected \.seg\.nrrd"):
        run(folder, tmp_path / "out", Quick(), format=".png")


def process(spec: Path, stdin: bytes | None = None) -> tuple[int, list[dict[str, Any]]]:
    done = subprocess.run(
        [sys.executable, "-m", "masam_core.batch", str(spec)],
        input=stdin,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        check=False,
        timeout=120,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_the_panels_process_says_what_it_does_line_by_line(
    tmp_path: Path, sample_data: Path
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    shutil.copy(sample_data / "sarcoma_mr" / "image.nii.gz", images / "mr.nii.gz")
    shutil.copy(sample_data / "sarcoma_mr" / "box.mrk.json", images / "mr.mrk.json")
    spec = tmp_path / "spec.json"
    values = {"input": str(images), "out": str(tmp_path / "out"), "options": {"quality": "fast"}}
    spec.write_text(json.dumps(values))
    code, events = process(spec, b"cancel\n")
    assert (code, events[-1]["event"], events[-1]["cancelled"]) == (0, "end", True)
    values["worker"] = [sys.executable, "-m", "masam_core.worker"]
    spec.write_text(json.dumps(values))
    with subprocess.Popen(
        [sys.executable, "-m", "masam_core.batch", str(spec)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as running:
        assert running.stdout is not None
        events = [json.loads(line) for line in running.stdout]
    assert [e["status"] for e in events if e["event"] == "case"] == ["pending", "running", "done"]
    assert any(e["event"] == "progress" and "window" in e["text"] for e in events)
    assert events[-1] == {"event": "end", "done": 1, "failed": 0, "cancelled": False}
    assert (tmp_path / "out" / "mr.seg.nrrd").is_file()
    spec.write_text(json.dumps({**values, "options": {"quality": "best"}}))
    code, events = process(spec)
    assert code == 1
    assert "other settings" in events[-1]["message"]


def test_a_worker_that_can_not_be_started_fails_the_cases_in_words(
    folder: Path, tmp_path: Path
) -> None:
    engine = open_segmenter(ModelChoice(), ["no-such-program-here"])
    queue, whole = run(folder, tmp_path / "out", engine)  # type: ignore[arg-type]
    assert whole
    assert queue.count("failed") == 6
    assert "could not be started" in queue.cases["a"].message


def test_the_next_case_is_read_while_one_is_computed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = threading.Semaphore(0)

    def read(modality: str | None, case: BatchCase) -> Volume:
        reading.release()
        return read_case(modality, case)

    monkeypatch.setattr(run_module, "read_case", read)
    waited: list[bool] = []

    class Slow(Quick):
        def segment(self, *arguments: Any) -> list[Lesion]:
            reading.acquire()  # this case was read
            if not waited:
                waited.append(reading.acquire(timeout=20))  # and the next one, before this is done
                reading.release()
            return super().segment(*arguments)

    _, whole = run(folder, tmp_path / "out", Slow())
    assert whole
    assert waited == [True]


def test_a_precision_that_was_chosen_belongs_to_the_results(folder: Path, tmp_path: Path) -> None:
    cases, _ = find_cases(folder)
    out = tmp_path / "out"
    open_queue(cases, folder, out, BatchOptions(), "quick")  # as before there was a choice
    open_queue(cases, folder, out, BatchOptions(), "quick", precision="auto")
    with pytest.raises(ConfigError, match="precision"):
        open_queue(cases, folder, out, BatchOptions(), "quick", precision="int8")


def test_a_files_modality_is_told_where_it_does_not_say(folder: Path) -> None:
    case = next(case for case in find_cases(folder)[0] if case.name == "a")
    volume = read_case("CT", case)
    assert volume.modality == "CT"
    assert "content_hash" in vars(volume)
    assert read_case(None, case).modality is None
