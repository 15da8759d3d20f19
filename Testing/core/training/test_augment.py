"""Augmentation: slices and masks move alike, values stay in range, contrasts vary."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torchvision import tv_tensors
from torchvision.transforms import v2

from masam_core.data.cases import Case
from masam_core.image.geometry import Geometry
from masam_core.training.augment import (
    Posterise,
    RandomCurve,
    augment,
    bias_field,
    build_augmentation,
    coarsen,
    thicken,
)
from masam_core.training.augmentation import Augmentation
from masam_core.training.prepared import PreparedCase


def noise_masks() -> torch.Tensor:
    return (torch.rand(6, 56, 56) > 0.5).to(torch.uint8)


def test_augmentation_moves_slices_and_masks_alike() -> None:
    disc = torch.zeros(56, 56)
    rows, cols = torch.meshgrid(torch.arange(56), torch.arange(56), indexing="ij")
    disc[((rows - 20) ** 2 + (cols - 33) ** 2) < 80] = 1
    geometric = v2.Compose(build_augmentation().transforms[:3])
    for seed in range(12):
        slices, masks = augment(
            geometric, disc.expand(5, 56, 56), (disc > 0).to(torch.uint8).expand(6, 56, 56), seed
        )
        for piece in slices:
            assert ((piece > 0.5) == masks[0]).float().mean() > 0.985
        assert torch.equal(masks[0], masks[5])


def test_a_patient_whose_sides_have_names_is_not_mirrored() -> None:
    """The corners of a right angle come in one order, unless it was mirrored."""
    angle = torch.zeros(1, 56, 56, dtype=torch.uint8)
    angle[0, 14:42, 20:24], angle[0, 38:42, 20:36] = 1, 2
    turns = {}
    for mirror in (True, False):
        moved = v2.Compose(build_augmentation(Augmentation(mirror=mirror)).transforms[:3])
        seen = [augment(moved, angle[:, None].float(), angle, seed)[1][0] for seed in range(30)]
        turns[mirror] = {handed(masks) for masks in seen}
    assert turns == {True: {True, False}, False: {True}}


def handed(mask: torch.Tensor) -> bool:
    """Whether the short arm (2) lies to the right of the long one (1), seen from its foot."""
    long, short = (np.argwhere(mask.numpy() == value).mean(axis=0) for value in (1, 2))
    # The foot of the long arm is the end that lies next to the short one.
    arm = np.argwhere(mask.numpy() == 1)
    foot = arm[np.argmin(((arm - short) ** 2).sum(axis=1))]
    up, side = long - foot, short - foot
    return bool(up[0] * side[1] - up[1] * side[0] < 0)


def test_augmented_values_stay_between_0_and_1() -> None:
    transform = build_augmentation()
    for seed in range(25):
        slices, masks = augment(transform, torch.rand(5, 3, 56, 56), noise_masks(), seed)
        assert float(slices.min()) >= 0
        assert float(slices.max()) <= 1
        assert masks.dtype == torch.uint8
        assert slices.shape == (5, 3, 56, 56)


def test_contrast_is_sometimes_inverted() -> None:
    ramp = torch.linspace(0, 1, 56).expand(5, 56, 56)
    intensity = v2.Compose(build_augmentation().transforms[3:4])
    masks = torch.zeros(6, 56, 56, dtype=torch.uint8)
    signs = {bool(augment(intensity, ramp, masks, s)[0][0, 0, 0] > 0.5) for s in range(30)}
    assert signs == {True, False}


def test_curves_are_continuous_and_sometimes_fall() -> None:
    ramp = tv_tensors.Image(torch.linspace(0, 1, 500).expand(1, 1, 500))
    falls = 0
    for seed in range(20):
        torch.manual_seed(seed)
        curved = RandomCurve()(ramp)[0, 0]
        steps = curved[1:] - curved[:-1]
        assert float(steps.abs().max()) < 0.02
        falls += int(bool((steps < -1e-5).any()))
    assert 0 < falls < 20


def test_posterised_images_have_few_levels_and_masks_stay() -> None:
    image, mask = tv_tensors.Image(torch.rand(1, 40, 40)), tv_tensors.Mask(noise_masks())
    for _ in range(5):
        seen, same = Posterise(1.0)(image, mask)
        assert len(seen.unique()) <= 32
        assert float((seen - image).abs().max()) <= 0.5 / 7 + 1e-6
        assert torch.equal(same, mask)


def test_thickened_volumes_keep_every_nth_slice() -> None:
    shape = (24, 8, 8)
    mask = np.zeros(shape, dtype=bool)
    mask[6:19, 2:5, 2:5] = True
    slices = np.broadcast_to(np.arange(24, dtype=np.float16)[:, None, None] / 24, shape)
    frame = Geometry.from_spacing(shape).canonical_frame()
    case = Case("c", "p", "MR", "train", Path("i"), Path("l"))
    prepared = PreparedCase(case, slices, mask, frame, (2, 2, 6, 4, 4, 18))
    steps = set()
    for seed in range(40):
        kept, kept_mask, (first, last), _ = thicken(prepared, np.random.default_rng(seed))
        step = round(float(kept[1, 0, 0] - kept[0, 0, 0]) * 24)
        steps.add(step)
        assert len(kept) == len(kept_mask)
        assert kept_mask[first].any()
        assert kept_mask[last].any()
        assert not kept_mask[last + 1 :].any()
    assert steps == {1, 2, 3, 4}


def test_coarse_and_biased_windows_keep_their_shape_and_differ_only_now_and_then() -> None:
    window = torch.rand(5, 3, 60, 60)
    for change in (coarsen, bias_field):
        same = sum(
            torch.equal(change(window, np.random.default_rng(seed)), window) for seed in range(40)
        )
        assert 24 <= same < 40
        changed = [change(window, np.random.default_rng(seed)) for seed in range(40)]
        assert all(c.shape == window.shape for c in changed)
