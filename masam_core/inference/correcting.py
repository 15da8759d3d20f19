"""One correction on a canvas: the corrector answers it on a patch, and the user is obeyed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.inference.canonical_crop import Place
from masam_core.inference.canvas import BELOW, Canvas
from masam_core.inference.patch import Patch, fade, patch_for

Values = NDArray[np.float32]
# image, probability, positive, negative (1, D, H, W) and z_px (1,) to logits (1, D, H, W)
CorrectorLike = Callable[[Values, Values, NDArray[np.bool_], NDArray[np.bool_], Values], Values]
Voxels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Said:
    """What a user says of some voxels.

    Attributes:
        voxels: (n, 3) slice, row, column in the canonical volume.
        positive: whether they belong to the lesion.
    """

    voxels: Voxels
    positive: bool


def correct(
    canvas: Canvas,
    image: NDArray[Any],
    corrector: CorrectorLike,
    contrast: Callable[[Values], Values],
    said: Sequence[Said],
    ends: NDArray[np.int64],
    first: Callable[[Place], None] | None = None,
) -> Place:
    """Answer the last of some prompts on a patch around it, which must be large enough for it.

    Args:
        canvas: is changed, on the patch alone.
        image: the canonical volume.
        corrector: the network.
        contrast: scales the patch's image for it.
        said: the prompts so far, in their order; the last one is answered, and those before it
            that lie on the patch are told, too.
        ends: (2, 3) first and last voxel of the lesion so far, or of its box.
        first: what else answers, before the corrector does; is given the patch's place.

    Returns:
        The patch's place in the canonical volume.
    """
    asked, shape = said[-1], canvas.frame.shape
    patch = patch_for(asked.voxels, ends, canvas.frame.spacing, shape)
    read = _reach(patch, shape)
    canvas.cover(read)
    if first is not None:
        first(patch.covers(shape))
    near = finite(image[read])
    shown = _seen_from(patch, [part.start for part in read]).extract(near)
    own = _seen_from(patch, canvas.first)
    before = own.extract(canvas.probability)
    positive, negative = _maps(patch, said)
    z_px = np.array([patch.z_px], dtype=np.float32)
    image_in, said_yes, said_no = contrast(shown)[None], positive[None], negative[None]
    answer = sigmoid(corrector(image_in, before[None], said_yes, said_no, z_px)[0])
    # Where the network has no answer, nothing changes.
    change = (np.where(np.isnan(answer), before, answer) - before) * fade()
    values, where = own.put_back(change, canvas.mask.shape)
    if asked.positive and not canvas.allows(asked.voxels):
        # The user points outside the box: the lesion may reach as far as this patch.
        canvas.allowed[where] = True
    after = np.clip(canvas.probability[where] + values, 0.0, 1.0)
    may = canvas.allowed[where]
    after = np.where(may, after, np.minimum(after, canvas.threshold * (1 - BELOW)))
    canvas.probability[where] = after
    canvas.opened[where] |= canvas.mask[where] & (after < canvas.threshold)
    canvas.mask[where] = after >= canvas.threshold
    return canvas.outside(where)


def sigmoid(logits: NDArray[np.floating]) -> Values:
    """The probability of logits; NaN stays."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)), dtype=np.float32)


def finite(image: NDArray[Any]) -> NDArray[np.float32]:
    """A part of an image, float32, with its darkest value in place of NaN and -inf, and its
    brightest in place of inf.

    One such voxel would else spread over every sample that is averaged with it, and over all that
    the network sees of them.
    """
    values = np.array(image, dtype=np.float32)
    known = np.isfinite(values)
    if not known.all():
        seen = values[known] if known.any() else np.zeros(1, dtype=np.float32)
        low, high = np.percentile(seen, (0.5, 99.5))
        values[~known] = np.where(values[~known] == np.inf, high, low)
    return values


def obey(canvas: Canvas, said: Sequence[Said]) -> None:
    """Set what the user said, in its order, so that the later word counts.

    The canvas grows to hold all of it.
    """
    for each in said:
        if len(each.voxels):
            low, high = each.voxels.min(axis=0), each.voxels.max(axis=0) + 1
            a, b, c = (slice(int(x), int(y)) for x, y in zip(low, high, strict=True))
            canvas.cover((a, b, c))
            index = canvas.index(each.voxels)
            canvas.probability[index] = float(each.positive)
            canvas.mask[index] = each.positive


def _maps(patch: Patch, said: Sequence[Said]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Samples that the user calls lesion, and that they do not; the later word counts."""
    maps = np.zeros((2, *patch.shape), dtype=bool)
    for each in said:
        z, y, x = patch.nearest(each.voxels).T
        this, other = (0, 1) if each.positive else (1, 0)
        maps[this, z, y, x], maps[other, z, y, x] = True, False
    return maps[0], maps[1]


def _seen_from(patch: Patch, first: Sequence[int]) -> Patch:
    """The same patch in a part of the volume that begins at a voxel."""
    return replace(patch, centre=patch.centre - np.array(first))


def _reach(patch: Patch, shape: tuple[int, int, int]) -> Place:
    """The voxels of a volume that a patch reads, so that a crop of them serves as well."""
    parts = []
    for axis, length in enumerate(shape):
        place, wide = patch.positions(axis), max(1.0, float(patch.step[axis]))
        low = int(np.clip(np.floor(place[0] - wide) - 1, 0, length - 1))
        high = int(np.clip(np.ceil(place[-1] + wide) + 1, low, length - 1))
        parts.append(slice(low, high + 1))
    return parts[0], parts[1], parts[2]
