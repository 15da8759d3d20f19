"""Every kind of prompt, corrections and masks through the worker's requests and back.

The messages go through the protocol's bytes; the model is one that notes what it was asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from masam_core.catalog.choice import ModelChoice
from masam_core.errors import BoxError, MasamError, SegmentationError
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.inference.options import SegmentOptions
from masam_core.lesion.cut import Cut
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.measure import measure
from masam_core.lesion.painted import Painted
from masam_core.model.abilities import Abilities
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.corrections import Correction
from masam_core.prompts.first import FirstPrompt, LinePrompt, PointPrompt, SliceBoxPrompt
from masam_core.prompts.record import PromptRecord, correction_to_dict, first_to_dict
from masam_core.worker.client import Steps
from masam_core.worker.codes import code_of
from masam_core.worker.kept import KeptProbabilities
from masam_core.worker.lesions import lesion_fields, read_lesion
from masam_core.worker.models import LoadedModel
from masam_core.worker.protocol import Decoder, encode, pack_mask
from masam_core.worker.remote import RemoteSegmenter
from masam_core.worker.requests import Requests
from masam_core.worker.steps import local_error

GRID = Geometry.from_spacing((12, 13, 14), (1.0, 2.0, 3.0), (-7.0, 3.0, 50.0))
BOX = BoxPrompt.from_voxels(3, 9, 4, 9, 5, 9, name="left")


def lps(*ijk: tuple[float, float, float]) -> np.ndarray:
    return GRID.lps_from_ijk(ijk)


LINE = LinePrompt(lps((3, 5, 6), (9, 5, 6)), lps((6, 4, 6), (6, 8, 6)), "line")
FLAT = SliceBoxPrompt(lps((3, 4, 6), (9, 4, 6), (9, 9, 6), (3, 9, 6)), "flat")
CLICK = PointPrompt(lps((5, 6, 7))[0], "click")
SAID = (
    Correction("scribble", lps((1, 2, 3), (4, 5, 6)), False),
    Correction("point", lps((5, 6, 7))),
)  # type: ignore[arg-type]


class Noting:
    """A model that notes what it is asked; its masks are the box of its answer, less a voxel a
    correction."""

    def __init__(self) -> None:
        self.config = SimpleNamespace(name="noting", backbone="none", threshold=0.5)
        self.device, self.precision = "cpu", "float32"
        self.abilities = Abilities(prompts=True, automatic=False, video=False, classes=())
        self.asked: dict[str, Any] = {}

    def set_volume(self, volume: Volume) -> None:
        self.volume = volume

    def segment(self, first: Any, options: Any, **asked: Any) -> Lesion:
        self.asked = {"first": first, "options": options, **asked}
        if first is not None and first.name == "bad":
            raise BoxError("no such place")
        return self._lesion(4)

    def refine(self, lesion: Lesion, corrections: Any, options: Any, **asked: Any) -> Lesion:
        self.asked = {"lesion": lesion, "corrections": corrections, "options": options, **asked}
        asked["progress"](0.5, "correction 1 of 1")
        return replace(self._lesion(4 - len(corrections)), messages=("corrected",))

    def _lesion(self, count: int) -> Lesion:
        mask = np.zeros((2, 2, 2), bool)
        mask.reshape(-1)[:count] = True
        return Lesion(
            name="",
            mask=mask,
            offset_kji=(5, 4, 3),
            probability=np.full(mask.shape, count / 10, np.float32),
            confidence=0.5,
            box=BOX,
            geometry=self.volume.geometry,
            measurements=measure(mask, (5, 4, 3), self.volume),
            messages=("a note",),
            cuts=(Cut("left", 12.0, 0.75),),  # type: ignore[arg-type]
            looked_mm=21.5,
        )


class Direct:
    """Runs steps against the requests in this process, through the protocol's bytes."""

    def __init__(self, model: Noting) -> None:
        self.requests = Requests()
        loaded = LoadedModel(ModelChoice(), Path(), (0, 0), "", model)  # type: ignore[arg-type]
        self.requests.models.loaded = loaded
        self.requests.models.load = lambda _: loaded  # type: ignore[method-assign]

    def ask(self, kind: str, fields: dict[str, Any], hear: Callable[[Any], None]) -> Any:
        (message,) = Decoder().feed(encode({"type": kind, "id": 1, **fields}))
        assert isinstance(message, dict)
        answer = self.requests.answer(message, hear, lambda: False)
        return Decoder().feed(encode({"type": "ok", "id": 1, **answer}))[0]

    def run(self, steps: Steps, on_event: Any = None, cancelled: Any = None) -> Any:
        def hear(message: Any) -> None:
            (message,) = Decoder().feed(encode({**message, "id": 1}))
            for each in (ask.on_event, on_event):
                if each is not None:
                    each(message)

        ask = next(steps)
        while True:
            try:
                answer = self.ask(ask.type, ask.fields, hear)
            except MasamError as error:
                raise local_error(code_of(error), str(error)) from error
            try:
                ask = steps.send(answer)
            except StopIteration as stop:
                return stop.value

    def close(self) -> None:
        pass


