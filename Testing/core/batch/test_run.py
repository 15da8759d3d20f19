"""A batch over files, with an engine that is quick."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.batch import fingerprint
from masam_core.batch import run as run_module
from masam_core.batch.case import BatchCase
from masam_core.batch.cases import find_cases
from masam_core.batch.engine import open_segmenter
from masam_core.batch.run import open_queue, read_case, run_batch
from masam_core.batch.spec import BatchSpec
from masam_core.catalog.choice import ModelChoice
from masam_core.errors import Cancelled, ConfigError, SegmentationError
from masam_core.image import apart
from masam_core.image.volume import Volume, read_labels, read_volume
from masam_core.inference.options import SegmentOptions
from masam_core.lesion.lesion import Lesion
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.first import LinePrompt
from masam_core.prompts.record import PromptRecord
from masam_core.prompts.roi import write_roi
from masam_core.prompts.stored import read_records
from Testing.core.image.formats.making import metaimage, nifti, nrrd
from Testing.core.prompts.test_markups import write
from Testing.core.sample import few_slices

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
    chosen = BatchSpec(folder, out, **options)
    queue = open_queue(cases, chosen)
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


def test_a_case_that_fails_because_all_is_stopped_waits_again(folder: Path, tmp_path: Path) -> None:
    class Ended(Quick):
        """A worker that is ended together with the batch."""

        def segment(self, *arguments: Any, **named: Any) -> Lesion:
            raise SegmentationError("The worker ended.")

    cases, _ = find_cases(folder)
    spec, engine = BatchSpec(folder, tmp_path / "out"), Ended()
    queue = open_queue(cases, spec)
    silent = lambda *_: None  # noqa: E731
    assert not run_batch(cases, queue, engine, spec, silent, silent, lambda: bool(engine.seen))
    assert (queue.next(), queue.count("failed")) == ("a", 0)


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


def test_a_second_batch_on_the_same_folder_is_refused_and_the_first_loses_nothing(
    folder: Path, tmp_path: Path
) -> None:
    out, second, refused = tmp_path / "out", Quick(), []

    class Busy(Quick):
        """Starts the same batch again while it is at its first case."""

        def segment(self, *arguments: Any, **named: Any) -> Lesion:
            if not refused:
                with pytest.raises(ConfigError, match="Another batch is writing into") as error:
                    run(folder, out, second)
                refused.append(str(error.value))
            return super().segment(*arguments, **named)

    first = Busy()
    queue, whole = run(folder, out, first)
    assert whole
    assert (second.seen, len(refused)) == ([], 1)
    assert f"process {os.getpid()} on this machine" in refused[0]
    assert queue.count("done") == 3
    run(folder, out, second)  # now it may
    assert second.seen == []


def test_what_a_case_was_made_of_decides_whether_it_is_run_again(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"

    def again(**options: Any) -> tuple[list[str], list[str]]:
        """Which cases are run, and what is said of them."""
        engine = Quick()
        queue, _ = run(folder, out, engine, **{"model": ModelChoice(device="cpu"), **options})
        return engine.seen, queue.notes

    for name in ("broken", "bug", "memory"):
        (folder / f"{name}.nii.gz").unlink()
    again()
    assert again() == ([], [])
    labels = sitk.ReadImage(str(folder / "a_label.nii.gz"))
    labels[3, 2, 1] = 0
    sitk.WriteImage(labels, str(folder / "a_label.nii.gz"))
    assert again() == (["a"], ["a will be run again: the boxes have changed."])
    os.utime(folder / "y.nii.gz", (1, 1))
    assert again() == (["y"], ["y will be run again: the image has changed."])
    os.utime(folder / "y_label.nii.gz", (1, 1))  # the same boxes, copied
    assert again() == ([], [])
    everything = ["a", "y", "z"]
    margin = SegmentOptions(margin_mm=2)
    notes = ["3 cases will be run again: margin_mm has changed."]
    assert again(segment=margin) == (everything, notes)
    precise = ModelChoice(device="cpu", precision="int8")
    notes = ["3 cases will be run again: precision has changed."]
    assert again(segment=margin, model=precise) == (everything, notes)
    other = ModelChoice(
        str(tmp_path / "x.safetensors"), str(tmp_path / "b.safetensors"), device="cpu"
    )
    for file in (other.model, other.base):
        Path(str(file)).write_bytes(str(file).encode())
    notes = ["3 cases will be run again: the model, the backbone and precision have changed."]
    assert again(segment=margin, model=other) == (everything, notes)
    Path(str(other.base)).write_bytes(b"another")
    notes = ["3 cases will be run again: the backbone has changed."]
    assert again(segment=margin, model=other) == (everything, notes)
    # A picture more changes no mask.
    assert again(segment=margin, model=other, overlay=True) == ([], [])


def test_another_kind_of_device_makes_other_masks(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from masam_core.inference.runtimes import choosing

    spec = BatchSpec(folder, folder)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(choosing, "_has_cuda", lambda: True)  # no driver is looked for
    with_gpu = fingerprint.settings(spec)
    second = fingerprint.settings(replace(spec, model=ModelChoice(device="cuda:1")))
    assert second == with_gpu
    cpu = fingerprint.settings(replace(spec, model=ModelChoice(device="cpu")))
    assert fingerprint.changes(with_gpu, cpu) == "device has changed"
    # A worker may be elsewhere: nothing is looked for here.
    remote = ModelChoice("only-there", device="cuda:7")
    there = fingerprint.settings(replace(spec, model=remote, worker=("ssh", "gpu")))
    assert (there["model"], there["device"]) == ("only-there", "cuda:7")


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
    few = few_slices(sample_data / "sarcoma_mr", tmp_path / "few")
    shutil.copy(few / "image.nii.gz", images / "mr.nii.gz")
    shutil.copy(few / "box.mrk.json", images / "mr.mrk.json")
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
    assert any(e["event"] == "progress" and "slice" in e["text"] for e in events)
    assert events[-1] == {"event": "end", "done": 1, "failed": 0, "cancelled": False}
    assert (tmp_path / "out" / "mr.seg.nrrd").is_file()
    spec.write_text(json.dumps({**values, "options": {"quality": "superb"}}))
    code, events = process(spec)
    assert code == 1
    assert events == [
        {"event": "error", "message": "Quality is 'superb'; expected one of fast, balanced, best."}
    ]


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


def test_a_files_modality_is_told_where_it_does_not_say(folder: Path) -> None:
    case = next(case for case in find_cases(folder)[0] if case.name == "a")
    volume = read_case("CT", case)
    assert volume.modality == "CT"
    assert "content_hash" in vars(volume)
    assert read_case(None, case).modality is None


ODD = (
    os.fsdecode(b"latin-\xe4"),
    "x" * 240,
    "[left] [",
    "two\nlines",
    "semi;colon",
    "=1+1",
    "-o",
    "dots...",
    "aux",
    "CON.x",
    "Case",
    "case",
)


@pytest.mark.skipif(sys.platform != "linux", reason="Other systems have no such names")
def test_no_name_ends_a_batch_and_each_has_results_of_its_own(tmp_path: Path) -> None:
    images, out = tmp_path / "images", tmp_path / "out"
    images.mkdir()
    nifti(tmp_path / "image.nii")
    write_roi(tmp_path / "box.mrk.json", (-3, -3, 6), (3, 3, 6))
    for name in ODD:
        shutil.copy(tmp_path / "image.nii", images / f"{name}.nii")
        shutil.copy(tmp_path / "box.mrk.json", images / f"{name}.mrk.json")
    queue, whole = run(images, out, Quick())
    assert whole
    assert queue.count("done") == len(ODD), queue.table()
    with (out / "measurements.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["case"] for row in rows}) == len(rows) == len(ODD)
    masks = sorted(p.name for p in out.glob("*.seg.nrrd"))
    assert len({name.lower() for name in masks}) == len(ODD)
    assert "latin-ä.seg.nrrd" in masks
    assert not {name.split(".")[0].lower() for name in masks} & {"aux", "con"}
    assert all(name.encode() and name.isprintable() for name in masks)
    # Each is found again under its name.
    again = Quick()
    run(images, out, again)
    assert again.seen == []


def test_another_input_keeps_the_first_ones_results(folder: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    run(folder, out, Quick())
    before = (out / "measurements.csv").read_text("utf-8-sig").splitlines()
    mask = (out / "a.seg.nrrd").read_bytes()
    other.mkdir()
    for kind in ("", "_label"):
        shutil.copy(folder / f"y{kind}.nii.gz", other / f"new{kind}.nii.gz")
    run(other, out, Quick())
    rows = (out / "measurements.csv").read_text("utf-8-sig").splitlines()
    assert set(before) < set(rows)
    assert len(rows) == len(before) + 1
    for kind in ("", "_label"):  # another patient with the name of one that is there
        shutil.copy(folder / f"y{kind}.nii.gz", other / f"a{kind}.nii.gz")
    engine = Quick()
    with pytest.raises(ConfigError, match=r"'a' is of .*images.a\.nii\.gz\. Choose another folder"):
        run(other, out, engine)
    assert engine.seen == []
    assert (out / "a.seg.nrrd").read_bytes() == mask
    assert (out / "measurements.csv").read_text("utf-8-sig").splitlines() == rows


def test_what_can_not_be_written_is_found_before_anything_is_computed(
    folder: Path, tmp_path: Path
) -> None:
    out, engine = tmp_path / "out", Quick()
    (out / "measurements.csv").mkdir(parents=True)
    with pytest.raises(SegmentationError, match=r"measurements\.csv.* folder has this name"):
        run(folder, out, engine)
    (out / "measurements.csv").rmdir()
    (out / "logs").write_text("")
    with pytest.raises(SegmentationError, match="logs' is a file"):
        run(folder, out, engine)
    (out / "logs").unlink()
    (out / "z.seg.nrrd").write_text("drawn by hand")
    with pytest.raises(ConfigError, match=r"z\.seg\.nrrd is there already, and no batch"):
        run(folder, out, engine)
    assert (out / "z.seg.nrrd").read_text() == "drawn by hand"
    (out / "z.seg.nrrd").unlink()
    labels = tmp_path / "labels"
    labels.mkdir()
    shutil.copy(folder / "a_label.nii.gz", labels / "a.nii.gz")
    spec = BatchSpec(folder, labels, labels, ".nii.gz")
    with pytest.raises(SegmentationError, match=r"a\.nii\.gz would be replaced by a result"):
        open_queue(find_cases(folder, labels)[0], spec)
    assert engine.seen == []
    # One case alone fails where it alone can't be written, and before it is computed.
    (out / "a.seg.nrrd").mkdir()
    queue, _ = run(folder, out, engine)
    assert "folder has this name" in queue.cases["a"].message
    assert "a" not in engine.seen
    assert queue.cases["z"].status == "done"


def test_voxels_in_a_file_of_their_own_count_for_image_and_boxes(tmp_path: Path) -> None:
    image = metaimage(tmp_path / "a.mhd", b"", ElementDataFile="voxels.raw")
    boxes = nrrd(tmp_path / "b.nhdr", b"", data_file="boxes.raw")
    for name in ("voxels.raw", "boxes.raw", "other.raw"):
        (tmp_path / name).write_bytes(bytes(420))
    case = BatchCase("a", image, (boxes,))
    first = fingerprint.case_files(case)
    (tmp_path / "other.raw").write_bytes(bytes([1] * 420))
    assert fingerprint.case_files(case) == first
    (tmp_path / "boxes.raw").write_bytes(bytes([1] * 420))
    assert fingerprint.changes(first, fingerprint.case_files(case)) == "the boxes have changed"
    (tmp_path / "voxels.raw").write_bytes(bytes([1] * 420))
    os.utime(tmp_path / "voxels.raw", (first["image"][2], first["image"][2]))
    changed = fingerprint.changes(first, fingerprint.case_files(case))
    assert changed == "the image and the boxes have changed"


def test_boxes_among_the_slices_are_no_part_of_the_image(tmp_path: Path) -> None:
    box = tmp_path / "box.mrk.json"
    for name in ("1.dcm", "2.dcm", "box.mrk.json"):
        (tmp_path / name).write_text(name)
    case = BatchCase("a", tmp_path, (box,))
    first = fingerprint.case_files(case)
    box.write_text("another")
    assert fingerprint.changes(first, fingerprint.case_files(case)) == "the boxes have changed"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Needs a pipe that stalls")
def test_files_that_hang_cost_their_cases_and_the_time_limit_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The readers of an image and of a label image never answer; a pipe is no file of boxes."""
    asked: list[str] = []

    class Stalls(apart.Reader):
        def ask(self, request: dict[str, Any], path: Any, seconds: float) -> dict[str, Any]:
            asked.append(path.name)
            if path.name in ("y.nii.gz", "a_label.nii.gz"):
                os.kill(self._running().pid, signal.SIGSTOP)
                seconds = 0.2
            return super().ask(request, path, seconds)

    own = Stalls()
    monkeypatch.setattr(apart, "_READER", own)
    pipe = tmp_path / "pipe.nii"
    os.mkfifo(pipe)
    rows = [f"{n}.nii.gz,{n}_label.nii.gz" for n in ("a", "y", "z")] + [f"z.nii.gz,{pipe}"]
    (folder / "list.csv").write_text("\n".join(["image,boxes", *rows]))
    cases, _ = find_cases(folder / "list.csv")
    spec = BatchSpec(folder / "list.csv", tmp_path / "out")
    queue = open_queue(cases, spec)
    try:
        assert run_batch(
            cases, queue, Quick(), spec, lambda *_: None, lambda *_: None, lambda: False
        )
    finally:
        own.end()
    assert [status for _, status, _ in queue.table()] == ["failed", "failed", "done", "failed"]
    messages = [message for _, _, message in queue.table()]
    assert "a_label.nii.gz took longer than" in messages[0]
    assert "y.nii.gz took longer than" in messages[1]
    assert "pipe.nii is no file" in messages[3]
    assert asked.count("y.nii.gz") == 1


