"""Measuring a lesion: everything that ``masam_core.lesion.measurements`` states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import SegmentationError
from masam_core.lesion.crops import crop_slices, tight_slices
from masam_core.lesion.diameter_plane import DiameterPlane
from masam_core.lesion.measurements import registry
from masam_core.lesion.measurements.region import Region
from masam_core.lesion.plane import axis_across

if TYPE_CHECKING:
    from masam_core.image.volume import Volume


class Measurements(Mapping[str, Any]):
    """Size, place and intensity of one lesion: a read-only mapping from quantity to value.

    Each value is an attribute, too. The names, units and meanings are stated by the files of
    ``masam_core.lesion.measurements``; what they give for an empty mask is 0 or None.

    >>> found = Measurements(voxels=12, volume_ml=0.3)
    >>> found.volume_ml, found["voxels"], found.longest_diameter_mm
    (0.3, 12, None)
    """

    __slots__ = ("_values",)

    def __init__(self, **values: Any) -> None:
        empty = {quantity.name: quantity.empty for quantity in registry.quantities()}
        self._values: dict[str, Any] = {**empty, **values}

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self._values:
            return self._values[name]
        raise AttributeError(f"There is no measurement '{name}'.")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._values]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Measurements({', '.join(f'{name}={self[name]!r}' for name in self)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Measurements.from_dict, (self.to_dict(),)

    def to_dict(self) -> dict[str, Any]:
        """Quantity to value, ready for JSON: numbers, words, None, (nested) lists of numbers."""
        return {name: _plain(value) for name, value in self._values.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Measurements:
        """Rebuild from :meth:`to_dict`; what is left out is as for an empty mask.

        Names that are not known here, as of a newer worker, are kept.
        """
        return cls(**{name: _tuples(value) for name, value in values.items()})


def measure(
    mask: NDArray[np.bool_],
    offset_kji: tuple[int, int, int],
    volume: Volume,
    slice_axis: int | None = None,
    plane: DiameterPlane = DiameterPlane.AUTO,
) -> Measurements:
    """Measure a mask.

    Args:
        mask: bool KJI, the whole image or a crop of it.
        offset_kji: index in the image of the mask's first voxel; (0, 0, 0) for a whole mask.
        volume: the image, which gives the grid and the intensities.
        slice_axis: voxel axis (0 = i, 1 = j, 2 = k) across the slices, where it is not the one that
            the voxels' sizes tell.
        plane: in which the diameters are taken.

    Raises:
        SegmentationError: when the mask does not fit in the image.
    """
    if mask.ndim != 3:
        raise SegmentationError(f"A mask to measure must be 3D; received {mask.ndim}D.")
    where = crop_slices(mask.shape, offset_kji, volume.geometry.shape)
    tight = tight_slices(mask)
    if tight is None:
        return Measurements()
    first_kji = np.array([w.start + t.start for w, t in zip(where, tight, strict=True)])
    region = Region(
        mask=np.ascontiguousarray(mask[tight], dtype=bool),
        first_ijk=first_kji[::-1],
        volume=volume,
        slice_axis=axis_across(plane, volume.geometry, volume.kind, slice_axis),
    )
    values: dict[str, Any] = {}
    for measurement in registry.MEASUREMENTS:
        found = measurement.compute(region)
        stated = [quantity.name for quantity in measurement.quantities]
        if sorted(found) != sorted(stated):
            raise ValueError(f"A measurement states {stated} but gives {sorted(found)}.")
        values.update((name, found[name]) for name in stated)
    return Measurements(**values)


def _plain(value: Any) -> Any:
    return [_plain(v) for v in value] if isinstance(value, tuple) else value


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value
