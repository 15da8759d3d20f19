"""Every request, on a worker process with the bundled model."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from masam_core.catalog.bundled import bundled_model_path
from masam_core.catalog.choice import ModelChoice
from masam_core.digest import sha256_of
from masam_core.errors import BoxError, Cancelled, MasamError, VolumeError
from masam_core.image.volume import Volume, read_volume
from masam_core.inference.options import SegmentOptions
from masam_core.inference.segmenter import Segmenter
from masam_core.lesion.diameter_plane import DiameterPlane
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.measure import measure
from masam_core.model.checkpoint import load_model
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.corrections import Correction
from masam_core.worker.client import Ask, Steps, WorkerError
from masam_core.worker.codes import code_of
from masam_core.worker.protocol import pack_mask
from masam_core.worker.steps import (
    Outcome,
    Result,
    ask_steps,
    measure_steps,
    put_volume_steps,
    refine_steps,
    segment_steps,
)
from masam_core.worker.subprocess_transport import BlockingWorker
from Testing.core.worker.conftest import ROOT, Start

FAST = SegmentOptions(quality="fast")


@pytest.fixture(scope="module")
def case(sample_data: Path) -> tuple[Volume, BoxPrompt]:
    """The bundled MR, and a box around five slices of its tumour, which fill one window."""
    volume = read_volume(sample_data / "sarcoma_mr" / "image.nii.gz")
    return volume, BoxPrompt.from_voxels(17, 96, 20, 89, 20, 24, name="Tumour")


@pytest.fixture
def worker(start_worker: Start) -> Iterator[BlockingWorker]:
    return start_worker()


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlockingWorker]:
    """One for all requests that leave it as it was."""
    home = {"PYTHONPATH": str(ROOT), "MASAM_HOME": str(tmp_path_factory.mktemp("home"))}
    worker = BlockingWorker([sys.executable, "-m", "masam_core.worker"], {**os.environ, **home})
    yield worker
    worker.close()


def segment(
    worker: BlockingWorker, volume: Volume, boxes: list[tuple[str, BoxPrompt]], **choice: Any
) -> tuple[list[Result], Outcome, list[dict[str, Any]]]:
    events: list[dict[str, Any]] = []
    outcome = worker.run(
        segment_steps(ModelChoice(**choice), volume, boxes, FAST), events.append, seconds=120
    )
    assert list(outcome.results) == [number for number, _ in boxes]
    return list(outcome.results.values()), outcome, events


def test_the_worker_gives_what_the_core_gives(
    worker: BlockingWorker, case: tuple[Volume, BoxPrompt]
) -> None:
    volume, box = case
    outside = BoxPrompt.from_voxels(0, 5, 0, 5, 5000, 5005)
    boxes = [("a", box), ("b", outside)]
    found, outcome, events = segment(worker, volume, boxes, precision="float32")
    expected = Segmenter(load_model(bundled_model_path()), precision="float32")
    expected.set_volume(volume)
    lesion = expected.segment(box, FAST)
    assert isinstance(found[0], Lesion)
    # The two processes may round differently (threads), which can tip a voxel at the threshold.
    assert (found[0].mask != lesion.mask).mean() < 1e-4
    assert found[0].offset_kji == lesion.offset_kji
    assert found[0].confidence == pytest.approx(lesion.confidence, abs=1e-3, nan_ok=True)
    assert found[0].name == lesion.name
    assert found[0].geometry.same_grid(volume.geometry)
    assert np.array_equal(found[0].box.corners_ijk, box.corners_ijk)
    assert found[0].probability is None
    assert found[0].measurements.volume_ml == pytest.approx(lesion.measurements.volume_ml, rel=1e-3)
    assert isinstance(found[1], BoxError)
    assert "outside the volume" in str(found[1])
    assert outcome.model["sha256"] == sha256_of(bundled_model_path())
    fractions = [e["fraction"] for e in events if e["type"] == "progress"]
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] < fractions[-1] <= 1

    again = worker.run(measure_steps(volume, lesion.mask, lesion.offset_kji), seconds=60)
    assert again == measure(lesion.mask, lesion.offset_kji, volume).to_dict()
    steps = measure_steps(volume, lesion.mask, lesion.offset_kji, slice_axis=0)
    sagittal = worker.run(steps, seconds=60)
    assert sagittal == measure(lesion.mask, lesion.offset_kji, volume, slice_axis=0).to_dict()
    assert sagittal["diameter_axis"] == 0 != again["diameter_axis"]
    steps = measure_steps(volume, lesion.mask, lesion.offset_kji, None, DiameterPlane.SAGITTAL)
    assert worker.run(steps, seconds=60)["diameter_plane"] == "sagittal"
    wrong = {"volume": volume.content_hash, "mask": pack_mask(lesion.mask, lesion.offset_kji)}
    with pytest.raises(WorkerError, match="expected one of auto, axial"):
        worker.run(ask_steps("measure", **wrong, diameter_plane="oblique"), seconds=60)

    away = Correction("point", [lesion.measurements.centroid_lps], False)  # type: ignore[arg-type]
    ask = ModelChoice(precision="float32"), volume, found[0], [away], FAST
    refined = worker.run(refine_steps(*ask), seconds=120)
    better = expected.refine(lesion, [away], FAST)
    assert np.array_equal(refined.box.corners_ijk, box.corners_ijk)
    whole, local = refined.mask_on_volume(), better.mask_on_volume()
    assert (whole != local).sum() < 1e-3 * local.sum()
    assert (whole != found[0].mask_on_volume()).any()
    assert len(refined.prompts.corrections) == 1

    events.clear()
    options = SegmentOptions.from_dict({"quality": "fast", "slice_axis": "j"})
    thin = BoxPrompt.from_voxels(17, 96, 52, 56, 20, 24)  # few slices along j
    steps = segment_steps(ModelChoice(), volume, [("a", thin)], options)
    worker.run(steps, events.append, seconds=120)
    (message,) = [e for e in events if e["type"] == "lesion"]
    assert message["measurements"]["diameter_axis"] == 1
    bad = {"volume": volume.content_hash, "boxes": [], "options": {"slice_axis": 7}}
    with pytest.raises(WorkerError, match="i, j or k") as caught:
        worker.run(ask_steps("segment", **bad), seconds=60)
    assert caught.value.code == "settings"

    for what in ("cache", "volumes", "model", "all"):
        worker.run(ask_steps("release", what=what), seconds=60)
    with pytest.raises(WorkerError, match="Load a model") as caught:
        worker.run(
            ask_steps("segment", volume=volume.content_hash, boxes=[], options={}), seconds=60
        )
    assert caught.value.code == "settings"


def test_the_volume_is_sent_once(worker: BlockingWorker, case: tuple[Volume, BoxPrompt]) -> None:
    volume, _ = case
    sent: list[str] = []

    def counted() -> Steps:
        steps, answer = put_volume_steps(volume), None
        while True:
            try:
                ask = next(steps) if answer is None else steps.send(answer)
            except StopIteration:
                return
            sent.append(ask.type)
            answer = yield ask

    worker.run(counted(), seconds=60)
    worker.run(counted(), seconds=60)
    assert sent[0] == "put_volume"
    assert "volume_part" in sent
    assert sent[-1] == "put_volume"
    assert sent.count("put_volume") == 2


def test_a_volume_that_was_not_given_is_named_as_the_reason(refusing: BlockingWorker) -> None:
    mask = pack_mask(np.ones((1, 1, 1), bool), (0, 0, 0))
    with pytest.raises(WorkerError, match="send it first") as caught:
        refusing.run(ask_steps("measure", volume="ab", mask=mask), seconds=60)
    assert caught.value.code == "unknown_volume"


def test_a_volume_pushed_out_meanwhile_is_sent_again(case: tuple[Volume, BoxPrompt]) -> None:
    volume, box = case
    steps = segment_steps(ModelChoice(), volume, [("a", box)], FAST)
    asked = [next(steps).type, steps.send({"name": "m"}).type, steps.send({"known": True}).type]
    asked.append(steps.throw(WorkerError("unknown_volume", "gone")).type)
    asked.append(steps.send({"known": True}).type)
    assert asked == ["load_model", "put_volume", "segment", "put_volume", "segment"]


class Scripted:
    """Answers the steps of a segmentation with what a worker is said to have sent."""

    def __init__(self, *lesions: dict[str, Any]) -> None:
        self.lesions = lesions

    def run(self, steps: Steps) -> Outcome:
        answers: dict[str, dict[str, Any]] = {
            "load_model": {"name": "m"},
            "put_volume": {"known": True},
            "segment": {"seconds": 1.0},
        }
        ask = next(steps)
        while True:
            for message in self.lesions if ask.on_event is not None else ():
                ask.on_event({"type": "lesion", **message})
            try:
                ask = steps.send(answers[ask.type])
            except StopIteration as stop:
                outcome: Outcome = stop.value
                return outcome


def test_whatever_comes_for_a_box_its_result_is_a_lesion_or_a_reason(
    case: tuple[Volume, BoxPrompt],
) -> None:
    volume, box = case
    mask = np.ones((2, 3, 4), dtype=bool)
    good = {
        "mask": pack_mask(mask, (5, 6, 7)),
        "confidence": 0.5,
        "measurements": measure(mask, (5, 6, 7), volume).to_dict(),
        "messages": ["a note"],
        "corners_ijk": box.corners_ijk.reshape(-1).tolist(),
    }
    worker = Scripted(
        {"box": "good", **good},
        {"box": "refused", "code": "memory", "error": "too large"},
        {"box": "unforeseen", "code": "internal", "error": "a bug"},
        {"box": "outside", **good, "mask": pack_mask(mask, (500, 6, 7))},
        {"box": "newer", **good, "measurements": {"voxels": 24, "colour": "green"}},
        {"box": "damaged", **good, "mask": {"shape": [1, 1, 1]}},
        {"box": "nobody's", **good},
    )
    names = ["good", "refused", "unforeseen", "outside", "newer", "damaged", "silent"]
    boxes = [(name, box.renamed(name)) for name in names]
    results = worker.run(segment_steps(ModelChoice(), volume, boxes, FAST)).results
    assert list(results) == names
    lesion = results["good"]
    assert isinstance(lesion, Lesion)
    assert (lesion.name, lesion.model, lesion.messages) == ("good", "m", ("a note",))
    assert lesion.measurements == measure(mask, (5, 6, 7), volume)
    assert np.argwhere(lesion.mask_on_volume()).min(axis=0).tolist() == [5, 6, 7]
    kinds = {name: type(results[name]).__name__ for name in names[1:]}
    assert kinds == {
        "refused": "DeviceMemoryError",
        "unforeseen": "WorkerError",
        "outside": "ProtocolError",
        "newer": "Lesion",  # a measurement more than this side knows is kept
        "damaged": "ProtocolError",
        "silent": "WorkerError",
    }
    newer = results["newer"]
    assert isinstance(newer, Lesion)
    assert newer.measurements.to_dict()["colour"] == "green"
    assert "no answer" in str(results["silent"])


def test_a_model_file_that_is_gone_is_an_error_and_the_bundled_one_still_works(
    worker: BlockingWorker, tmp_path: Path
) -> None:
    with pytest.raises(WorkerError, match="no weight file") as caught:
        worker.run(ask_steps("load_model", model=str(tmp_path / "gone.safetensors")), seconds=60)
    assert caught.value.code == "model"
    with pytest.raises(WorkerError, match="no model 'nonsense'"):
        worker.run(ask_steps("load_model", model="nonsense"), seconds=60)
    assert worker.run(ask_steps("load_model"), seconds=60)["backbone"] == "vit_s14"


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        ("hello", {}, "needs the field 'protocol'"),
        ("load_model", {"model": 5}, "expected str"),
        ("load_model", {"cache_bytes": 1}, "expected 64 to 65536 MB"),
        ("put_volume", {"ijk_to_lps": [1.0]}, "must be 16 numbers"),
        ("put_volume", {"ijk_to_lps": [1.0] * 16, "shape": [0, 1, 1]}, "three positive"),
        ("volume_part", {"hash": "x", "offset": 0, "data": b"1"}, "not announced"),
        ("release", {"what": "everything"}, "expected model, volumes, cache or all"),
        ("verify_model", {"name": "nonsense"}, "no model 'nonsense'"),
        ("download_model", {"name": "bundled"}, "no direct download"),
    ],
)
def test_bad_requests_say_what_was_expected(
    refusing: BlockingWorker, kind: str, fields: dict[str, Any], says: str
) -> None:
    with pytest.raises(WorkerError, match=says):
        refusing.run(_one(kind, fields), seconds=60)


def _one(kind: str, fields: dict[str, Any]) -> Steps:
    return (yield Ask(kind, fields))


def test_the_lists_of_models_and_devices(worker: BlockingWorker) -> None:
    models = {m["name"]: m for m in worker.run(ask_steps("models"), seconds=60)["models"]}
    assert models["bundled"]["here"] is True
    assert models["sam-vit-b"]["here"] is False
    assert models["sam-vit-b"]["downloadable"] is True
    devices = worker.run(ask_steps("devices"), seconds=60)["devices"]
    assert "cpu" in [device["name"] for device in devices]
    assert devices[-1]["total_bytes"] is None or devices[-1]["total_bytes"] > 1 << 28


def test_a_worker_in_slicer_needs_only_the_few_packages_that_slicer_gets(
    case: tuple[Volume, BoxPrompt],
) -> None:
    volume, box = case
    code = (
        "import sys\n"
        "for name in ('typer', 'rich', 'matplotlib', 'lightning_fabric', 'onnx', 'scipy'):\n"
        "    sys.modules[name] = None\n"
        "from masam_core.worker.server import serve\n"
        "serve()\n"
    )
    worker = BlockingWorker([sys.executable, "-c", code], {**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        found, _, _ = segment(worker, volume, [("a", box)])
    finally:
        worker.close()
    assert isinstance(found[0], Lesion)
    assert found[0].mask.any()


def test_the_protocol_side_needs_no_torch() -> None:
    code = (
        "import sys, masam_core.worker.remote, masam_core.worker.subprocess_transport;"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_each_error_has_its_word_and_a_kind_of_it_has_the_same() -> None:
    def below(kind: type[Exception]) -> list[type[Exception]]:
        return [one for sub in kind.__subclasses__() for one in (sub, *below(sub))]

    known = {kind: code_of(kind("?")) for kind in below(MasamError) if kind is not WorkerError}
    assert [kind for kind, code in known.items() if code == "internal"] == []

    class TooThin(VolumeError):
        pass

    assert code_of(TooThin("one slice")) == code_of(VolumeError("none")) == "volume"
    assert code_of(Cancelled("stop")) == "cancelled"
    assert code_of(ZeroDivisionError("unforeseen")) == "internal"
