"""Samples: boxes fit the mask, only the box's slices count, draws repeat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from masam_core.model.config import ModelConfig
from masam_core.training.augment import build_augmentation
from masam_core.training.prepared import PreparedCase
from masam_core.training.prompts import PromptConfig, box_of_mask
from masam_core.training.samples import draw_batch
from masam_core.training.sources import Sources

TIGHT = PromptConfig(jitter=0.0, tight=1.0)


def test_a_sample_without_augmentation_has_the_tight_box_of_the_lesion(
    prepared: list[PreparedCase], tiny_model: ModelConfig
) -> None:
    for seed in range(8):
        batch = draw_batch(Sources(prepared[:1]), tiny_model, None, TIGHT, [(0, seed)])
        assert batch.windows.shape == (1, 5, 56, 56)
        assert batch.prompt.boxes is not None
        box = batch.prompt.boxes[0, 0]
        assert (
            batch.prompt.boxes[0] == box
        ).all()  # the same box on every slice, as a user draws it
        for mask in batch.masks[0]:
            found = box_of_mask(mask > 0)
            if found is not None:
                assert (found[:2] >= box[:2] - 0.01).all()
                assert (found[2:] <= box[2:] + 0.01).all()
        width, height = (box[2] - box[0]).item(), (box[3] - box[1]).item()
        assert width / height == pytest.approx(21 / 17, abs=0.15)
        assert 1.2 < 56 / width < 2.5
        assert batch.inside.any()


def test_only_slices_of_the_box_count(
    prepared: list[PreparedCase], tiny_model: ModelConfig
) -> None:
    counted = 0
    for seed in range(20):
        batch = draw_batch(Sources(prepared[:1]), tiny_model, None, TIGHT, [(1, seed)])
        for mask, inside in zip(batch.masks[0], batch.inside[0], strict=True):
            counted += int(not inside)
            if bool(inside):
                assert mask.any()  # with a tight box each counted slice holds lesion
    assert counted > 0


def test_the_same_seed_gives_the_same_batch_and_another_another(
    prepared: list[PreparedCase], tiny_model: ModelConfig
) -> None:
    transform = build_augmentation()
    sources = Sources(prepared[:2], synthetic=0.5)
    seeds = [(3, 7, n) for n in range(3)]
    first = draw_batch(sources, tiny_model, transform, PromptConfig(), seeds)
    torch.rand(9)  # the global state of torch plays no part
    second = draw_batch(sources, tiny_model, transform, PromptConfig(), seeds)
    other = draw_batch(sources, tiny_model, transform, PromptConfig(), seeds[1:])
    assert torch.equal(first.windows, second.windows)
    assert torch.equal(first.masks, second.masks)
    assert first.prompt.boxes is not None
    assert second.prompt.boxes is not None
    assert torch.equal(first.prompt.boxes, second.prompt.boxes)
    assert torch.equal(first.windows[1:], other.windows)  # a sample hangs on its own seed alone
    assert not torch.equal(first.windows[0], first.windows[1])


def test_a_slices_own_box_fits_its_mask(
    prepared: list[PreparedCase], tiny_model: ModelConfig
) -> None:
    prompts = PromptConfig(jitter=0.0, tight=1.0, per_slice=1.0)
    seen = 0
    for seed in range(6):
        batch = draw_batch(Sources(prepared[:1]), tiny_model, None, prompts, [(5, seed)])
        assert batch.prompt.boxes is not None
        for mask, box in zip(batch.masks[0], batch.prompt.boxes[0], strict=True):
            own = box_of_mask(mask > 0)
            if own is not None:
                seen += 1
                assert torch.equal(own, box)
    assert seen > 6


def test_a_prompt_on_one_slice_leaves_the_ends_to_the_network(
    prepared: list[PreparedCase], tiny_model: ModelConfig
) -> None:
    prompts = PromptConfig(jitter=0.0, open=1.0)
    empty = 0
    for seed in range(12):
        batch = draw_batch(Sources(prepared[:1]), tiny_model, None, prompts, [(7, seed)])
        assert batch.prompt.boxes is not None
        assert batch.prompt.masks is not None
        assert (batch.prompt.boxes[0] == batch.prompt.boxes[0, 0]).all()
        assert batch.prompt.masks.abs().max() <= 3.0 + 1e-5  # half as sure as of a 3D box
        lesion = batch.masks[0].flatten(1).any(dim=1)
        empty += int((~lesion & batch.inside[0]).sum())
    assert empty > 0  # slices without lesion count


def test_a_box_that_cuts_shows_the_lesion_beyond_it(
    prepared: list[PreparedCase], tiny_model: ModelConfig
) -> None:
    prompts = PromptConfig(cut=1.0, cut_by=0.5)
    beyond = 0
    for seed in range(12):
        batch = draw_batch(Sources(prepared[:1]), tiny_model, None, prompts, [(8, seed)])
        assert batch.prompt.boxes is not None
        for mask, box in zip(batch.masks[0], batch.prompt.boxes[0], strict=True):
            own = box_of_mask(mask > 0)
            if own is not None:
                outside = (own[:2] < box[:2] - 1) | (own[2:] > box[2:] + 1)
                beyond += int(outside.any())
    assert beyond > 10


def test_patients_come_as_often_as_their_weights_say(prepared: list[PreparedCase]) -> None:
    first, second = (
        prepared[0],
        next(p for p in prepared if p.case.patient != prepared[0].case.patient),
    )
    heavy = replace(first, case=replace(first.case, weight=3.0))
    sources = Sources([heavy, second])
    rng = np.random.default_rng(0)
    drawn = [sources.draw(rng) for _ in range(400)]
    assert 0.68 < np.mean([d is heavy for d in drawn]) < 0.82


def test_without_prompts_windows_come_from_the_whole_volume(
    prepared: list[PreparedCase], tiny_model: ModelConfig
) -> None:
    config = replace(tiny_model, field_of_view="slice", shape_prior="none")
    seeds = [(0, n) for n in range(40)]
    batch = draw_batch(Sources(prepared[:1]), config, None, None, seeds)
    assert batch.prompt.given() == {}
    lesion = batch.masks.flatten(2).any(dim=2)
    assert lesion.any()
    assert (~lesion & batch.inside).any()  # slices without lesion count, too
    assert (~batch.inside).any()  # and those beyond the ends of the volume do not


def test_small_classes_are_seen_where_that_is_asked(
    prepared: list[PreparedCase], tiny_model: ModelConfig
) -> None:
    """A gland of one slice beside an organ of all of them."""
    config = replace(tiny_model, field_of_view="slice", shape_prior="none", num_classes=2)
    mask = np.ones(prepared[0].mask.shape, dtype=np.uint8)
    mask[3, 10:20, 10:20] = 2
    case = replace(prepared[0], mask=mask)
    assert [own.tolist() for own in case.slices_of_classes] == [list(range(12)), [3]]
    seeds = [(0, n) for n in range(60)]
    seen = {}
    for share in (0.0, 1.0):
        batch = draw_batch(Sources([case], foreground=share), config, None, None, seeds)
        gland = (batch.masks == 2).flatten(2).any(dim=2) & batch.inside
        seen[share] = gland.any(dim=1).float().mean()
    assert seen[0.0] < 0.45  # 5 of 15 windows
    assert seen[1.0] > 0.55  # half of them are laid on it
    empty = replace(case, mask=np.zeros_like(mask))
    batch = draw_batch(Sources([empty], foreground=1.0), config, None, None, seeds[:3])
    assert not batch.masks.any()


def test_no_seam_of_background_runs_between_organs_that_touch(
    prepared: list[PreparedCase], tiny_model: ModelConfig
) -> None:
    """Three organs meet in a point, where none has half of a pixel, and fill the slice."""
    config = replace(tiny_model, field_of_view="slice", shape_prior="none", num_classes=3)
    mask = np.ones(prepared[0].mask.shape, dtype=np.uint8)
    mask[:, 20:, :21], mask[:, 20:, 21:] = 2, 3
    frame = prepared[0].frame
    batch = draw_batch(Sources([replace(prepared[0], mask=mask)]), config, None, None, [(0, 0)])
    rows, cols = (side * 56 // max(frame.shape[1:]) for side in frame.shape[1:])
    assert batch.masks[0, :, 1 : rows - 1, 1 : cols - 1].unique().tolist() == [1, 2, 3]


def test_classes_keep_their_indices_through_the_crop(
    prepared: list[PreparedCase], tiny_model: ModelConfig
) -> None:
    case = prepared[0]
    halves = case.mask.astype(np.uint8)
    halves[:, :, 20:] *= 2
    two = replace(case, mask=halves)
    config = replace(tiny_model, num_classes=2)
    batch = draw_batch(Sources([two]), config, build_augmentation(), TIGHT, [(1, 1), (1, 2)])
    assert batch.masks.unique().tolist() == [0, 1, 2]


def test_local_channels_reach_the_network(
    prepared: list[PreparedCase], tiny_model: ModelConfig
) -> None:
    config = replace(tiny_model, channels="local")
    batch = draw_batch(Sources(prepared[:1]), config, build_augmentation(), TIGHT, [(2, 2)])
    assert batch.windows.shape == (1, 5, 3, 56, 56)
    assert 0 <= float(batch.windows.min()) <= float(batch.windows.max()) <= 1


def test_now_and_then_the_shape_prior_says_nothing(
    prepared: list[PreparedCase], tiny_model: ModelConfig
) -> None:
    seeds = [(9, n) for n in range(80)]
    batch = draw_batch(Sources(prepared[:1]), tiny_model, None, TIGHT, seeds)
    assert batch.prompt.masks is not None
    silent = sum(not bool(p.any()) for p in batch.prompt.masks)
    assert 3 <= silent <= 25
