"""A lesion of an earlier study carried over to a later one: mask, box, and how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from masam_core.followup.quality import MOST_BACK_MM, Quality, Trust, judge, surroundings_fit
from masam_core.followup.registration import (
    AROUND_MM,
    IsCancelled,
    Points,
    Registration,
    crop,
    register_around,
    register_whole,
)
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.lesion.crops import tight_slices
from masam_core.prompts.boxes import BoxPrompt

MARGIN_VOXELS = 1.0  # of the carried box on each side: a lesion that grows touches its old box
_CORNERS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float)


@dataclass(frozen=True, eq=False)
class Carried:
    """A lesion's place in a later study.

    Attributes:
        mask: bool KJI on the later volume's grid, cropped; None where the registration failed.
        offset_kji: index in the later volume of the crop's first voxel.
        box: around it, with a margin of a voxel, on the later volume's grid; None where the
            registration failed.
        quality: how far to trust it.
        elastic: whether the surroundings had to be deformed.
        registration: around it; None where the registration failed.
    """

    mask: NDArray[np.bool_] | None
    offset_kji: tuple[int, int, int]
    box: BoxPrompt | None
    quality: Quality
    elastic: bool = False
    registration: Registration | None = None


class Pair:
    """Two studies of a patient, laid over each other once for all lesions.

    Args:
        earlier, later: the volumes.
        elastic: whether surroundings may be deformed to find a lesion's place.
        cancelled: asked now and then.

    Attributes:
        whole: the later study laid over the earlier one, rigidly.
        back: the earlier one laid over the later one, from scratch.

    Raises:
        Cancelled: ``cancelled`` said so.
    """

    def __init__(
        self,
        earlier: Volume,
        later: Volume,
        elastic: bool = True,
        cancelled: IsCancelled | None = None,
    ) -> None:
        self.earlier, self.later, self._elastic = earlier, later, elastic
        self.whole = register_whole(earlier, later, cancelled)
        self.back = register_whole(later, earlier, cancelled)

    def carry(
        self,
        mask: NDArray[np.bool_],
        offset_kji: tuple[int, int, int],
        name: str = "",
        cancelled: IsCancelled | None = None,
    ) -> Carried:
        """Carry a lesion over.

        Args:
            mask: bool KJI, a crop of the earlier volume, with at least one voxel.
            offset_kji: index in the earlier volume of the crop's first voxel.
            name: of the box that is made.
            cancelled: asked now and then.

        Raises:
            Cancelled: ``cancelled`` said so.
        """
        place = place_lps(mask, offset_kji, self.earlier.geometry)
        centre = place.mean(axis=0)[None]
        # The backward registration takes the earlier study to the later one by itself.
        back = self.back.to_earlier(centre) - self.whole.to_later(centre)
        missed = float(np.linalg.norm(back))
        elastic = self._elastic and missed <= MOST_BACK_MM
        found = register_around(self.earlier, self.later, self.whole, place, elastic, cancelled)
        inside = _share_inside(self.later.geometry, found, place)
        moved = float(np.linalg.norm(found.to_later(centre) - self.whole.to_later(centre)))
        carried, offset = _carried_mask(mask, offset_kji, self.earlier, self.later, found)
        value, shifted = self._fit(found, place, carried, offset)
        both_ct = self.earlier.kind == self.later.kind == "CT"
        quality = judge(value, shifted, missed, inside, moved, both_ct)
        if quality.trust is Trust.FAILED or not carried.any():
            return Carried(None, (0, 0, 0), None, quality, found.elastic)
        box = _box(carried, offset, name)
        return Carried(carried, offset, box, quality, found.elastic, found)

    def _fit(
        self,
        found: Registration,
        place: Points,
        carried: NDArray[np.bool_],
        offset: tuple[int, int, int],
    ) -> tuple[float, float]:
        there = found.to_later(place[0] + _CORNERS * (place[1] - place[0]))
        fixed = crop(self.later, there.min(axis=0) - AROUND_MM, there.max(axis=0) + AROUND_MM)
        moving = crop(self.earlier, place[0] - 2 * AROUND_MM, place[1] + 2 * AROUND_MM)
        if fixed is None or moving is None:
            return 0.0, 0.0
        lesion = sitk.GetImageFromArray(carried.astype(np.uint8))
        _set_grid(lesion, self.later.geometry, offset)
        on_crop = sitk.Resample(lesion, fixed, sitk.Transform(), sitk.sitkNearestNeighbor)
        grown = sitk.BinaryDilate(on_crop, [2, 2, 2])
        leave_out = sitk.GetArrayFromImage(grown).astype(bool)
        return surroundings_fit(fixed, moving, found.transform, leave_out)


def place_lps(
    mask: NDArray[np.bool_], offset_kji: tuple[int, int, int], geometry: Geometry
) -> Points:
    """Lowest and highest LPS mm (2, 3) of a mask's voxels, from outer face to outer face.

    Args:
        mask: bool KJI, a crop, with at least one voxel.
        offset_kji: index of its first voxel.
        geometry: of the volume.
    """
    tight = tight_slices(mask)
    if tight is None:
        raise ValueError("An empty mask has no place.")
    first = np.array([t.start for t in tight]) + offset_kji
    last = np.array([t.stop for t in tight]) + offset_kji
    corners = first[::-1] - 0.5 + _CORNERS * (last - first)[::-1]
    points = geometry.lps_from_ijk(corners)
    return np.stack([points.min(axis=0), points.max(axis=0)])


def _share_inside(geometry: Geometry, found: Registration, place: Points) -> float:
    """Share of a lattice over the lesion's place that lies in the later image."""
    steps = np.linspace(0.05, 0.95, 6)
    lattice = np.array([[x, y, z] for x in steps for y in steps for z in steps])
    ijk = geometry.ijk_from_lps(found.to_later(place[0] + lattice * (place[1] - place[0])))
    limit = np.array(geometry.size_ijk) - 0.5
    return float(((ijk >= -0.5) & (ijk <= limit)).all(axis=1).mean())


