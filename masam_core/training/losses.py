"""The paper's loss: 0.2 cross entropy + 0.8 Dice, counted inside the box's slices only."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

CE_WEIGHT, DICE_WEIGHT = 0.2, 0.8  # MA-SAM section 4.1


def segmentation_loss(logits: Tensor, target: Tensor, inside: Tensor) -> Tensor:
    """Loss of a batch of windows.

    Args:
        logits: (B, D, K + 1, h, w), background first.
        target: (B, D, H, W) class indices (or bool for one class); logits are resampled to it.
        inside: (B, D) bool, the slices that count.

    Returns:
        Scalar. Dice is taken per window and class over the slices that count.
    """
    batch, depth, classes = logits.shape[:3]
    size = target.shape[-2:]
    flat = F.interpolate(
        logits.flatten(0, 1).float(), size=size, mode="bilinear", align_corners=False
    )
    labels = target.flatten(0, 1).long()
    weight = inside.flatten().to(flat.dtype)[:, None, None]
    entropy = (F.cross_entropy(flat, labels, reduction="none") * weight).sum()
    entropy = entropy / (weight.sum() * size[0] * size[1]).clamp(min=1)

    probability = (flat.softmax(dim=1) * weight[:, None]).unflatten(0, (batch, depth))[:, :, 1:]
    truth = F.one_hot(labels, classes).movedim(-1, 1) * weight[:, None]
    truth = truth.unflatten(0, (batch, depth))[:, :, 1:]
    dims = (1, 3, 4)
    overlap = (probability * truth).sum(dims)
    total = (probability + truth).sum(dims)
    dice = (2 * overlap + 1) / (total + 1)
    return CE_WEIGHT * entropy + DICE_WEIGHT * (1 - dice).mean()


def soft_dice(logits: Tensor, target: Tensor, inside: Tensor) -> Tensor:
    """Mean Dice of the thresholded foreground over the windows of a batch, for the log."""
    size = target.shape[-2:]
    flat = F.interpolate(logits.flatten(0, 1).float(), size=size, mode="bilinear")
    found = (flat.argmax(dim=1) > 0).unflatten(0, target.shape[:2]) & inside[..., None, None]
    truth = (target > 0) & inside[..., None, None]
    overlap = (found & truth).flatten(1).sum(1).float()
    total = found.flatten(1).sum(1) + truth.flatten(1).sum(1)
    return torch.where(total > 0, 2 * overlap / total.clamp(min=1), torch.ones_like(overlap)).mean()