@pytest.fixture
def model() -> Noting:
    return Noting()


@pytest.fixture
def remote(model: Noting, monkeypatch: pytest.MonkeyPatch) -> RemoteSegmenter:
    made = RemoteSegmenter("not started")
    monkeypatch.setattr(made, "_worker", Direct(model))
    array = np.random.default_rng(0).normal(size=GRID.shape).astype(np.float32)
    made.set_volume(Volume(array, GRID, "MR", "scan", notes=("spacing taken for 1 mm",)))
    return made


@pytest.mark.parametrize("first", [BOX, LINE, FLAT, CLICK], ids=lambda first: first.name)
def test_every_first_prompt_arrives_with_its_corrections(
    first: FirstPrompt, model: Noting, remote: RemoteSegmenter
) -> None:
    lesion = remote.segment(first, corrections=SAID, extend="auto")
    asked = model.asked
    assert first_to_dict(asked["first"], GRID) == first_to_dict(first, GRID)
    assert [correction_to_dict(c) for c in asked["corrections"]] == [
        correction_to_dict(c) for c in SAID
    ]
    assert asked["mask"] is None
    assert asked["options"] == SegmentOptions(extend="auto")  # type: ignore[arg-type]
    assert lesion.prompts is not None
    assert lesion.prompts.to_dict(GRID) == PromptRecord(first, SAID).to_dict(GRID)
    assert (lesion.name, lesion.cuts[0].side, lesion.looked_mm) == (first.name, "left", 21.5)
    assert np.array_equal(lesion.box.corners_ijk, BOX.corners_ijk)
    assert lesion.messages == ("spacing taken for 1 mm", "a note")
    assert lesion.known_confidence is None


def test_a_box_arrives_to_the_last_digit(model: Noting, remote: RemoteSegmenter) -> None:
    odd = BoxPrompt(BOX.corners_ijk + 1 / 3)
    remote.segment(odd)
    assert np.array_equal(model.asked["first"].corners_ijk, odd.corners_ijk)


def test_a_mask_arrives_alone_and_beside_a_prompt(model: Noting, remote: RemoteSegmenter) -> None:
    mask = np.zeros(GRID.shape, bool)
    mask[3:6, 4, 7:9] = True
    lesion = remote.segment(mask=mask)
    assert np.array_equal(model.asked["mask"], mask)
    assert np.allclose(
        model.asked["first"].corners_ijk, BoxPrompt.from_voxels(7, 8, 4, 4, 3, 5).corners_ijk
    )
    assert lesion.prompts is not None
    assert lesion.prompts.started_from_mask
    remote.segment(LINE, mask=mask.astype(np.uint8))  # type: ignore[arg-type]
    assert isinstance(model.asked["first"], LinePrompt)
    assert np.array_equal(model.asked["mask"], mask)
    for wrong, words in ((mask[1:], "must be the same"), (mask & False, "is empty")):
        with pytest.raises(SegmentationError, match=words):
            remote.segment(mask=wrong)
    with pytest.raises(BoxError, match="nothing to begin with"):
        remote.segment()


