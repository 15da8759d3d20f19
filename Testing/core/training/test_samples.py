"""Simulated prompts and samples: boxes fit the mask, draws repeat, augmentation is shared."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from masam_core.config import ModelConfig
from masam_core.training.augment import augment, build_augmentation
from masam_core.training.cases import PreparedCase
from masam_core.training.prompts import box_of_mask, jitter_box, jitter_slices
from masam_core.training.samples import draw_batch


def test_the_box_of_a_mask_is_its_outer_edges() -> None:
    mask = torch.zeros(9, 9, dtype=torch.bool)
    assert box_of_mask(mask) is None
    mask[5, 3] = True
    box = box_of_mask(mask)
    assert box is not None
    assert box.tolist() == [2.5, 4.5, 3.5, 5.5]
    mask[7, 6] = True
    box = box_of_mask(mask)
    assert box is not None
    assert box.tolist() == [2.5, 4.5, 6.5, 7.5]


def test_jitter_moves_each_side_by_at_most_its_share() -> None:
    rng = np.random.default_rng(0)
    box = torch.tensor([10.0, 20.0, 50.0, 40.0])
    moved = torch.stack([jitter_box(box, 0.1, rng) for _ in range(300)])
    shift = (moved - box).abs().max(dim=0).values
    assert (shift <= torch.tensor([4.0, 2.0, 4.0, 2.0]) + 1e-5).all()
    assert (shift > torch.tensor([3.5, 1.7, 3.5, 1.7])).all()
    assert torch.equal(jitter_box(box, 0.0, rng), box)


def test_jittered_slices_keep_at_least_one() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        low, high = jitter_slices(10, 29, 0.1, rng)
        assert low <= high
        assert abs(low - 10) <= 2
        assert abs(high - 29) <= 2
    assert jitter_slices(4, 4, 0.4, rng) == (4, 4)


def test_a_sample_without_augmentation_has_the_tight_box_of_the_lesion(
    prepared: list[PreparedCase], tiny_model: ModelConfig
) -> None:
    for seed in range(8):
        batch = draw_batch(prepared[:1], tiny_model, None, 0.0, 1, (0, seed))
        assert batch.windows.shape == (1, 5, 56, 56)
        box = batch.boxes[0, 0]
        assert (batch.boxes[0] == box).all()  # the same box on every slice, as a user draws it
        for mask in batch.masks[0]:
            found = box_of_mask(mask)
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
        batch = draw_batch(prepared[:1], tiny_model, None, 0.0, 1, (1, seed))
        for mask, inside in zip(batch.masks[0], batch.inside[0], strict=True):
            counted += int(not inside)
            if bool(inside):
                assert mask.any()  # with a tight box each counted slice holds lesion
    assert counted > 0


def test_the_same_seed_gives_the_same_batch_and_another_another(
    prepared: list[PreparedCase], tiny_model: ModelConfig
) -> None:
    transform = build_augmentation()
    first = draw_batch(prepared[:2], tiny_model, transform, 0.1, 2, (3, 7), synthetic=0.5)
    torch.rand(9)  # the global state of torch plays no part
    second = draw_batch(prepared[:2], tiny_model, transform, 0.1, 2, (3, 7), synthetic=0.5)
    other = draw_batch(prepared[:2], tiny_model, transform, 0.1, 2, (3, 8), synthetic=0.5)
    assert torch.equal(first.windows, second.windows)
    assert torch.equal(first.masks, second.masks)
    assert torch.equal(first.boxes, second.boxes)
    assert not torch.equal(first.windows, other.windows)


def test_augmentation_moves_slices_and_masks_alike() -> None:
    disc = torch.zeros(56, 56)
    rows, cols = torch.meshgrid(torch.arange(56), torch.arange(56), indexing="ij")
    disc[((rows - 20) ** 2 + (cols - 33) ** 2) < 80] = 1
    geometric = v2.Compose(build_augmentation().transforms[:3])
    for seed in range(12):
        slices, masks = augment(
            geometric, disc.expand(5, 56, 56), (disc > 0).expand(6, 56, 56), seed
        )
        for piece in slices:
            assert ((piece > 0.5) == masks[0]).float().mean() > 0.985
        assert torch.equal(masks[0], masks[5])


def test_augmented_values_stay_between_0_and_1() -> None:
    transform = build_augmentation()
    for seed in range(25):
        slices, masks = augment(transform, torch.rand(5, 56, 56), torch.rand(6, 56, 56) > 0.5, seed)
        assert float(slices.min()) >= 0
        assert float(slices.max()) <= 1
        assert masks.dtype == torch.bool


def test_contrast_is_sometimes_inverted() -> None:
    ramp = torch.linspace(0, 1, 56).expand(5, 56, 56)
    intensity = v2.Compose(build_augmentation().transforms[3:4])
    masks = torch.zeros(6, 56, 56, dtype=torch.bool)
    signs = {bool(augment(intensity, ramp, masks, s)[0][0, 0, 0] > 0.5) for s in range(30)}
    assert signs == {True, False}
