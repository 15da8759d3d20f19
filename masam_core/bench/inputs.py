"""What benchmarks run on: models with random weights, and a volume with a lesion in it."""

from __future__ import annotations

import numpy as np
import torch

from masam_core.errors import ConfigError
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.model.backbones import backbone_spec
from masam_core.model.config import ModelConfig
from masam_core.model.masam import MASAM
from masam_core.prompts.boxes import BoxPrompt

SIDE = 512  # voxels of a slice
LESION = 96  # voxels across


def random_model(backbone: str, image_size: int, seed: int = 0) -> MASAM:
    """MA-SAM as in the paper, with random weights: speed does not depend on what they are.

    No part is left at its identity start, so that leaving one out would change the result.

    Raises:
        ConfigError: an unknown backbone, or a size that does not fit it.
    """
    backbone_spec(backbone)
    torch.manual_seed(seed)
    model = MASAM(ModelConfig(name=backbone, backbone=backbone, image_size=image_size))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return model.eval()


def lesion_volume(slices: int, lesion_slices: int) -> tuple[Volume, BoxPrompt]:
    """A CT-like volume of 512 x 512 voxels with an ellipsoid in its middle, and its tight box.

    Args:
        slices: of the volume.
        lesion_slices: that the lesion spans; a multiple of five begins where a window begins.

    Raises:
        ConfigError: a lesion longer than the volume.
    """
    if not 1 <= lesion_slices <= slices:
        raise ConfigError(f"A lesion of {lesion_slices} slices does not fit into {slices}.")
    rng = np.random.default_rng(0)
    first = (slices - lesion_slices) // 2 // 5 * 5
    noise = rng.integers(-60, 60, (8, SIDE, SIDE), dtype=np.int16)
    array = np.empty((slices, SIDE, SIDE), np.int16)
    for k in range(slices):
        array[k] = noise[k % len(noise)]
    low = (SIDE - LESION) // 2
    axis = (np.arange(LESION) + 0.5) / LESION * 2 - 1
    for number in range(lesion_slices):
        z = (number + 0.5) / lesion_slices * 2 - 1
        inside = axis[:, None] ** 2 + axis[None] ** 2 + z**2 <= 1
        array[first + number, low : low + LESION, low : low + LESION][inside] += 80
    geometry = Geometry.from_spacing(array.shape, (0.8, 0.8, 3.0), (0.0, 0.0, 0.0))
    high = low + LESION - 1
    box = BoxPrompt.from_voxels(low, high, low, high, first, first + lesion_slices - 1, name="ball")
    return Volume(array, geometry, "CT", "benchmark"), box
