"""Presets of window and level."""

from __future__ import annotations

import numpy as np
import pytest

from .conftest import Scene


def test_ct_has_windows_in_hounsfield_units(make: Scene) -> None:
    from MASAMSlicerLib.scene.windowlevel import applyPreset, presetsOf

    array = np.full((4, 5, 6), -1000, dtype=np.int16)
    array[1:3] = 40
    volume = make.volume(array)
    presets = presetsOf(volume)
    assert next(iter(presets)) == "Soft tissue"
    assert presets["Lung"] == (1500.0, -600.0)
    applyPreset(volume, "Bone")
    display = volume.GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel()) == (1800.0, 400.0)
    assert not display.GetAutoWindowLevel()
    applyPreset(volume, "no such name")
    assert display.GetWindow() == 1800.0


def test_mr_has_windows_from_its_own_values(make: Scene) -> None:
    from MASAMSlicerLib.scene.windowlevel import presetsOf

    array = np.zeros((10, 20, 20), dtype=np.int16)
    array[:5] = np.arange(1, 2001).reshape(5, 20, 20)
    presets = presetsOf(make.volume(array))
    window, level = presets["Balanced"]
    assert level - window / 2 == pytest.approx(np.percentile(np.arange(1, 2001), 0.5))
    assert level + window / 2 == pytest.approx(np.percentile(np.arange(1, 2001), 99.5))
    assert presets["High contrast"][0] < window < presets["Full range"][0]


def test_a_few_padded_voxels_make_no_ct(make: Scene) -> None:
    """The same rule as everywhere: the segmentation takes such a volume for MR."""
    from MASAMSlicerLib.scene.volumes import volumeFromNode
    from MASAMSlicerLib.scene.windowlevel import presetsOf

    array = np.random.default_rng(0).integers(0, 900, (10, 20, 20)).astype(np.int16)
    array[0, 0, :5] = -2000
    volume = make.volume(array)
    assert volumeFromNode(volume).kind == "MR"
    assert "Soft tissue" not in presetsOf(volume)


def test_an_image_of_one_value_can_be_shown(make: Scene) -> None:
    from MASAMSlicerLib.scene.windowlevel import presetsOf

    presets = presetsOf(make.volume(np.full((3, 4, 5), 7, dtype=np.int16)))
    assert [level for _, level in presets.values()] == [7.0]
    assert all(window > 0 for window, _ in presets.values())
