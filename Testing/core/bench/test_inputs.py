"""The benchmark's volume has the lesion where its box says, in the middle of any length."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from masam_core.bench.inputs import LESION, lesion_volume, random_model
from masam_core.errors import ConfigError


@pytest.mark.parametrize(("slices", "lesion"), [(20, 5), (100, 20), (31, 7), (6, 6)])
def test_the_box_is_tight_around_the_lesion(slices: int, lesion: int) -> None:
    volume, box = lesion_volume(slices, lesion)
    # Noise reaches up to 59, the lesion's from 20 on: the mean of a slice's lesion stands out.
    low, high = np.ceil(box.corners_ijk.min(axis=0)), np.floor(box.corners_ijk.max(axis=0))
    assert (high - low + 1).tolist() == [LESION, LESION, lesion]
    k = slice(int(low[2]), int(high[2]) + 1)
    assert volume.array.shape[0] == slices
    assert (volume.array[k].max(axis=(1, 2)) > 60).all()
    outside = np.delete(volume.array, np.arange(k.start, k.stop), axis=0)
    assert outside.size == 0 or outside.max() < 60
    bright = np.argwhere(volume.array > 60)
    assert bright[:, 1].min() >= low[1]
    assert bright[:, 1].max() <= high[1]
    assert k.start % 5 == 0


def test_a_lesion_longer_than_the_volume_is_refused() -> None:
    with pytest.raises(ConfigError, match="does not fit"):
        lesion_volume(10, 11)


def test_random_weights_are_the_same_each_time_and_nowhere_at_identity(backbone: str) -> None:
    first, second = random_model(backbone, 56), random_model(backbone, 56)
    for (name, a), b in zip(first.named_parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
        assert a.abs().max() > 0, name


def test_an_unknown_backbone_is_refused() -> None:
    with pytest.raises(ConfigError, match="vit_x"):
        random_model("vit_x", 512)
