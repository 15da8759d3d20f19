"""Probabilities of masks that the worker has given, kept so that they need not be sent back."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from masam_core.lesion.crops import tight_slices
from masam_core.lesion.lesion import Lesion

Offset = tuple[int, int, int]
LIMIT_BYTES = 256 << 20


class KeptProbabilities:
    """The least recently used leave when the limit is reached.

    A mask is known by its voxels, its place and its volume: one that was touched up by hand since
    is another mask, whose probabilities nobody knows.
    """

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self._kept: OrderedDict[str, tuple[NDArray[np.float32], Offset]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, volume_hash: str, lesion: Lesion) -> None:
        """Keep a lesion's probabilities, if it has any."""
        if lesion.probability is None:
            return
        key = _key(volume_hash, lesion.mask, lesion.offset_kji)
        self._kept[key] = lesion.probability, lesion.offset_kji
        self._kept.move_to_end(key)
        used = sum(values.nbytes for values, _ in self._kept.values())
        while used > self.limit_bytes and self._kept:
            _, (oldest, _) = self._kept.popitem(last=False)
            used -= oldest.nbytes

    def of_mask(
        self, volume_hash: str, mask: NDArray[np.bool_], offset_kji: tuple[int, int, int]
    ) -> NDArray[np.float32] | None:
        """The probabilities of a mask (KJI crop) that was given, in this crop or another; or None.

        What the crop that was given did not hold is 0.
        """
        key = _key(volume_hash, mask, offset_kji)
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        values, place = self._kept[key]
        if place == tuple(offset_kji) and values.shape == mask.shape:
            return values
        out = np.zeros(mask.shape, dtype=np.float32)
        pairs = list(zip(offset_kji, mask.shape, place, values.shape, strict=True))
        low = [max(to, of) for to, _, of, _ in pairs]
        high = [min(to + n, of + m) for to, n, of, m in pairs]
        here, there = (
            tuple(
                slice(a - start, max(a, b) - start)
                for a, b, start in zip(low, high, starts, strict=True)
            )
            for starts in (offset_kji, place)
        )
        out[here] = values[there]
        return out

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()


def _key(volume_hash: str, mask: NDArray[np.bool_], offset_kji: Offset) -> str:
    """Digest of a mask's voxels and their place, whatever crop it comes in."""
    tight = tight_slices(mask)
    part = (slice(0, 0),) * 3 if tight is None else tight
    own = mask[part]
    place = [p.start + first for p, first in zip(part, offset_kji, strict=True)]
    digest = hashlib.sha256(f"{volume_hash} {own.shape} {place}".encode())
    digest.update(np.packbits(own).tobytes())
    return digest.hexdigest()
