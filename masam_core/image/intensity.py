"""Intensity presets: how the values of a volume become the [0, 1] that the network sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import ConfigError, IntensityError
from masam_core.image.hounsfield import looks_like_ct, padding_in, seen_values

Modality = Literal["CT", "MR", "other"]
Limits = tuple[float, float]

ROUNDING = 2e-6  # of a value: some steps of float32
SAMPLE_LIMIT = 2_000_000  # voxels looked at for percentiles; more changes nothing


@dataclass(frozen=True)
class IntensityPreset:
    """One way to choose the values that become 0 and 1.

    ``window``: ``low`` and ``high`` are values (Hounsfield units for CT). ``percentile``: they are
    percentiles of the finite voxels above the volume's least value, which is background; padding
    does not count.

    Raises:
        ConfigError: an unknown kind, or low not below high.
    """

    kind: Literal["window", "percentile"]
    low: float
    high: float

    def __post_init__(self) -> None:
        if self.kind not in ("window", "percentile"):
            raise ConfigError(
                f"An intensity preset must be 'window' or 'percentile'; got {self.kind!r}."
            )
        if not self.low < self.high:
            raise ConfigError(
                f"An intensity preset must run upwards; got {self.low} to {self.high}."
            )
        if self.kind == "percentile" and not (self.low >= 0 and self.high <= 100):
            raise ConfigError(
                f"Percentiles must lie from 0 to 100; got {self.low} and {self.high}."
            )


@dataclass(frozen=True)
class IntensityConfig:
    """A preset for each of CT, MR and other; part of a model's config.

    Raises:
        ConfigError: a missing or an unknown modality.
    """

    presets: Mapping[str, IntensityPreset] = field(
        default_factory=lambda: {
            "CT": IntensityPreset("window", -160.0, 240.0),
            "MR": IntensityPreset("percentile", 0.5, 99.5),
            "other": IntensityPreset("percentile", 0.5, 99.5),
        }
    )

    def __post_init__(self) -> None:
        if set(self.presets) != {"CT", "MR", "other"}:
            raise ConfigError(
                f"Intensity presets are needed for CT, MR and other; got {sorted(self.presets)}."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, the inverse of :meth:`from_dict`."""
        return {n: {"kind": p.kind, "low": p.low, "high": p.high} for n, p in self.presets.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> IntensityConfig:
        """Rebuild; raises ConfigError on anything else than presets."""
        try:
            return cls({name: IntensityPreset(**entry) for name, entry in values.items()})
        except TypeError as error:
            raise ConfigError(f"Intensity presets can't be read: {error}.") from error


DEFAULT_INTENSITY = IntensityConfig()


def guess_modality(array: NDArray[Any], modality: str | None) -> Modality:
    """Tell CT, MR and other apart: the one rule for what an image is.

    A given modality (DICOM's word) wins. Else: 8-bit values are other; what looks like Hounsfield
    units is CT, see :func:`masam_core.image.hounsfield.looks_like_ct`; the rest is taken for MR.

    Args:
        array: values of any shape and real type.
        modality: CT, MR, ..., or None where nothing says.
    """
    if modality:
        word = modality.strip().upper()
        return "CT" if word == "CT" else "MR" if word in ("MR", "MRI") else "other"
    if array.dtype in (np.uint8, np.int8, np.bool_):
        return "other"
    return "CT" if looks_like_ct(finite_sample(array)) else "MR"


def doubt_about(array: NDArray[Any], modality: str | None) -> str:
    """What to tell a user of an image that has CT's value of air only as padding; else empty.

    Args:
        array, modality: as for :func:`guess_modality`.
    """
    if modality or guess_modality(array, None) != "MR":
        return ""
    sample = finite_sample(array)
    padding = sample[padding_in(sample)]
    if padding.size < 0.01 * sample.size:
        return ""
    return (
        "The file does not say whether it is CT or MR. It was taken for MR, because "
        f"{padding.max():g} stands in it like a filling rather than like air. If it is CT, say so "
        "(--modality CT)."
    )


def intensity_unit(kind: Modality) -> str | None:
    """Name the unit of intensities: Hounsfield units (HU) for CT, none otherwise."""
    return "HU" if kind == "CT" else None


def intensity_limits(array: NDArray[Any], modality: str | None, config: IntensityConfig) -> Limits:
    """The values that become 0 and 1.

    Args:
        array: volume, any shape and real type; not changed.
        modality: CT, MR, ... or None to guess.
        config: presets.

    Returns:
        (low, high); equal for a constant volume.

    Raises:
        IntensityError: no finite value at all.
    """
    sample = finite_sample(array)
    if sample.size == 0:
        raise IntensityError(
            "The volume holds no finite value (only NaN or infinity), so there is nothing to see."
        )
    preset = config.presets[guess_modality(array, modality)]
    if preset.kind == "window":
        return preset.low, preset.high
    seen = seen_values(sample)
    foreground = seen[seen > seen.min()]
    low, high = np.percentile(foreground if foreground.size else sample, [preset.low, preset.high])
    if not varies(np.array([low, high])):
        # Nearly constant: the whole range, so that the few voxels that differ are seen.
        low, high = sample.min(), sample.max()
        if not varies(np.array([low, high])):
            high = low
    return float(low), float(high)


def varies(values: NDArray[Any]) -> bool:
    """Whether finite values differ by more than what rounding to float32 leaves of one value."""
    low, high = float(values.min()), float(values.max())
    return high - low > ROUNDING * max(abs(low), abs(high))


def scale_intensity(array: NDArray[Any], limits: Limits, cut: bool = True) -> NDArray[np.float32]:
    """Limits to 0 and 1; NaN and -inf become 0, +inf 1, a constant volume 0.

    Args:
        array: values of any shape; not changed.
        limits: values that become 0 and 1.
        cut: at the limits; else values beyond them go below 0 and above 1.
    """
    low, high = limits
    values = array.astype(np.float32)  # a copy: the caller's voxels stay as they are
    if not high > low:
        return np.zeros_like(values)
    if not np.issubdtype(array.dtype, np.integer):
        np.nan_to_num(values, copy=False, nan=low, posinf=high, neginf=low)
    values -= np.float32(low)
    values /= np.float32(high - low)
    return np.clip(values, 0.0, 1.0, out=values) if cut else values


def normalise(
    array: NDArray[Any], modality: str | None, config: IntensityConfig, cut: bool = True
) -> NDArray[np.float32]:
    """A whole volume, scaled; see :func:`intensity_limits` and :func:`scale_intensity`."""
    return scale_intensity(array, intensity_limits(array, modality, config), cut)


def finite_sample(array: NDArray[Any]) -> NDArray[np.float64]:
    """An even, repeatable sample of the finite values."""
    flat = array.reshape(-1)
    step = max(1, flat.size // SAMPLE_LIMIT)
    sample = flat[::step].astype(np.float64)
    return np.asarray(sample[np.isfinite(sample)])