def _carried_mask(
    mask: NDArray[np.bool_],
    offset_kji: tuple[int, int, int],
    earlier: Volume,
    later: Volume,
    found: Registration,
) -> tuple[NDArray[np.bool_], tuple[int, int, int]]:
    """The mask on the later grid, cropped to where it can be; an empty crop outside the image."""
    image = sitk.GetImageFromArray(np.pad(mask, 1).astype(np.float32))
    _set_grid(image, earlier.geometry, (offset_kji[0] - 1, offset_kji[1] - 1, offset_kji[2] - 1))
    place = place_lps(mask, offset_kji, earlier.geometry)
    there = found.to_later(place[0] + _CORNERS * (place[1] - place[0]))
    ijk = later.geometry.ijk_from_lps(there)
    rim = 2 + np.ceil(5.0 / later.geometry.spacing)  # what an elastic edge may bulge
    first = np.clip(np.floor(ijk.min(axis=0) - rim), 0, np.array(later.geometry.size_ijk) - 1)
    last = np.clip(np.ceil(ijk.max(axis=0) + rim), 0, np.array(later.geometry.size_ijk) - 1)
    size = [int(n) for n in last - first + 1]
    offset = (int(first[2]), int(first[1]), int(first[0]))
    geometry = later.geometry
    moved = sitk.Resample(
        image,
        size,
        found.transform,
        sitk.sitkLinear,
        geometry.lps_from_ijk([first])[0].tolist(),
        geometry.spacing.tolist(),
        geometry.direction.flatten().tolist(),
        0.0,
        sitk.sitkFloat32,
    )
    carried = np.asarray(sitk.GetArrayFromImage(moved) >= 0.5)
    if not carried.any() and mask.any():  # smaller than a voxel of the later study
        carried = np.asarray(sitk.GetArrayFromImage(moved) > 0)
    return carried, offset


def _box(mask: NDArray[np.bool_], offset_kji: tuple[int, int, int], name: str) -> BoxPrompt:
    tight = tight_slices(mask)
    assert tight is not None
    ends = [
        end
        for t, o in zip(reversed(tight), reversed(offset_kji), strict=True)
        for end in (t.start + o - MARGIN_VOXELS, t.stop - 1 + o + MARGIN_VOXELS)
    ]
    return BoxPrompt.from_voxels(*ends, name=name)


def _set_grid(image: sitk.Image, geometry: Geometry, offset_kji: tuple[int, int, int]) -> None:
    image.SetSpacing(geometry.spacing.tolist())
    image.SetDirection(geometry.direction.flatten().tolist())
    image.SetOrigin(geometry.lps_from_ijk([offset_kji[::-1]])[0].tolist())
