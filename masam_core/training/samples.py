"""Draw training samples: a window of slices seen through a field of view, and its prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.transforms import v2

from masam_core.inference.view import (
    OPEN_LOGIT,
    Crop,
    ellipsoid_prior,
    network_input,
    slice_crop,
    square_crop,
)
from masam_core.inference.windows import window_slices
from masam_core.model.config import ModelConfig
from masam_core.model.prompt import NetworkPrompt
from masam_core.training.augment import augment, bias_field, coarsen, thicken
from masam_core.training.prepared import PreparedCase
from masam_core.training.prompts import (
    Offset,
    PromptConfig,
    box_of_mask,
    cut_box,
    diameter_box,
)
from masam_core.training.sources import Sources

CROP_SCALE_RANGE = (0.87, 1.47)  # times config.crop_scale: 1.3 to 2.2 box sides at 1.5
PRIOR_DROPOUT = 0.15  # samples whose shape prior says nothing: the image must speak
CROP_SHIFT = 0.08  # of the crop's side, each way
BEYOND = 2  # slices past a box that cuts, which count: the lesion goes on there
LARGEST_FRACTION = 0.6  # prompts on one slice that are drawn where the lesion is largest
LINE_FRACTION = 0.5  # of the prompts on one slice


@dataclass
class Batch:
    """Stacked samples.

    ``windows`` (B, D, S, S) or (B, D, 3, S, S); ``masks`` (B, D, S, S) class indices; ``prompt``
    of B windows of D slices; ``inside`` (B, D) whether a slice counts: it lies in its box and in
    the volume.
    """

    windows: Tensor
    masks: Tensor
    prompt: NetworkPrompt
    inside: Tensor


Sample = tuple[Tensor, Tensor, NetworkPrompt, Tensor]


def draw_batch(
    sources: Sources,
    config: ModelConfig,
    transform: v2.Transform | None,
    prompts: PromptConfig | None,
    seeds: Sequence[tuple[int, ...]],
) -> Batch:
    """Draw a batch, one sample a seed; the same seed gives the same sample, whoever draws it.

    Args:
        sources: what samples are drawn from.
        config: of the model.
        transform: augmentation, or None.
        prompts: how boxes are simulated; None trains without prompts, on windows of all slices.
        seeds: of each sample, e.g. run, step, number in the step.
    """
    samples = [_draw(sources, config, transform, prompts, seed) for seed in seeds]
    windows, masks, asked, inside = zip(*samples, strict=True)
    return Batch(
        torch.stack(windows), torch.stack(masks), NetworkPrompt.stack(asked), torch.stack(inside)
    )


def _draw(
    sources: Sources,
    config: ModelConfig,
    transform: v2.Transform | None,
    prompts: PromptConfig | None,
    seed: tuple[int, ...],
) -> Sample:
    rng = np.random.default_rng(seed)
    while True:
        chosen = sources.draw(rng)
        if chosen is None:
            continue
        if prompts is None:
            return draw_unprompted(chosen, config, transform, rng, sources.foreground)
        sample = draw_sample(chosen, config, transform, prompts, rng)
        if sample is not None:
            return sample


def draw_sample(
    prepared: PreparedCase,
    config: ModelConfig,
    transform: v2.Transform | None,
    prompts: PromptConfig,
    rng: np.random.Generator,
) -> Sample | None:
    """One sample in the order of :class:`Batch`; None if augmentation pushed the lesion out."""
    kind = rng.random() if prompts.open + prompts.cut else 1.0
    if kind < prompts.open:
        return _draw_open(prepared, config, transform, prompts, rng)
    source, mask, (z0, z1), _ = thicken(prepared, rng)
    x0, y0, _, x1, y1, _ = prepared.box
    offset, beyond = prompts.draw(rng), 0
    if kind < prompts.open + prompts.cut:
        x0, y0, z0, x1, y1, z1 = cut_box((x0, y0, z0, x1, y1, z1), prompts.cut_by, rng)
        offset, beyond = Offset(0.0, 0.0), BEYOND
    first, last = offset.move_slices(z0, z1, rng)
    start = int(rng.integers(first - config.num_slices + 2, last))
    indices = window_slices(start, config.num_slices, len(source))
    real = np.arange(start, start + config.num_slices)
    inside = (real >= first - beyond) & (real <= last + beyond) & (real == indices)
    if not inside.any():
        return None

    edges = np.array([x0, y0, x1 + 1, y1 + 1]) - 0.5
    crop = _random_crop(edges, prepared, config, rng)
    # The projection of what the box holds goes along, to find its box after the augmentation.
    projection = np.zeros_like(mask[0])
    held = np.s_[y0 : y1 + 1, x0 : x1 + 1]
    projection[held] = mask.max(axis=0)[held]
    stack = np.concatenate([mask[indices], projection[None]])
    windows, masks = _look(source[indices], stack, crop, config, transform, rng)
    tight = box_of_mask(masks[-1] > 0)
    if tight is None:
        return None
    boxes = offset.move_box(tight, rng).expand(config.num_slices, 4).clone()
    if rng.random() < prompts.per_slice:
        _fit_to_slices(boxes, masks[:-1] > 0, offset, rng)
    prompt = NetworkPrompt(boxes)
    if config.shape_prior == "ellipsoid":
        prior = torch.from_numpy(ellipsoid_prior(real, first, last, boxes.numpy(), config))
        prompt.masks = torch.zeros_like(prior) if rng.random() < PRIOR_DROPOUT else prior
    return windows, masks[:-1], prompt, torch.from_numpy(inside)


def _draw_open(
    prepared: PreparedCase,
    config: ModelConfig,
    transform: v2.Transform | None,
    prompts: PromptConfig,
    rng: np.random.Generator,
) -> Sample | None:
    """A prompt on one slice: the network decides on which other slices there is lesion."""
    source, mask, (z0, z1), step = thicken(prepared, rng)
    areas = mask[z0 : z1 + 1].sum(axis=(1, 2))
    # Readers measure where the lesion is largest, but not always.
    largest = rng.random() < LARGEST_FRACTION
    on = z0 + int(areas.argmax() if largest else rng.choice(np.flatnonzero(areas)))
    rows, cols = (np.flatnonzero(mask[on].any(axis=axis)) for axis in (1, 0))
    edges = np.array([cols[0], rows[0], cols[-1] + 1, rows[-1] + 1]) - 0.5
    depth, row_mm, col_mm = prepared.frame.spacing
    half_mm = ((edges[2] - edges[0]) * col_mm + (edges[3] - edges[1]) * row_mm) / 4
    half = max(0.5, half_mm / (depth * step))
    reach = int(np.ceil(1.5 * half))
    low = max(min(z0, on - reach), 0) - config.num_slices + 2
    start = int(rng.integers(low, max(low, min(max(z1, on + reach), len(source) - 1)) + 1))
    indices = window_slices(start, config.num_slices, len(source))
    real = np.arange(start, start + config.num_slices)

    crop = _random_crop(edges, prepared, config, rng)
    stack = np.concatenate([mask[indices], mask[on][None]])
    windows, masks = _look(source[indices], stack, crop, config, transform, rng)
    shown = masks[-1] > 0
    tight = box_of_mask(shown)
    if tight is None:
        return None
    if rng.random() < LINE_FRACTION:
        tight = tight.new_tensor(diameter_box(shown.numpy(), rng))
    box = Offset(-prompts.jitter, prompts.jitter).move_box(tight, rng)
    prompt = NetworkPrompt(box.expand(config.num_slices, 4).clone())
    if config.shape_prior == "ellipsoid":
        ends = (on - half + 0.5, on + half - 0.5)
        boxes = box.expand(config.num_slices, 4).numpy()
        prompt.masks = torch.from_numpy(ellipsoid_prior(real, *ends, boxes, config, OPEN_LOGIT))
    return windows, masks[:-1], prompt, torch.from_numpy(real == indices)


def draw_unprompted(
    prepared: PreparedCase,
    config: ModelConfig,
    transform: v2.Transform | None,
    rng: np.random.Generator,
    foreground: float = 0.0,
) -> Sample:
    """A window anywhere in the volume (see :class:`Sources` for ``foreground``), whole slices,
    without prompts."""
    start = int(rng.integers(2 - config.num_slices, max(2, len(prepared.slices))))
    if foreground and rng.random() < foreground and (classes := prepared.slices_of_classes):
        on = rng.choice(classes[rng.integers(len(classes))])
        start = int(on - rng.integers(config.num_slices))
    indices = window_slices(start, config.num_slices, len(prepared.slices))
    inside = torch.from_numpy(np.arange(start, start + config.num_slices) == indices)
    crop = slice_crop(prepared.frame)
    stack = prepared.mask[indices]
    windows, masks = _look(prepared.slices[indices], stack, crop, config, transform, rng)
    return windows, masks, NetworkPrompt(), inside


def _look(
    slices: NDArray[np.float16],
    classes: NDArray[np.generic],
    crop: Crop,
    config: ModelConfig,
    transform: v2.Transform | None,
    rng: np.random.Generator,
) -> tuple[Tensor, Tensor]:
    """Slices and class indices as the network sees them, augmented."""
    seen = torch.from_numpy(network_input(slices.astype(np.float32), crop, config))
    masks = _classes_in(classes, crop, config)
    if transform is None:
        return seen, masks
    seen = bias_field(coarsen(seen, rng), rng)
    return augment(transform, seen, masks, int(rng.integers(2**31)))


def _classes_in(classes: NDArray[np.generic], crop: Crop, config: ModelConfig) -> Tensor:
    """Class indices (n, rows, cols) through a crop: (n, S, S) uint8.

    A pixel is background where less than half of it is labelled, else it is of the class with the
    largest share: between organs that touch there is no seam of background.
    """
    size = (len(classes), config.image_size, config.image_size)
    out = torch.zeros(size, dtype=torch.uint8)
    most, all_shares = torch.zeros(size), torch.zeros(size)
    for number in (n for n in range(1, config.num_classes + 1) if (classes == n).any()):
        share = torch.from_numpy(crop.extract((classes == number).astype(np.float32), size[-1]))
        out[share > most] = number
        most = torch.maximum(most, share)
        all_shares += share
    out[all_shares < 0.5] = 0
    return out


def _fit_to_slices(boxes: Tensor, masks: Tensor, offset: Offset, rng: np.random.Generator) -> None:
    """Give each slice that holds lesion the box of its own mask; boxes (D, 4) are changed."""
    for number, mask in enumerate(masks):
        own = box_of_mask(mask)
        if own is not None:
            boxes[number] = offset.move_box(own, rng)


def _random_crop(
    edges: NDArray[np.float64],
    prepared: PreparedCase,
    config: ModelConfig,
    rng: np.random.Generator,
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
