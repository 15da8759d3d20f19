"""Draw training samples: a window of slices seen through a crop around a simulated box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms import v2

from masam_core.config import ModelConfig
from masam_core.inference.view import Crop, ellipsoid_prior, slice_crop, square_crop
from masam_core.inference.windows import window_slices
from masam_core.training.augment import augment
from masam_core.training.cases import PreparedCase
from masam_core.training.prompts import box_of_mask, jitter_box, jitter_slices
from masam_core.training.synthetic import synthesise

CROP_SCALE_RANGE = (0.87, 1.47)  # times config.crop_scale: 1.3 to 2.2 box sides at 1.5
CROP_SHIFT = 0.08  # of the crop's side, each way
TIGHT_FRACTION = 0.3  # samples whose box is exactly tight
THICK_FRACTION = 0.25  # samples with every second or third slice only: thicker acquisitions
COARSE_FRACTION = 0.2  # samples blurred as if the lesion were few voxels wide
COARSE_PIXELS = (24, 84)


@dataclass
class Batch:
    """Stacked samples: ``windows`` (B, D, S, S); ``masks`` (B, D, S, S) bool; ``boxes``
    (B, D, 4) network pixels; ``prior`` (B, D, 4g, 4g) logits or None; ``inside`` (B, D) whether
    a slice lies in its box, where alone the loss counts."""

    windows: Tensor
    masks: Tensor
    boxes: Tensor
    prior: Tensor | None
    inside: Tensor


def draw_batch(
    cases: list[PreparedCase],
    config: ModelConfig,
    transform: v2.Transform | None,
    jitter: float,
    size: int,
    seed: tuple[int, int],
    synthetic: float = 0.0,
) -> Batch:
    """Draw a batch; the same seed gives the same batch, so that a resumed run goes on exactly.

    Args:
        cases: prepared training cases; one is drawn for each sample, patients equally often.
        config: of the model.
        transform: augmentation, or None.
        jitter: most by which a box side is off, as a fraction of the box's length.
        size: samples.
        seed: run seed and step.
        synthetic: share of samples with a synthetic lesion instead of the expert's.
    """
    rng = np.random.default_rng(seed)
    patients = sorted({c.case.patient for c in cases})
    samples: list[tuple[Tensor, ...]] = []
    while len(samples) < size:
        patient = patients[rng.integers(len(patients))]
        own = [c for c in cases if c.case.patient == patient]
        chosen: PreparedCase | None = own[rng.integers(len(own))]
        if chosen is not None and synthetic and rng.random() < synthetic:
            chosen = synthesise(chosen, rng)
        if chosen is None:
            continue
        sample = draw_sample(chosen, config, transform, jitter, rng)
        if sample is not None:
            samples.append(sample)
    stacked = [torch.stack(parts) for parts in zip(*samples, strict=True)]
    windows, masks, boxes, prior, inside = stacked
    return Batch(
        windows, masks, boxes, prior if config.shape_prior == "ellipsoid" else None, inside
    )


def draw_sample(
    prepared: PreparedCase,
    config: ModelConfig,
    transform: v2.Transform | None,
    jitter: float,
    rng: np.random.Generator,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor] | None:
    """One sample in the order of :class:`Batch`; None if augmentation pushed the lesion out."""
    source, mask, (z0, z1) = _thicken(prepared, rng)
    x0, y0, _, x1, y1, _ = prepared.box
    amount = 0.0 if rng.random() < TIGHT_FRACTION else jitter
    first, last = jitter_slices(z0, z1, amount, rng)
    start = int(rng.integers(first - config.num_slices + 2, last))
    indices = window_slices(start, config.num_slices, len(source))
    real = np.arange(start, start + config.num_slices)
    inside = torch.from_numpy((real >= first) & (real <= last) & (real == indices))
    if not bool(inside.any()):
        return None

    edges = np.array([x0, y0, x1 + 1, y1 + 1]) - 0.5
    crop = _random_crop(edges, prepared, config, rng)
    slices = torch.from_numpy(source[indices].astype(np.float32))
    windows = crop.extract(slices, config.image_size)
    # The projection of the whole lesion goes along, to find its box after the augmentation.
    stack = np.concatenate([mask[indices], np.asarray(mask.any(axis=0))[None]])
    masks = crop.extract(torch.from_numpy(stack.astype(np.float32)), config.image_size) >= 0.5
    if transform is not None:
        if rng.random() < COARSE_FRACTION:
            windows = _coarsen(windows, int(rng.integers(*COARSE_PIXELS)))
        windows, masks = augment(transform, windows, masks, int(rng.integers(2**31)))
    tight = box_of_mask(masks[-1])
    if tight is None:
        return None
    box = jitter_box(tight, amount, rng)
    boxes = box.expand(config.num_slices, 4).clone()
    prior = ellipsoid_prior(real, first, last, boxes.numpy(), config)[:, 0]
    return windows, masks[:-1], boxes, prior, inside


def _thicken(
    prepared: PreparedCase, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Slices, mask, and first and last lesion slice; now and then of a thicker acquisition."""
    step = int(rng.integers(2, 4)) if rng.random() < THICK_FRACTION else 1
    offset = int(rng.integers(step))
    slices, mask = prepared.slices[offset::step], prepared.mask[offset::step]
    lesion = np.flatnonzero(mask.any(axis=(1, 2)))
    if len(lesion) == 0:
        return prepared.slices, prepared.mask, (prepared.box[2], prepared.box[5])
    return slices, mask, (int(lesion[0]), int(lesion[-1]))


def _coarsen(windows: Tensor, pixels: int) -> Tensor:
    """Windows (D, S, S) resampled to fewer pixels and back."""
    size = windows.shape[-2:]
    small = F.interpolate(windows[:, None], size=(pixels, pixels), mode="bilinear", antialias=True)
    return F.interpolate(small, size=size, mode="bilinear")[:, 0]


def _random_crop(
    edges: np.ndarray, prepared: PreparedCase, config: ModelConfig, rng: np.random.Generator
) -> Crop:
    if config.field_of_view == "slice":
        return slice_crop(prepared.frame)
    _, row_mm, col_mm = prepared.frame.spacing
    longest = max((edges[2] - edges[0]) * col_mm, (edges[3] - edges[1]) * row_mm)
    side = longest * config.crop_scale * rng.uniform(*CROP_SCALE_RANGE)
    shift = rng.uniform(-CROP_SHIFT, CROP_SHIFT, size=2) * side
    centre_x = ((edges[0] + edges[2]) / 2 + 0.5) * col_mm + shift[0]
    centre_y = ((edges[1] + edges[3]) / 2 + 0.5) * row_mm + shift[1]
    return square_crop(centre_x, centre_y, side, prepared.frame)
