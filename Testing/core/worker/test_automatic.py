"""Whole volumes by the worker's request, against the segmenter asked directly."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from masam_core.catalog.choice import ModelChoice
from masam_core.errors import Cancelled, ConfigError, MasamError
from masam_core.image.volume import Volume
from masam_core.inference.options import SegmentOptions
from masam_core.inference.segmenter import Segmenter
from masam_core.model.evidence import ClassEvidence, Evidence
from masam_core.model.masam import MASAM
from masam_core.worker.automatic import (
    WholeOutcome,
    automatic_steps,
    lesions_of,
    read_classes,
)
from masam_core.worker.client import Ask, WorkerError
from masam_core.worker.models import LoadedModel
from masam_core.worker.protocol import Decoder, ProtocolError, encode
from masam_core.worker.requests import Requests
from Testing.core.inference.conftest import build_model, volume

__all__ = ["build_model", "volume"]  # fixtures
AUTOMATIC = {"field_of_view": "slice", "shape_prior": "none", "num_classes": 3}
NAMES = ("liver", "spleen", "left kidney")
FAST = SegmentOptions(quality="fast")


class Wire:
    """A worker's requests in this process; every message goes through a frame, as over a pipe."""

    def __init__(self, model: MASAM) -> None:
        self.segmenter = Segmenter(model, device="cpu")
        self.requests = Requests()
        loaded = LoadedModel(ModelChoice(), Path("m"), (0, 0), "0" * 64, self.segmenter)
        self.requests.models.load = lambda _: loaded  # type: ignore[method-assign, assignment]
        self.requests.models.loaded = loaded
        self.sent: list[dict[str, Any]] = []
        self.cancelled: Callable[[], bool] = lambda: False

    def run(self, steps: Any) -> Any:
        answer = None
        try:
            while True:
                ask: Ask = steps.send(answer)
                message = _framed({"type": ask.type, "id": 1, **ask.fields})
                found = self.requests.answer(message, self.sent.append, lambda: self.cancelled())
                answer = _framed({"type": "ok", **found, "id": 1})
        except StopIteration as end:
            return end.value


def _framed(message: dict[str, Any]) -> dict[str, Any]:
    (back,) = Decoder().feed(encode(message))
    assert isinstance(back, dict)
    return back


@pytest.fixture
def wire(build_model: Callable[..., MASAM]) -> Wire:
    model = build_model(**AUTOMATIC, class_names=NAMES)
    checked = ClassEvidence(patients=8, excess=0.1, highest=0.9, volumes_ml=(0.001, 1000.0))
    model.evidence = Evidence((checked, ClassEvidence(), checked))
    return Wire(model)


def test_the_answer_is_what_the_segmenter_gives(wire: Wire, volume: Volume) -> None:
    outcome: WholeOutcome = wire.run(automatic_steps(ModelChoice(), volume, FAST))
    wire.segmenter.set_volume(volume)
    expected = wire.segmenter.segment_classes(FAST)
    got = lesions_of(outcome, volume)
    assert [lesion.name for lesion in got] == list(NAMES)
    assert outcome.model["automatic"] is True
    assert outcome.model["prompts"] is False
    assert [term["name"] for term in outcome.model["classes"]] == list(NAMES)
    for one, other, found in zip(got, expected, outcome.classes, strict=True):
        assert np.array_equal(one.mask_on_volume(), other.mask_on_volume())
        assert one.measurements == other.measurements
        assert one.confidence == pytest.approx(other.confidence, nan_ok=True)
        assert one.messages == other.messages
        assert one.term is not None
        assert other.term is not None
        assert one.term.entry == other.term.entry
        assert found.found == other.mask.any()
    found = {each.term.name: each for each in outcome.classes if each.found}
    assert any(each.confidence > 0 for each in found.values())
    assert math.isnan(found["spleen"].confidence)
    assert any("never checked" in note for note in found["spleen"].messages)
    said = [message["text"] for message in wire.sent if message["type"] == "progress"]
    assert said[0] == "window 1 of 4"


