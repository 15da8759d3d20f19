"""Probabilities of masks that the worker has given, kept so that they need not be sent back."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from masam_core.lesion.lesion import Lesion

LIMIT_BYTES = 256 << 20


class KeptProbabilities:
    """The least recently used leave when the limit is reached.

    A mask is known by its voxels, its place and its volume: one that was touched up by hand since
    is another mask, whose probabilities nobody knows.
    """

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self._kept: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, volume_hash: str, lesion: Lesion) -> None:
        """Keep a lesion's probabilities, if it has any."""
        if lesion.probability is None:
            return
        key = _key(volume_hash, lesion.mask, lesion.offset_kji)
        self._kept[key] = lesion.probability
        self._kept.move_to_end(key)
        used = sum(values.nbytes for values in self._kept.values())
        while used > self.limit_bytes and self._kept:
            _, oldest = self._kept.popitem(last=False)
            used -= oldest.nbytes

    def of_mask(
        self, volume_hash: str, mask: NDArray[np.bool_], offset_kji: tuple[int, int, int]
    ) -> NDArray[np.float32] | None:
        """The probabilities of a mask (KJI crop) as it was given, or None."""
        key = _key(volume_hash, mask, offset_kji)
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()


def _key(volume_hash: str, mask: NDArray[np.bool_], offset_kji: tuple[int, int, int]) -> str:
    digest = hashlib.sha256(f"{volume_hash} {mask.shape} {tuple(offset_kji)}".encode())
    digest.update(np.packbits(mask).tobytes())
    return digest.hexdigest()
