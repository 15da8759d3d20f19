"""The ellipsoid inscribed in the box: what the box says by itself."""

from __future__ import annotations

import numpy as np

from masam_core.errors import BoxError
from masam_core.image.volume import Volume
from masam_core.inference.box_segmenter import IsCancelled, Progress
from masam_core.inference.options import SegmentOptions
from masam_core.inference.volume_holder import VolumeHolder
from masam_core.lesion.lesion import Lesion
from masam_core.prompts.boxes import CORNER_BITS, BoxPrompt
from masam_core.scoring.metrics import inscribed_ellipsoid


class Ellipsoid(VolumeHolder):
    """A peer that never looks at the image; implements ``BoxSegmenter``."""

    def set_volume(self, volume: Volume, modality: str | None = None) -> None:
        """Choose the volume; of it only the grid counts."""
        self._volume = volume

    def segment(
        self,
        box: BoxPrompt,
        options: SegmentOptions | None = None,
        progress: Progress | None = None,
        cancelled: IsCancelled | None = None,
    ) -> Lesion:
        """Fill the inscribed ellipsoid, at once; ``options`` mean nothing to it.

        Raises:
            ConfigError: no volume was set.
            BoxError: a box that is turned against the voxel axes.
        """
        volume = self.volume
        low, high = box.corners_ijk.min(axis=0), box.corners_ijk.max(axis=0)
        if not np.allclose(box.corners_ijk, low + CORNER_BITS * (high - low), atol=1e-6):
            raise BoxError("The inscribed ellipsoid is for boxes along the voxel axes alone.")
        (i0, j0, k0), (i1, j1, k1) = (low + 0.5).tolist(), (high - 0.5).tolist()
        mask = inscribed_ellipsoid(volume.geometry.shape, (i0, i1, j0, j1, k0, k1))
        return Lesion.from_mask(mask, volume, box, model="ellipsoid")
