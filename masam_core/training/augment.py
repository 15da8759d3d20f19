"""Augmentations: one random draw for the slices of a window, their masks and their projection."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torchvision import tv_tensors
from torchvision.transforms import v2

from masam_core.training.augmentation import Augmentation
from masam_core.training.prepared import PreparedCase
from masam_core.training.synthetic import smooth_noise

THICK_FRACTION = 0.3  # samples with every second to fourth slice only: thicker acquisitions
COARSE_FRACTION = 0.2  # samples blurred as if the lesion were few voxels wide
COARSE_PIXELS = (24, 84)
FIELD_FRACTION = 0.2  # samples with a bias field


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


class Posterise(v2.Transform):
    """Now and then few grey levels (8 to 32); images only.

    torchvision's own RandomPosterize wants 8-bit images.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def make_params(self, flat_inputs: list[object]) -> dict[str, int]:
        """Draw the number of levels; 0 leaves the image alone."""
        chosen = bool(torch.rand(1) < self.probability)
        return {"levels": 2 ** int(torch.randint(3, 6, (1,))) if chosen else 0}

    def transform(self, inpt: object, params: dict[str, int]) -> object:
        """Apply to images only."""
        levels = params["levels"]
        if not levels or not isinstance(inpt, tv_tensors.Image):
            return inpt
        stepped = (inpt.clamp(0, 1) * (levels - 1)).round() / (levels - 1)
        return tv_tensors.wrap(stepped.as_subclass(torch.Tensor), like=inpt)


class RandomCurve(v2.Transform):
    """A random continuous grey curve through ``knots`` points, rising or not; images only."""

    def __init__(self, knots: int = 4) -> None:
        super().__init__()
        self.knots = knots

    def make_params(self, flat_inputs: list[object]) -> dict[str, torch.Tensor]:
        """Draw the curve's values at evenly spaced grey levels, at least half the range apart."""
        values = torch.rand(self.knots)
        spread = (values.max() - values.min()).clamp(min=1e-3)
        if spread < 0.5:
            values = (values - values.min()) / spread
        if torch.rand(1) < 0.5:  # as often a rising one: most contrasts are
            values = values.sort().values
        return {"values": values}

    def transform(self, inpt: object, params: dict[str, torch.Tensor]) -> object:
        """Apply to images only."""
        if not isinstance(inpt, tv_tensors.Image):
            return inpt
        place = inpt.clamp(0, 1) * (self.knots - 1)
        low = place.floor().clamp(max=self.knots - 2)
        values, index = params["values"], low.long()
        share = place - low
        curved = values[index] * (1 - share) + values[index + 1] * share
        return tv_tensors.wrap(curved.as_subclass(torch.Tensor), like=inpt)


def build_augmentation(wanted: Augmentation | None = None) -> v2.Transform:
    """The augmentations of the paper (section 4.1) and those that blur the modality."""
    wanted = wanted or Augmentation()
    flips = 0.5 if wanted.mirror else 0.0
    return v2.Compose(
        [
            v2.RandomHorizontalFlip(flips),
            v2.RandomVerticalFlip(flips),
            v2.RandomApply(
                [
                    v2.RandomAffine(
                        degrees=30.0, translate=(0.05, 0.05), scale=wanted.zoom, shear=(-12, 12)
                    )
                ],
                p=0.6,
            ),
            v2.RandomInvert(0.2),
            v2.RandomApply([v2.ColorJitter(brightness=0.3, contrast=0.4)], p=0.5),
            v2.RandomApply([RandomGamma(2.0)], p=0.5),
            v2.RandomApply([RandomCurve()], p=wanted.curves),
            v2.RandomApply([v2.GaussianBlur(5, (0.3, 1.8))], p=0.25),
            v2.RandomApply([v2.GaussianNoise(sigma=0.05)], p=0.25),
            v2.RandomAdjustSharpness(2.0, 0.15),
            Posterise(0.05),
            v2.RandomErasing(0.1, scale=(0.01, 0.05)),
        ]
    )


def augment(
    transform: v2.Transform, slices: Tensor, masks: Tensor, seed: int
) -> tuple[Tensor, Tensor]:
    """Augment a window.

    Args:
        transform: from :func:`build_augmentation`.
        slices: (D, S, S) or (D, 3, S, S) float in [0, 1].
        masks: (M, S, S) uint8 class indices, transformed as the slices are.
        seed: makes the draw repeatable.

    Returns:
        Slices and masks of the same shapes.
    """
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        # Erased places keep their label on purpose: a lesion does not end behind an artefact.
        warnings.filterwarnings("ignore", message=r"RandomErasing\(\)")
        torch.manual_seed(seed)
        images = slices if slices.dim() == 4 else slices[:, None]
        image, mask = transform(tv_tensors.Image(images), tv_tensors.Mask(masks))
    seen = image.as_subclass(Tensor).clamp(0, 1).reshape(slices.shape)
    return seen, mask.as_subclass(Tensor)


def thicken(
    prepared: PreparedCase, rng: np.random.Generator
) -> tuple[NDArray[np.float16], NDArray[np.generic], tuple[int, int], int]:
    """Slices, mask, first and last lesion slice, and how many slices apart these are; now and then
    of a thicker acquisition."""
    step = int(rng.integers(2, 5)) if rng.random() < THICK_FRACTION else 1
    offset = int(rng.integers(step))
    slices, mask = prepared.slices[offset::step], prepared.mask[offset::step]
    lesion = np.flatnonzero(mask.any(axis=(1, 2)))
    if len(lesion) == 0:
        return prepared.slices, prepared.mask, (prepared.box[2], prepared.box[5]), 1
    return slices, mask, (int(lesion[0]), int(lesion[-1])), step


def coarsen(windows: Tensor, rng: np.random.Generator) -> Tensor:
    """Now and then resampled to few pixels and back, as a lesion a few voxels wide looks."""
    if rng.random() >= COARSE_FRACTION:
        return windows
    side = int(rng.integers(*COARSE_PIXELS))
    images = windows if windows.dim() == 4 else windows[:, None]
    small = F.interpolate(images, size=(side, side), mode="bilinear", antialias=True)
    return F.interpolate(small, size=windows.shape[-2:], mode="bilinear").reshape(windows.shape)


def bias_field(windows: Tensor, rng: np.random.Generator) -> Tensor:
    """Now and then a smooth bias field, as the coils of MR leave it."""
    if rng.random() >= FIELD_FRACTION:
        return windows
    noise = smooth_noise(tuple(windows.shape[-2:]), 3, rng)
    return windows * torch.from_numpy(np.exp(rng.uniform(0.05, 0.3) * noise))