def test_a_list_with_paths_that_no_system_takes_runs_the_others(
    folder: Path, tmp_path: Path
) -> None:
    rows = [f"{image},a_label.nii.gz,{name}" for image, name in (
        ("x" * 300 + ".nii", "y" * 300),
        ("ze\0ro.nii", "zero"),
        ("gone.nii", "[/x]"),
        ("a.nii.gz", "fine"),
    )]  # fmt: skip
    text = "\n".join(["image,boxes,name", *rows])
    (folder / "list.csv").write_text(text)
    if sys.version_info < (3, 11):  # there, csv knows no zeros
        (folder / "list.csv").write_text(text.replace("\0", ""))
    cases, _ = find_cases(folder / "list.csv")
    spec = BatchSpec(folder / "list.csv", tmp_path / "out")
    queue = open_queue(cases, spec)
    silent: Any = lambda *_: None  # noqa: E731
    assert run_batch(cases, queue, Quick(), spec, silent, silent, lambda: False)
    assert [status for _, status, _ in queue.table()] == ["failed", "failed", "failed", "done"]
    assert all("unforeseen" not in message for _, _, message in queue.table())


class Corrected(Quick):
    """Takes every prompt, and notes it."""

    def segment(self, first: Any, *_: Any, corrections: Any = (), **__: Any) -> Lesion:
        assert self.volume is not None
        self.asked = (first, corrections)
        mask = np.ones(self.volume.geometry.shape, dtype=bool)
        box = BoxPrompt.from_voxels(0, 7, 0, 6, 0, 5, name=first.name)
        record = PromptRecord(first, tuple(corrections))
        return Lesion.from_mask(mask, self.volume, box, confidence=0.5, prompts=record)

    def refine(self) -> None: ...


