"""Augmentations: one random draw for the slices of a window, their masks and their projection."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2


class RandomGamma(v2.Transform):
    """x -> x ** g with g log-uniform between 1 / most and most; values stay in [0, 1]."""

    def __init__(self, most: float) -> None:
        super().__init__()
        self.most = most

    def make_params(self, flat_inputs: list[object]) -> dict[str, float]:
        """Draw the exponent."""
        exponent = float(torch.empty(1).uniform_(-1, 1))
        return {"gamma": self.most**exponent}

    def transform(self, inpt: object, params: dict[str, float]) -> object:
        """Apply to images only."""
        if isinstance(inpt, tv_tensors.Image):
            return tv_tensors.wrap(inpt.clamp(0, 1) ** params["gamma"], like=inpt)
        return inpt


def build_augmentation() -> v2.Transform:
    """The augmentations of the paper (section 4.1) and those that blur the modality."""
    return v2.Compose(
        [
            v2.RandomHorizontalFlip(0.5),
            v2.RandomVerticalFlip(0.5),
            v2.RandomApply(
                [
                    v2.RandomAffine(
                        degrees=30.0, translate=(0.05, 0.05), scale=(0.85, 1.2), shear=(-12, 12)
                    )
                ],
                p=0.6,
            ),
            v2.RandomInvert(0.2),
            v2.RandomApply([v2.ColorJitter(brightness=0.3, contrast=0.4)], p=0.5),
            v2.RandomApply([RandomGamma(2.0)], p=0.5),
            v2.RandomApply([v2.GaussianBlur(5, (0.3, 1.8))], p=0.25),
            v2.RandomApply([v2.GaussianNoise(sigma=0.05)], p=0.25),
            v2.RandomAdjustSharpness(2.0, 0.15),
            v2.RandomErasing(0.1, scale=(0.01, 0.05)),
        ]
    )


def augment(
    transform: v2.Transform, slices: Tensor, masks: Tensor, seed: int
) -> tuple[Tensor, Tensor]:
    """Augment a window.

    Args:
        transform: from :func:`build_augmentation`.
        slices: (D, S, S) float in [0, 1].
        masks: (M, S, S) bool, transformed as the slices are.
        seed: makes the draw repeatable.

    Returns:
        Slices and masks of the same shapes.
    """
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        # Erased places keep their label on purpose: a lesion does not end behind an artefact.
        warnings.filterwarnings("ignore", message=r"RandomErasing\(\)")
        torch.manual_seed(seed)
        image, mask = transform(
            tv_tensors.Image(slices[:, None]), tv_tensors.Mask(masks.to(torch.uint8))
        )
    return image.as_subclass(Tensor)[:, 0].clamp(0, 1), mask.as_subclass(Tensor).bool()
