"""Lesions of a study as masks: from Slicer, from a label image, or out of DICOM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from masam_core.errors import BoxError, SegmentationError, VolumeError
from masam_core.image.formats.nrrd_header import read_header
from masam_core.image.geometry import Geometry
from masam_core.image.lattice import on_grid
from masam_core.image.volume import Volume, read_labels
from masam_core.lesion.crops import tight_slices
from masam_core.lesion.morphology import label_pieces
from masam_core.prompts import tags
from masam_core.prompts.dicom.objects import kind_of
from masam_core.prompts.dicom.regions import read_regions
from masam_core.prompts.per import Per

TRACKING = "MASAM.TrackingUID"  # tag of a segment; DICOM's Tracking UID (0062,0021)
MASK_ENDINGS = (".seg.nrrd", ".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm")


@dataclass(frozen=True, eq=False)
class NamedMask:
    """One lesion.

    Attributes:
        name: of the lesion.
        mask: bool KJI, a crop of the study's volume.
        offset_kji: index in the volume of its first voxel.
        tracking_uid: the same for a lesion in every study; empty where it is not known.
    """

    name: str
    mask: NDArray[np.bool_]
    offset_kji: tuple[int, int, int]
    tracking_uid: str = ""

    @property
    def voxels(self) -> int:
        """How many there are."""
        return int(np.count_nonzero(self.mask))

    def where(self) -> tuple[slice, slice, slice]:
        """Its crop as array slices of the volume."""
        k, j, i = (slice(o, o + n) for o, n in zip(self.offset_kji, self.mask.shape, strict=True))
        return k, j, i

    def on(self, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
        """The mask on the whole volume."""
        whole = np.zeros(shape, dtype=bool)
        whole[self.where()] = self.mask
        return whole


def cropped(
    mask: NDArray[np.bool_],
    name: str,
    tracking_uid: str = "",
    offset_kji: tuple[int, int, int] = (0, 0, 0),
) -> NamedMask | None:
    """The tight crop of a mask; None where it is empty."""
    tight = tight_slices(mask)
    if tight is None:
        return None
    k, j, i = (t.start + o for t, o in zip(tight, offset_kji, strict=True))
    return NamedMask(name, np.ascontiguousarray(mask[tight]), (k, j, i), tracking_uid)


def common(a: NamedMask, b: NamedMask) -> int:
    """How many voxels two masks of one volume share."""
    low = np.maximum(a.offset_kji, b.offset_kji)
    high = np.minimum(np.add(a.offset_kji, a.mask.shape), np.add(b.offset_kji, b.mask.shape))
    if (high <= low).any():
        return 0
    one, two = (
        each.mask[
            tuple(slice(x - o, y - o) for x, y, o in zip(low, high, each.offset_kji, strict=True))
        ]
        for each in (a, b)
    )
    return int(np.count_nonzero(one & two))


def read_masks(path: Path, volume: Volume, per: Per = Per.COMPONENT) -> list[NamedMask]:
    """Read every lesion of a file, on a volume's grid.

    Args:
        path: a Slicer segmentation (also with overlapping segments), a label image, or a DICOM SEG
            or RTSTRUCT.
        volume: of the same study.
        per: of a label image with a single value, a lesion a connected piece or one in all; of one
            with several values each value is a lesion.

    Raises:
        BoxError: no lesion in it, or it is not on the volume's grid.
        VolumeError: it can't be read.
    """
    if not path.exists():
        raise BoxError(f"There is no file of lesions at {path}.")
    if kind_of(path) is not None:
        regions = read_regions(path, volume.geometry)
        found = [cropped(each.mask(), each.name, each.tracking_uid) for each in regions]
    elif path.name.lower().endswith(".seg.nrrd"):
        found = _slicer_segments(path, volume)
    else:
        found = _labels(path, volume, per)
    lesions = [each for each in found if each is not None]
    if not lesions:
        raise BoxError(f"{path} holds no lesion: every mask in it is empty.")
    return lesions


def _labels(path: Path, volume: Volume, per: Per) -> list[NamedMask | None]:
    labels, own = read_labels(path)
    labels = _placed(labels, own, volume, path)
    values = [int(v) for v in np.unique(labels) if v > 0]
    if len(values) == 1 and per is Per.COMPONENT:
        pieces, count = label_pieces(labels > 0)
        return [cropped(pieces == n, f"lesion {n}") for n in range(1, count + 1)]
    return [cropped(labels == value, f"lesion {value}") for value in values]


def _slicer_segments(path: Path, volume: Volume) -> list[NamedMask | None]:
    """Every segment by its header entries: layer, label value, name and tags."""
    try:
        with path.open("rb") as file:
            keys = read_header(file, path).keys
        image = sitk.ReadImage(str(path))
    except (OSError, RuntimeError) as error:
        raise VolumeError(f"{path} can't be read: {error}") from error
    if image.GetDimension() != 3:
        raise SegmentationError(f"{path} is no segmentation of one volume.")
    array = sitk.GetArrayFromImage(image)
    layers = array[..., None] if array.ndim == 3 else array
    geometry = Geometry.from_sitk(image)
    found: list[NamedMask | None] = []
    number = 0
    while (own := f"segment{number}_") + "id" in keys:
        number += 1
        layer = int(keys.get(f"{own}layer", "0"))
        value = int(keys.get(f"{own}labelvalue", str(number)))
        if not 0 <= layer < layers.shape[-1]:
            raise VolumeError(f"{path} is damaged: its segment {number} is in no layer of it.")
        name = keys.get(f"{own}name", "").replace("\\\\", "\\") or f"lesion {number}"
        mask = _placed(layers[..., layer] == value, geometry, volume, path)
        found.append(cropped(mask, name, tracking_uid_of(_tags(keys.get(f"{own}tags", "")))))
    if not number:
        raise BoxError(f"{path} holds no segment.")
    return found


def tracking_uid_of(found: Mapping[str, str]) -> str:
    """DICOM's tracking UID in a segment's tags, whoever wrote it; empty where there is none."""
    for name, value in found.items():
        short = name.lower().rpartition(".")[2]
        if short in ("trackinguid", "trackinguniqueidentifier") and value.strip():
            return value.strip()
    try:
        first = tags.from_tag(found.get(tags.PROMPTS, "{}")).get("first") or {}
        return str(first.get("tracking_uid") or "")
    except (ValueError, AttributeError):  # damaged prompts: the mask is there all the same
        return ""


def _tags(text: str) -> dict[str, str]:
    pairs = (tag.partition(":") for tag in text.split("|"))
    return {name: value for name, _, value in pairs if name}


def _placed(array: NDArray[Any], geometry: Geometry, volume: Volume, path: Path) -> NDArray[Any]:
    try:
        return on_grid(array, geometry, volume.geometry, path)
    except VolumeError as error:
        raise BoxError(str(error)) from error