def test_a_case_may_be_a_line_with_points_and_its_corrections_are_stored(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    array = np.arange(6 * 7 * 8, dtype=np.int16).reshape(6, 7, 8)
    sitk.WriteImage(sitk.GetImageFromArray(array), str(images / "a.nii.gz"))
    write(images / "a_line.mrk.json", "Line", [[1, 2, 3], [6, 2, 3]])
    write(images / "a_not.mrk.json", "Fiducial", [[4, 5, 3]])
    cases, notes = find_cases(images)
    spec = BatchSpec(images, tmp_path / "out", overlay=False)
    queue, engine = open_queue(cases, spec), Corrected()
    assert run_batch(cases, queue, engine, spec, lambda *_: None, lambda *_: None, lambda: False)
    assert not notes
    assert queue.table() == [("a", "done", "")]
    first, (correction,) = engine.asked
    assert isinstance(first, LinePrompt)
    assert (correction.kind.value, correction.positive) == ("point", False)
    (found,) = read_records(tmp_path / "out" / "a.seg.nrrd", engine_volume(images))
    assert found.to_dict(engine_volume(images).geometry) == json.loads(
        queue.cases["a"].rows[0]["prompts"]
    )
    assert len(found.corrections) == 1
    log = (tmp_path / "out" / "logs" / "a.log").read_text()
    assert "Line 'a_line': LPS" in log
    assert "with 1 correction" in log


def engine_volume(images: Path) -> Volume:
    return read_volume(images / "a.nii.gz")


def test_an_engine_of_boxes_alone_says_so(tmp_path: Path, folder: Path) -> None:
    write(folder / "a.mrk.json", "Line", [[1, 2, 3], [6, 2, 3]])
    cases = [case for case in find_cases(folder)[0] if case.name == "a"]
    spec = BatchSpec(folder, tmp_path / "out")
    queue = open_queue(cases, spec)
    run_batch(cases, queue, Quick(), spec, lambda *_: None, lambda *_: None, lambda: False)
    assert queue.table()[0][1:] == ("failed", "Quick takes boxes alone; 'a' has other prompts.")