def test_another_client_may_send_a_mask_without_a_prompt(
    model: Noting, remote: RemoteSegmenter
) -> None:
    remote.segment(BOX)  # the volume is there now
    direct: Any = remote._worker
    mask = {"mask": pack_mask(np.ones((1, 2, 1), bool), (2, 3, 4))}
    came: list[Any] = []
    fields = {"volume": remote.volume.content_hash, "boxes": [{"id": "a", **mask}, {"id": "b"}]}
    answer = direct.ask("segment", fields, came.append)
    assert model.asked["first"] is None
    assert model.asked["mask"].sum() == 2
    assert answer["failed"] == 1
    assert "'corners_ijk' must be 24 numbers" in came[-1]["error"]


def test_a_correction_is_answered_from_the_probabilities_that_the_worker_keeps(
    model: Noting, remote: RemoteSegmenter
) -> None:
    told: list[tuple[float, str]] = []
    lesion = remote.segment(LINE)
    better = remote.refine(lesion, SAID[1:], progress=lambda *two: told.append(two), smooth_mm=1.0)
    asked = model.asked
    assert asked["options"].postprocess.smooth_mm == 1.0
    assert asked["lesion"].probability.max() == pytest.approx(0.4)
    assert np.array_equal(asked["lesion"].mask_on_volume(), lesion.mask_on_volume())
    assert asked["lesion"].prompts.to_dict(GRID) == PromptRecord(LINE).to_dict(GRID)
    assert asked["lesion"].messages == ("a note",)
    assert (asked["lesion"].confidence, asked["lesion"].looked_mm) == (0.5, 21.5)
    assert correction_to_dict(asked["corrections"][0]) == correction_to_dict(SAID[1])
    assert asked["painted"] is None
    assert told == [(0.5, "correction 1 of 1")]
    assert better.mask.sum() == 3
    assert better.messages == ("spacing taken for 1 mm", "corrected")
    assert better.prompts is not None
    assert better.prompts.to_dict(GRID) == PromptRecord(LINE, SAID[1:]).to_dict(GRID)
    assert better.name == lesion.name == "line"
    assert lesion.mask.sum() == 4  # stays as it was
    # Undone: asked again from the mask before.
    again = remote.refine(lesion, SAID)
    assert model.asked["lesion"].probability.max() == pytest.approx(0.4)
    assert again.prompts is not None
    assert len(again.prompts.corrections) == 2


def test_a_mask_that_was_touched_up_by_hand_has_no_probabilities(
    model: Noting, remote: RemoteSegmenter
) -> None:
    lesion = remote.segment(BOX)
    touched = lesion.mask.copy()
    touched[1, 1, 1], touched[0, 0, 0] = True, False
    by_hand = replace(lesion, mask=touched)
    painted = Painted.between(lesion.mask_on_volume(), by_hand.mask_on_volume())
    remote.refine(by_hand, SAID[1:], painted=painted)
    asked = model.asked
    assert asked["lesion"].probability is None
    assert np.array_equal(asked["lesion"].mask_on_volume(), by_hand.mask_on_volume())
    assert np.array_equal(asked["painted"].values, painted.values)
    assert asked["painted"].offset_kji == painted.offset_kji
    elsewhere = Volume(np.zeros((3, 3, 3), np.float32), Geometry.from_spacing((3, 3, 3)))
    remote.set_volume(elsewhere)
    with pytest.raises(SegmentationError, match="another image"):
        remote.refine(by_hand, SAID[1:])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"record": {"version": 9}}, "The record: they are of version 9"),
        ({"record": 3}, "'record' is int"),
        ({"corrections": 3}, "must be a list of corrections"),
        ({"corrections": [{"kind": "brush"}]}, "brush"),
        ({"mask": {}}, "holds no mask"),
        ({"corners_ijk": [1, 2]}, "describes no lesion"),
        ({"cuts": [3]}, "A cut is 3"),
        ({"painted": pack_mask(np.ones((1, 1, 1), bool), (0, 0, 0))}, "holds no mask"),
        (
            {
                "painted": pack_mask(np.ones((1, 1, 1), bool), (0, 0, 0)),
                "erased": pack_mask(np.ones((1, 1, 1), bool), (0, 0, 1)),
            },
            "crops of one place",
        ),
    ],
)
def test_what_is_no_correction_is_refused(
    change: dict[str, Any], words: str, remote: RemoteSegmenter
) -> None:
    lesion = remote.segment(BOX)
    direct: Any = remote._worker
    fields = {
        "volume": remote.volume.content_hash,
        **lesion_fields(lesion),
        "record": PromptRecord(BOX).to_dict(GRID),
        "corrections": [correction_to_dict(SAID[1])],
    }
    direct.ask("refine", fields, lambda _: None)
    with pytest.raises(MasamError, match=words):
        direct.ask("refine", {**fields, **change}, lambda _: None)


