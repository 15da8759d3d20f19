"""The paper's loss: 0.2 cross entropy + 0.8 Dice, counted inside the box's slices only."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

CE_WEIGHT, DICE_WEIGHT = 0.2, 0.8  # MA-SAM section 4.1
QUALITY_WEIGHT = 0.1


def segmentation_loss(logits: Tensor, target: Tensor, inside: Tensor) -> Tensor:
    """Loss of a batch of windows.

    Args:
        logits: (B, D, K + 1, h, w), background first.
        target: (B, D, H, W) class indices (or bool for one class); logits are resampled to it.
        inside: (B, D) bool, the slices that count.

    Returns:
        Scalar: the mean over windows, so that a batch may be split over steps and devices. Both
        parts are taken per window over the slices that count, Dice per class too.
    """
    batch, depth, classes = logits.shape[:3]
    size = target.shape[-2:]
    flat = F.interpolate(
        logits.flatten(0, 1).float(), size=size, mode="bilinear", align_corners=False
    )
    labels = target.flatten(0, 1).long()
    weight = inside.flatten().to(flat.dtype)[:, None, None]
    entropy = F.cross_entropy(flat, labels, reduction="none") * weight
    counted = inside.sum(dim=1).clamp(min=1) * (size[0] * size[1])
    entropy = (entropy.unflatten(0, (batch, depth)).sum(dim=(1, 2, 3)) / counted).mean()

    probability = (flat.softmax(dim=1) * weight[:, None]).unflatten(0, (batch, depth))[:, :, 1:]
    truth = F.one_hot(labels, classes).movedim(-1, 1) * weight[:, None]
    truth = truth.unflatten(0, (batch, depth))[:, :, 1:]
    dims = (1, 3, 4)
    overlap = (probability * truth).sum(dims)
    total = (probability + truth).sum(dims)
    dice = (2 * overlap + 1) / (total + 1)
    return CE_WEIGHT * entropy + DICE_WEIGHT * (1 - dice).mean()


def training_loss(
    logits: Tensor, quality: Tensor, target: Tensor, inside: Tensor
) -> tuple[Tensor, Tensor]:
    """What training minimises, and the Dice for the log.

    :func:`segmentation_loss`, and a little of :func:`quality_loss` so that the model learns how
    good its masks are.
    """
    loss = segmentation_loss(logits, target, inside)
    loss = loss + QUALITY_WEIGHT * quality_loss(quality, logits, target, inside)
    return loss, soft_dice(logits.detach(), target, inside)


def quality_loss(predicted: Tensor, logits: Tensor, target: Tensor, inside: Tensor) -> Tensor:
    """How far the predicted quality of each slice's masks is from their Dice: mean squared error.

    Args:
        predicted: (B, D, K + 1), background first (its entry is not used).
        logits, target, inside: as for :func:`segmentation_loss`.

    Returns:
        Scalar: mean over windows of that over the slices that count; the Dice of the masks as
        they are is taken as given.
    """
    batch, depth, classes = logits.shape[:3]
    with torch.no_grad():
        flat = F.interpolate(logits.flatten(0, 1).float(), size=target.shape[-2:], mode="bilinear")
        # The same as argmax, which takes thirteen times as long on a processor.
        found = F.one_hot(flat.max(dim=1).indices, classes)[..., 1:].bool()
        truth = F.one_hot(target.flatten(0, 1).long(), classes)[..., 1:].bool()
        overlap = (found & truth).sum(dim=(1, 2)).float()
        total = (found.sum(dim=(1, 2)) + truth.sum(dim=(1, 2))).float()
        dice = torch.where(total > 0, 2 * overlap / total.clamp(min=1), 1.0)
        dice = dice.unflatten(0, (batch, depth))
    squared = (predicted[..., 1:].float() - dice) ** 2 * inside[..., None]
    counted = (inside.sum(dim=1) * (classes - 1)).clamp(min=1)
    return (squared.sum(dim=(1, 2)) / counted).mean()


def soft_dice(logits: Tensor, target: Tensor, inside: Tensor) -> Tensor:
    """Mean Dice of the thresholded foreground over the windows of a batch, for the log."""
    size = target.shape[-2:]
    flat = F.interpolate(logits.flatten(0, 1).float(), size=size, mode="bilinear")
    found = flat[:, 1:].amax(dim=1) > flat[:, 0]  # some class before the background
    found = found.unflatten(0, target.shape[:2]) & inside[..., None, None]
    truth = (target > 0) & inside[..., None, None]
    overlap = (found & truth).flatten(1).sum(1).float()
    total = found.flatten(1).sum(1) + truth.flatten(1).sum(1)
    return torch.where(total > 0, 2 * overlap / total.clamp(min=1), torch.ones_like(overlap)).mean()
