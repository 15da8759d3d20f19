"""Masks of lesions as the page gets them: cropped to their extent, named by their content."""

from __future__ import annotations

import gzip
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
from MASAMSlicerLib.scene.lesions import LesionEntry, LesionList

LEAST_KEPT = 64  # an undone mask is asked for again; more where there are many lesions
Extent = tuple[int, int, int, int, int, int]
EMPTY: Extent = (0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class ServedMask:
    """A mask.

    Attributes:
        version: digest of its voxels and their place.
        extent: first voxel (i, j, k), and how many along i, j and k; zeros where it is empty.
        array: bool KJI, the crop of that extent.
    """

    version: str
    extent: Extent
    array: np.ndarray

    def body(self) -> bytes:
        """The voxels, one byte each, i fastest, compressed with gzip."""
        if not self.array.size:
            return b""
        return gzip.compress(np.ascontiguousarray(self.array, np.uint8).tobytes(), 1, mtime=0)


class Masks:
    """Keeps the masks that were shown last, by their versions.

    Args:
        lesions: of the scene.
    """

    def __init__(self, lesions: LesionList) -> None:
        self._lesions = lesions
        self._kept: OrderedDict[str, ServedMask] = OrderedDict()

    def of(self, lesion: LesionEntry) -> ServedMask | None:
        """The mask of a lesion as it is now; None where it has none."""
        if lesion.segment is None or lesion.volume is None:
            return None
        version = self._lesions.digest(lesion)[:20]
        kept = self._kept.get(version)
        if kept is None:
            mask, (k, j, i) = self._lesions.maskOf(lesion)
            depth, rows, cols = mask.shape
            extent = (i, j, k, cols, rows, depth) if mask.size else EMPTY
            kept = self._kept[version] = ServedMask(version, extent, mask)
        self._kept.move_to_end(version)
        while len(self._kept) > LEAST_KEPT and len(self._kept) > 2 * len(self._lesions.lesions()):
            self._kept.popitem(last=False)
        return kept

    def known(self, version: str) -> ServedMask | None:
        """A mask by its version; None where it was not shown lately."""
        return self._kept.get(version)

    def clear(self) -> None:
        """Forget all, e.g. when another image is opened."""
        self._kept.clear()


def describe(mask: ServedMask | None) -> dict[str, Any] | None:
    """What the page is told of a mask."""
    return None if mask is None else {"version": mask.version, "extent": list(mask.extent)}