def test_one_bad_prompt_stops_no_other(model: Noting, remote: RemoteSegmenter) -> None:
    with pytest.raises(BoxError, match="no such place"):
        remote.segment(BOX.renamed("bad"))
    assert remote.segment(BOX).mask.any()


def test_probabilities_leave_when_there_is_no_room(model: Noting) -> None:
    model.set_volume(Volume(np.zeros(GRID.shape, np.float32), GRID))
    first, second = model._lesion(4), model._lesion(3)
    kept = KeptProbabilities(limit_bytes=first.probability.nbytes)  # type: ignore[union-attr]
    kept.keep("v", first)
    assert kept.of_mask("v", first.mask, first.offset_kji) is first.probability
    assert kept.of_mask("w", first.mask, first.offset_kji) is None
    assert kept.of_mask("v", first.mask, (0, 0, 0)) is None
    kept.keep("v", second)
    assert kept.of_mask("v", first.mask, first.offset_kji) is None
    assert kept.of_mask("v", second.mask, second.offset_kji) is second.probability
    kept.keep("v", replace(first, probability=None))
    assert len(kept) == 1
    kept.clear()
    assert len(kept) == 0


def test_fields_of_a_lesion_come_back(model: Noting) -> None:
    volume = Volume(np.zeros(GRID.shape, np.float32), GRID)
    model.set_volume(volume)
    lesion = model._lesion(4)
    found = read_lesion(lesion_fields(lesion), "n", volume, "m", None)
    assert lesion_fields(found) == lesion_fields(lesion)
    assert found.prompts is not None
    assert isinstance(found.prompts.first, BoxPrompt)


def test_probabilities_are_known_in_whatever_crop_a_mask_comes_back() -> None:
    rng = np.random.default_rng(0)
    mask = np.zeros((5, 6, 7), dtype=bool)
    mask[1:4, 2:5, 1:6] = True
    probability = rng.random(mask.shape, dtype=np.float32)
    kept = KeptProbabilities()
    made = SimpleNamespace(mask=mask, probability=probability, offset_kji=(10, 20, 30))
    kept.keep("v", cast("Lesion", made))
    tight = np.s_[1:4, 2:5, 1:6]
    found = kept.of_mask("v", mask[tight], (11, 22, 31))
    assert found is not None
    assert np.array_equal(found, probability[tight])
    wide = np.pad(mask, 2)
    found = kept.of_mask("v", wide, (8, 18, 28))
    assert found is not None
    assert np.array_equal(found[2:-2, 2:-2, 2:-2], probability)
    assert not found[0].any()
    assert kept.of_mask("v", mask[tight], (11, 22, 32)) is None  # moved
    other = mask[tight].copy()
    other[0, 0, 0] = False
    assert kept.of_mask("v", other, (11, 22, 31)) is None  # touched up
