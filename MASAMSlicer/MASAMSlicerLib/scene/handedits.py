"""Masks as they were made, so that it is known what a hand has changed in them since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from masam_core.lesion.crops import tight_slices
from masam_core.lesion.painted import Painted

from .provenance import maskDigest
from .segments import Mask, Offset

MOST_MADE = 21  # of a lesion: before the first and after each of the steps that can be undone
EMPTY = maskDigest(np.zeros((1, 1, 1), dtype=bool), (0, 0, 0))


@dataclass(frozen=True, eq=False)
class _Made:
    mask: Mask
    offset: Offset


class HandEdits:
    """Remembers each lesion's masks as they were written, by the digest in its segment's tags.

    Undo brings back an earlier mask with what was painted on it, so the earlier ones are kept too:
    as many as there can be steps of undo. A segment that was edited before it was first seen, as
    in a scene that has just been loaded, has no such mask: what the hand has done there can't be
    told from the rest.
    """

    def __init__(self) -> None:
        self._made: dict[str, dict[str, _Made]] = {}  # lesion to digest to mask, newest last

    def made(self, lesion: str, digest: str, mask: Mask, offset: Offset) -> None:
        """A lesion's mask was seen as it was made."""
        known = self._made.setdefault(lesion, {})
        known.pop(digest, None)
        known[digest] = _Made(mask.copy(), offset)
        while len(known) > MOST_MADE:
            del known[next(iter(known))]

    def since(self, lesion: str, digest: str, mask: Mask, offset: Offset) -> Painted | None:
        """What was painted and erased since; None where that is not known or nothing.

        Args:
            lesion: its id.
            digest: of the mask as it was made, in its provenance.
            mask, offset: the mask as it is now, a KJI crop.
        """
        made = self._made.get(lesion, {}).get(digest)
        if digest == EMPTY:
            made = _Made(np.zeros((1, 1, 1), dtype=bool), (0, 0, 0))
        if made is None:
            return None
        return difference((made.mask, made.offset), (mask, offset))

    def clear(self) -> None:
        """Forget what belonged to a scene that is closed."""
        self._made.clear()


def difference(before: tuple[Mask, Offset], after: tuple[Mask, Offset]) -> Painted | None:
    """What turned one mask into another, each a KJI crop with its offset; None for nothing."""
    crops = [crop for crop in (before, after) if crop[0].any()]
    if not crops:
        return None
    values, low = _common(crops, np.int8)
    for (mask, offset), sign in ((before, -1), (after, 1)):
        if mask.any():
            values[_where(mask.shape, offset, low)] += (sign * mask).astype(np.int8)
    return _tight(values, low)


def merged(earlier: Painted | None, later: Painted | None) -> Painted | None:
    """Both; where they disagree the later one counts."""
    known = [each for each in (earlier, later) if each is not None]
    if len(known) < 2:
        return known[0] if known else None
    values, low = _common([(p.values, p.offset_kji) for p in known], np.int8)
    for each in known:
        part = values[_where(each.values.shape, each.offset_kji, low)]
        part[each.values != 0] = each.values[each.values != 0]
    return _tight(values, low)


def agreeing(painted: Painted | None, mask: Mask, offset: Offset) -> Painted | None:
    """What was painted as far as a mask (KJI crop) still holds it; None where nothing is left."""
    if painted is None:
        return None
    inside = np.zeros(painted.values.shape, dtype=bool)
    shared = [
        (max(a, b), min(a + n, b + m))
        for a, n, b, m in zip(
            painted.offset_kji, painted.values.shape, offset, mask.shape, strict=True
        )
    ]
    if all(low < high for low, high in shared):
        own = tuple(
            slice(low - a, high - a)
            for (low, high), a in zip(shared, painted.offset_kji, strict=True)
        )
        there = tuple(
            slice(low - b, high - b) for (low, high), b in zip(shared, offset, strict=True)
        )
        inside[own] = mask[there]
    holds = (painted.values > 0) & inside | (painted.values < 0) & ~inside
    return _tight(np.where(holds, painted.values, 0).astype(np.int8), np.array(painted.offset_kji))


def _common(crops: Any, kind: Any) -> tuple[np.ndarray, np.ndarray]:
    """An empty array that holds all crops, and the index of its first voxel."""
    low = np.min([offset for _, offset in crops], axis=0)
    high = np.max([np.add(offset, crop.shape) for crop, offset in crops], axis=0)
    return np.zeros(high - low, dtype=kind), low


def _where(shape: Any, offset: Any, low: np.ndarray) -> tuple[slice, ...]:
    first = np.subtract(offset, low)
    return tuple(slice(int(a), int(a + n)) for a, n in zip(first, shape, strict=True))


def _tight(values: np.ndarray, low: np.ndarray) -> Painted | None:
    where = tight_slices(values != 0)
    if where is None:
        return None
    k, j, i = (int(low[axis] + where[axis].start) for axis in range(3))
    return Painted(values[where].copy(), (k, j, i))
