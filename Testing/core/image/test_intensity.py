"""Intensity presets against hand-computed values; awkward volumes."""

from __future__ import annotations

import numpy as np
import pytest

from masam_core.errors import ConfigError, IntensityError
from masam_core.image.intensity import (
    DEFAULT_INTENSITY,
    IntensityConfig,
    IntensityPreset,
    guess_modality,
    intensity_limits,
    normalise,
)


def test_a_ct_window_maps_hounsfield_units_linearly() -> None:
    values = np.array([-1000, -160, -60, 40, 240, 3000], dtype=np.int16)
    got = normalise(values, "CT", DEFAULT_INTENSITY)
    assert got.dtype == np.float32
    assert np.allclose(got, [0, 0, 0.25, 0.5, 1, 1])


def test_mr_percentiles_leave_the_background_out() -> None:
    foreground = np.arange(100, 1101, dtype=np.float64)
    values = np.concatenate([np.zeros(5000), foreground])
    low, high = intensity_limits(values, "MR", DEFAULT_INTENSITY)
    assert (low, high) == pytest.approx((105.0, 1095.0))
    got = normalise(values, "MR", DEFAULT_INTENSITY)
    assert got[-1] == 1.0
    assert got[5000 + 500] == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize(
    ("given", "expected"),
    [("CT", "CT"), ("ct", "CT"), ("MR", "MR"), ("MRI", "MR"), ("US", "other")],
)
def test_a_given_modality_wins(given: str, expected: str) -> None:
    assert guess_modality(np.zeros(9, dtype=np.uint8), given) == expected


def test_modality_is_guessed_from_values() -> None:
    rng = np.random.default_rng(0)
    ct = rng.normal(40, 50, 10000)
    ct[:2000] = -1000
    assert guess_modality(ct, None) == "CT"
    assert guess_modality(np.abs(rng.normal(300, 100, 10000)), None) == "MR"
    assert guess_modality(rng.integers(0, 255, 1000).astype(np.uint8), None) == "other"
    padded_mr = np.abs(rng.normal(300, 100, 10000))
    padded_mr[:20] = -2000
    assert guess_modality(padded_mr, None) == "MR"


def test_nan_and_infinities_get_a_place() -> None:
    values = np.array([np.nan, -np.inf, np.inf, 40.0])
    assert np.allclose(normalise(values, "CT", DEFAULT_INTENSITY), [0, 0, 1, 0.5])


def test_a_single_huge_outlier_does_not_darken_the_rest() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(500, 100, 20000)
    plain = normalise(values, "MR", DEFAULT_INTENSITY)
    values[7] = 1e30
    assert np.abs(normalise(values, "MR", DEFAULT_INTENSITY) - plain)[8:].max() < 0.01


def test_a_constant_volume_is_black() -> None:
    assert not normalise(np.full(50, 7, dtype=np.int16), "MR", DEFAULT_INTENSITY).any()


def test_two_valued_and_eight_bit_volumes_use_the_whole_range() -> None:
    two = np.array([3] * 900 + [9] * 100, dtype=np.int16)
    assert set(np.unique(normalise(two, "MR", DEFAULT_INTENSITY))) == {0.0, 1.0}
    grey = np.arange(256, dtype=np.uint8)
    got = normalise(grey, None, DEFAULT_INTENSITY)
    assert got.min() == 0.0
    assert got.max() == 1.0
    assert (np.diff(got) >= 0).all()


def test_nothing_finite_is_refused() -> None:
    with pytest.raises(IntensityError, match="no finite value"):
        normalise(np.full(9, np.nan), None, DEFAULT_INTENSITY)


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.float64])
def test_the_callers_voxels_stay_as_they_are(dtype: type) -> None:
    values = np.arange(-500, 500).astype(dtype)
    before = values.copy()
    normalise(values, "CT", DEFAULT_INTENSITY)
    normalise(values, "MR", DEFAULT_INTENSITY)
    assert np.array_equal(values, before)


def test_large_volumes_are_sampled_repeatably_and_closely() -> None:
    rng = np.random.default_rng(0)
    values = rng.gamma(3, 100, size=(60, 256, 400)).astype(np.int16)
    low, high = intensity_limits(values, "MR", DEFAULT_INTENSITY)
    assert (low, high) == intensity_limits(values, "MR", DEFAULT_INTENSITY)
    exact = np.percentile(values[values > values.min()], [0.5, 99.5])
    assert np.allclose((low, high), exact, rtol=0.02, atol=2)


def test_presets_survive_a_round_trip_and_bad_ones_are_refused() -> None:
    assert IntensityConfig.from_dict(DEFAULT_INTENSITY.to_dict()) == DEFAULT_INTENSITY
    for kind, low, high in (("window", 5, 5), ("percentile", -1, 50), ("percentile", 5, 101)):
        with pytest.raises(ConfigError):
            IntensityPreset(kind, low, high)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="window"):
        IntensityPreset("guess", 0, 1)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="can't be read"):
        IntensityConfig.from_dict({"CT": {"wide": 3}, "MR": {}, "other": {}})
