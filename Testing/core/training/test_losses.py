"""The loss against its formula in plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from masam_core.training.losses import (
    QUALITY_WEIGHT,
    quality_loss,
    segmentation_loss,
    soft_dice,
    training_loss,
)


def literal(logits: np.ndarray, target: np.ndarray, inside: np.ndarray) -> float:
    """0.2 cross entropy + 0.8 Dice, voxel by voxel; logits and target of one size."""
    batch, depth, classes, height, width = logits.shape
    entropies, dices = [], []
    for b in range(batch):
        entropy, count = 0.0, 0
        overlap, total = np.zeros(classes), np.zeros(classes)
        for d in range(depth):
            if not inside[b, d]:
                continue
            for y in range(height):
                for x in range(width):
                    e = np.exp(logits[b, d, :, y, x] - logits[b, d, :, y, x].max())
                    p = e / e.sum()
                    t = int(target[b, d, y, x])
                    entropy -= np.log(p[t])
                    count += 1
                    overlap[t] += p[t]
                    total += p
                    total[t] += 1
        dices += list((2 * overlap[1:] + 1) / (total[1:] + 1))
        entropies.append(entropy / max(count, 1))
    return 0.2 * float(np.mean(entropies)) + 0.8 * (1 - float(np.mean(dices)))


@pytest.mark.parametrize("classes", [2, 4])
def test_loss_is_the_papers_formula(classes: int) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 3, classes, 6, 5))
    target = rng.integers(0, classes, size=(2, 3, 6, 5))
    inside = np.array([[True, True, False], [True, False, False]])
    got = segmentation_loss(*(torch.from_numpy(a) for a in (logits, target, inside)))
    assert float(got) == pytest.approx(literal(logits, target, inside), abs=1e-5)


def test_slices_outside_the_box_do_not_count() -> None:
    logits = torch.randn(1, 2, 2, 4, 4)
    target = torch.zeros(1, 2, 4, 4, dtype=torch.bool)
    target[0, :, 1:3, 1:3] = True
    inside = torch.tensor([[True, False]])
    first = segmentation_loss(logits, target, inside)
    logits[0, 1] *= -5
    assert torch.equal(first, segmentation_loss(logits, target, inside))


def test_a_perfect_answer_costs_nothing_and_a_wrong_one_much() -> None:
    target = torch.zeros(1, 2, 8, 8, dtype=torch.bool)
    target[..., 2:6, 2:6] = True
    inside = torch.ones(1, 2, dtype=torch.bool)
    right = torch.stack([(~target).float(), target.float()], dim=2) * 40
    assert float(segmentation_loss(right, target, inside)) < 1e-3
    assert float(segmentation_loss(-right, target, inside)) > 1.0
    assert float(soft_dice(right, target, inside)) == 1.0
    assert float(soft_dice(-right, target, inside)) == 0.0


def test_logits_of_another_size_are_resampled_to_the_target() -> None:
    target = torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    target[..., 4:] = True
    small = torch.zeros(1, 1, 2, 4, 4)
    small[:, :, 1, :, 2:] = 60
    small[:, :, 0, :, :2] = 60
    assert float(segmentation_loss(small, target, torch.ones(1, 1, dtype=torch.bool))) < 0.3


def test_a_batch_costs_the_mean_of_its_windows() -> None:
    torch.manual_seed(0)
    logits, quality = torch.randn(4, 3, 2, 8, 8), torch.rand(4, 3, 2)
    target = (torch.rand(4, 3, 8, 8) > 0.6).to(torch.uint8)
    inside = torch.tensor([[True, True, True], [True, False, False]] * 2)
    whole, _ = training_loss(logits, quality, target, inside)
    parts = [
        training_loss(*(t[n : n + 1] for t in (logits, quality, target, inside)))[0]
        for n in range(4)
    ]
    assert float(whole) == pytest.approx(float(torch.stack(parts).mean()), abs=1e-6)


def test_quality_is_compared_with_the_dice_of_each_slice() -> None:
    target = torch.zeros(1, 2, 4, 4, dtype=torch.uint8)
    target[0, 0, :2] = 1  # 8 pixels
    target[0, 1, :1] = 1
    logits = torch.zeros(1, 2, 2, 4, 4)
    logits[0, 0, 1] = torch.where(torch.arange(4)[:, None] < 1, 9.0, -9.0)  # 4 of the 8: Dice 2/3
    logits[0, 1, 1] = -9.0  # nothing: Dice 0, but that slice does not count
    inside = torch.tensor([[True, False]])
    quality = torch.tensor([[[0.0, 0.5], [0.0, 0.9]]])
    got = quality_loss(quality, logits, target, inside)
    assert float(got) == pytest.approx((0.5 - 2 / 3) ** 2, abs=1e-6)
    loss, dice = training_loss(logits, quality, target, inside)
    expected = segmentation_loss(logits, target, inside) + QUALITY_WEIGHT * got
    assert float(loss) == pytest.approx(float(expected))
    assert float(dice) == pytest.approx(2 / 3)