def test_classes_are_chosen_and_an_unknown_one_is_refused(wire: Wire, volume: Volume) -> None:
    outcome = wire.run(automatic_steps(ModelChoice(), volume, FAST, ["spleen"]))
    assert [found.term.name for found in outcome.classes] == ["spleen"]
    with pytest.raises(ConfigError, match="knows no 'heart'"):
        wire.run(automatic_steps(ModelChoice(), volume, FAST, ["heart"]))
    with pytest.raises(ProtocolError, match="names"):
        wire.requests.answer(
            {"type": "automatic", "volume": volume.content_hash, "classes": [1]},
            wire.sent.append,
            lambda: False,
        )


def test_cancelling_works_between_windows(wire: Wire, volume: Volume) -> None:
    wire.cancelled = lambda: len(wire.sent) >= 2
    with pytest.raises(Cancelled):
        wire.run(automatic_steps(ModelChoice(), volume, FAST))
    assert [message["text"] for message in wire.sent] == ["window 1 of 4", "window 2 of 4"]


def test_a_model_says_what_it_does_before_it_is_loaded() -> None:
    requests = Requests()
    ask: Any = (lambda _: None, lambda: False)
    answer = requests.answer({"type": "describe_model", "model": "bundled"}, *ask)
    assert (answer["prompts"], answer["automatic"]) == (True, False)
    with pytest.raises(MasamError, match="no model"):
        requests.answer({"type": "describe_model", "model": "nonsense"}, *ask)
    rows = {row["name"]: row for row in requests.answer({"type": "models"}, *ask)["models"]}
    assert rows["masam-authors"]["automatic"] is True
    assert rows["sam-vit-b"]["prompts"] is True


def _answer(**changes: Any) -> dict[str, Any]:
    labels = np.zeros((2, 3, 4), np.uint8)
    labels[1, 1:, 2] = 2
    term = {
        "name": "liver",
        "color": [1, 2, 3],
        "code": ["SCT", "10200004", "Liver"],
        "category": ["SCT", "123037004", "Anatomical Structure"],
        "modifier": None,
    }
    one = {"value": 2, "term": term, "voxels": 2, "extent": [5, 6, 7, 9, 8, 9]}
    entry = {**one, "confidence": 0.5, "measurements": {}, **changes.pop("entry", {})}
    whole = {"shape": [2, 3, 4], "offset": [4, 6, 6], "labels": zlib.compress(labels.tobytes())}
    return {**whole, "classes": [entry], **changes}


def test_a_class_is_cut_out_of_the_labelmap() -> None:
    (found,) = read_classes(_answer(), (9, 9, 12))
    assert found.offset_kji == (5, 7, 8)
    assert found.mask.tolist() == [[[True], [True]]]
    none = {"value": 3, "voxels": 0, "extent": [0, 1, 0, 1, 0, 1]}
    (absent,) = read_classes(_answer(entry=none), (9, 9, 12))
    assert not absent.found


def test_a_confidence_that_an_older_worker_did_not_check_is_not_known() -> None:
    (old,) = read_classes(_answer(), (9, 9, 12))
    assert math.isnan(old.confidence)
    assert "older version" in old.messages[0]
    new = {"confidence": 0.5, "messages": ["Look."]}
    (told,) = read_classes(_answer(entry=new), (9, 9, 12))
    assert (told.confidence, told.messages) == (0.5, ("Look.",))


@pytest.mark.parametrize(
    "changes",
    [
        {"offset": [8, 6, 6]},
        {"offset": [-1, 0, 0]},
        {"shape": [2, 3]},
        {"labels": zlib.compress(b"short")},
        {"labels": b"damaged"},
        {"entry": {"voxels": 7}},
        {"entry": {"extent": [0, 99, 0, 99, 0, 99]}},
        {"entry": {"extent": [1, 2]}},
        {"entry": {"term": {}}},
        {"entry": {"messages": "text"}},
        {"entry": {"messages": [1]}},
        {"classes": [3]},
    ],
)
def test_an_answer_that_does_not_fit_is_an_error(changes: dict[str, Any], volume: Volume) -> None:
    steps = automatic_steps(ModelChoice(), volume, FAST)
    next(steps)
    steps.send({"name": "m"})
    steps.send({"known": True})
    with pytest.raises((WorkerError, ProtocolError)):
        steps.send({"seconds": 0.0, **_answer(**changes)})
