"""The loss against its formula in plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from masam_core.training.losses import segmentation_loss, soft_dice


def literal(logits: np.ndarray, target: np.ndarray, inside: np.ndarray) -> float:
    """0.2 cross entropy + 0.8 Dice, voxel by voxel; logits and target of one size."""
    batch, depth, classes, height, width = logits.shape
    entropy, count, dices = 0.0, 0, []
    for b in range(batch):
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
    return 0.2 * entropy / max(count, 1) + 0.8 * (1 - float(np.mean(dices)))


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
