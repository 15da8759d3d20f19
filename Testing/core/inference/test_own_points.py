"""A model with SAM's own prompt encoder is asked with points and masks, within the patch alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from masam_core.image.volume import Volume
from masam_core.inference import refining
from masam_core.inference.box_answer import box_job
from masam_core.inference.correcting import Said, Values
from masam_core.inference.engine import Run
from masam_core.inference.options import SegmentOptions
from masam_core.inference.own_points import MOST_POINTS, knows_points, points_on
from masam_core.inference.refining import Tools, refined
from masam_core.inference.segmenter import Segmenter
from masam_core.model.config import ModelConfig
from masam_core.model.prompt import NetworkPrompt
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.corrections import Correction

from .conftest import BuildModel

BOX = BoxPrompt.from_voxels(12, 32, 9, 29, 5, 13)
SAM = {
    "decoder": "sam",
    "fact_rank": 0,
    "adapter_position": "none",
    "num_slices": 1,
    "shape_prior": "none",
}


def same(_: Values, probability: Values, *__: object) -> Values:
    certain = probability.clip(1e-5, 1 - 1e-5)
    return np.log(certain / (1 - certain))


TOOLS = Tools(same, lambda patch: patch)


@pytest.fixture
def segmenter(build_model: BuildModel, volume: Volume) -> Segmenter:
    out = Segmenter(build_model(**SAM), device="cpu")
    out.set_volume(volume)
    return out


@pytest.fixture
def prompts(segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch) -> list[NetworkPrompt]:
    """What the decoder is asked from now on."""
    asked: list[NetworkPrompt] = []
    decode: Callable = segmenter.model.decode

    def keep(window: object, prompt: NetworkPrompt, *rest: object) -> object:
        asked.append(prompt)
        return decode(window, prompt, *rest)

    monkeypatch.setattr(segmenter.model, "decode", keep)
    return asked


def test_points_and_the_mask_so_far_reach_the_prompt_encoder(
    segmenter: Segmenter, volume: Volume, prompts: list[NetworkPrompt]
) -> None:
    lesion = segmenter.segment(BOX)
    prompts.clear()
    clicks = [
        Correction("point", volume.geometry.lps_from_ijk([[20, 18, 9]])),
        Correction("point", volume.geometry.lps_from_ijk([[25, 24, 9]]), positive=False),
    ]
    refined(segmenter, lesion, clicks, Run(SegmentOptions()), TOOLS)
    assert len(prompts) == 6  # the slice and one on each side, for each click
    with_points = [prompt for prompt in prompts if prompt.points is not None]
    assert [prompt.labels[0, :3].tolist() for prompt in with_points] == [[1, -1, -1], [0, 1, -1]]
    assert all(prompt.masks is not None and prompt.boxes is not None for prompt in prompts)
    config, frame = segmenter.config, volume.geometry.canonical_frame()
    crop = box_job(BOX, frame, 0, config).crop
    x, y = with_points[0].points[0, 0].tolist()
    scale = config.image_size / crop.width
    assert x == pytest.approx((20 - crop.x0 + 0.5) * scale - 0.5, abs=1e-4)
    assert y == pytest.approx((18 - crop.y0 + 0.5) * scale - 0.5, abs=1e-4)


def test_points_change_what_the_network_says(segmenter: Segmenter) -> None:
    torch.manual_seed(0)
    window = segmenter.model.encode(torch.rand(1, 1, 56, 56))
    box = torch.tensor([[5.0, 5.0, 40.0, 40.0]])
    points, labels = torch.tensor([[[20.0, 20.0]]]), torch.tensor([[1.0]])
    with torch.inference_mode():
        plain = segmenter.model.decode(window, NetworkPrompt(box))[0]
        given = segmenter.model.decode(window, NetworkPrompt(box, points=points, labels=labels))[0]
        padded = NetworkPrompt(
            box,
            points=torch.cat([points, torch.zeros(1, 2, 2)], dim=1),
            labels=torch.tensor([[1.0, -1.0, -1.0]]),
        )
        filled = segmenter.model.decode(window, padded)[0]
    assert not torch.allclose(plain, given, atol=1e-3)
    assert filled.shape == given.shape


def test_only_weights_that_know_points_get_them(
    build_model: BuildModel, volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert knows_points(ModelConfig(**SAM))
    assert not knows_points(ModelConfig(**{**SAM, "fact_rank": 32}))
    assert not knows_points(ModelConfig(decoder="progressive"))

    def never(*_: object) -> None:
        raise AssertionError("this model takes no points")

    monkeypatch.setattr(refining, "ask_with_points", never)
    segmenter = Segmenter(build_model(), device="cpu")
    segmenter.set_volume(volume)
    click = Correction("point", volume.geometry.lps_from_ijk([[20, 18, 9]]))
    refined(segmenter, segmenter.segment(BOX), [click], Run(SegmentOptions()), TOOLS)


def test_a_scribble_is_thinned_and_the_newest_word_comes_first(volume: Volume) -> None:
    config = ModelConfig(**SAM)
    job = box_job(BOX, volume.geometry.canonical_frame(), 0, config)
    scribble = np.array([[9, 10 + n % 15, 14 + n // 15] for n in range(60)])
    click = np.array([[9, 20, 20]])
    points, labels = points_on(9, job, [Said(click, False), Said(scribble, True)], config)
    assert points.shape == (MOST_POINTS, 2)
    assert labels[0] == 1
    assert points_on(8, job, [Said(click, False)], config)[1].size == 0


@pytest.mark.parametrize("index", [2, 15, -1])
def test_a_click_on_a_slice_outside_the_box_asks_the_model_nothing(
    segmenter: Segmenter, volume: Volume, prompts: list[NetworkPrompt], index: int
) -> None:
    """The box goes from slice 5 to 13; -1 is the volume's last slice, with the box beside it."""
    last = volume.geometry.shape[0] - 1
    box = BOX if index >= 0 else BoxPrompt.from_voxels(12, 32, 9, 29, 5, last - 1)
    lesion = segmenter.segment(box)
    prompts.clear()
    index = index if index >= 0 else last
    click = Correction("point", volume.geometry.lps_from_ijk([[20, 18, index]]))
    after = refined(segmenter, lesion, [click], Run(SegmentOptions()), TOOLS)
    assert prompts == []
    assert after.mask_on_volume()[index, 18, 20]
