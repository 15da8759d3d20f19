"""The segments of a Slicer segmentation file: masks on its own grid, names and tags."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.collect.found import Corrected, FoundLesion
from masam_core.errors import VolumeError
from masam_core.image.formats.nrrd import read_layers
from masam_core.image.geometry import Geometry
from masam_core.lesion.digest import is_digest_of
from masam_core.prompts import tags

LESION, MASK_DIGEST, LOCKED = "MASAM.Lesion", "MASAM.MaskSHA256", "MASAM.Locked"
CONFIRMED, MODEL, MEASURED = "MASAM.Corrected", "MASAM.Model", "MASAM.Measurements"
# Slicer's own: https://slicer.readthedocs.io/en/latest/user_guide/modules/segmenteditor.html
STATUS, COMPLETED = "Segmentation.Status", "completed"
TERMINOLOGY = "TerminologyEntry"
CENTROID_MM = 0.01  # a centroid further away is that of another mask


@dataclass(frozen=True, eq=False)
class StoredSegment:
    """A segment: ``mask`` bool KJI on ``geometry``; ``tags`` as Slicer keeps them."""

    name: str
    identity: str
    tags: Mapping[str, str]
    mask: NDArray[np.bool_]
    geometry: Geometry

    @property
    def ours(self) -> bool:
        """Whether MASAM made its first mask."""
        return bool(self.tags.get(LESION) or self.tags.get(tags.PROMPTS) or self.tags.get(tags.BOX))

    @property
    def kind(self) -> str:
        """Meaning of the type in its terminology entry; empty where there is none.

        Only SNOMED CT's: what somebody has made up may say whose lesion it is.
        """
        parts = self.tags.get(TERMINOLOGY, "").split("~")
        scheme, _, meaning = (parts[2] if len(parts) > 2 else "").partition("^")
        return meaning.split("^")[-1] if scheme == "SCT" else ""

    @property
    def prompts(self) -> dict[str, Any]:
        """What was asked about it, as PromptRecord.to_dict; empty where that is not known."""
        try:
            return dict(tags.from_tag(self.tags.get(tags.PROMPTS) or "{}"))
        except (ValueError, TypeError):
            return {}

    def as_lesion(self, mask: NDArray[np.bool_], place: str) -> FoundLesion:
        """The segment as a lesion.

        Args:
            mask: its own, bool KJI on the image's grid.
            place: what tells it from others of the image, where MASAM gave it no id.
        """
        return FoundLesion(
            name=self.name,
            identity=self.tags.get(LESION) or place,
            mask=mask,
            corrected=self.corrected(mask),
            kind=self.kind,
            prompts=self.prompts,
            model=self.tags.get(MODEL, ""),
            ours=self.ours,
        )

    def corrected(self, mask: NDArray[np.bool_]) -> Corrected:
        """Why it counts as put right.

        Args:
            mask: the segment's, bool KJI on the image's grid.
        """
        said = self.tags.get(CONFIRMED)
        if said:
            return Corrected.CONFIRMED if said == "1" else Corrected.TOUCHED_UP  # by prompts
        made = self.tags.get(MASK_DIGEST)
        if made:
            touched = not is_digest_of(made, mask)
        else:  # as the command line writes them: by what was measured, on whichever grid
            touched = differs(self.mask, self.geometry, _json(self.tags.get(MEASURED, "")))
        if touched:
            return Corrected.TOUCHED_UP
        if self.tags.get(LOCKED) == "1" or self.tags.get(STATUS) == COMPLETED:
            return Corrected.LOCKED
        return Corrected.NO


def read_segments(path: Path) -> list[StoredSegment]:
    """Read the segments of a ``.seg.nrrd`` file.

    Raises:
        VolumeError: damaged, or no segmentation.
    """
    layers = read_layers(path)
    keys, found, number = layers.keys, [], 0
    while (own := f"segment{number}_") + "id" in keys:
        number += 1
        layer, label = (_whole(path, keys, own + name) for name in ("layer", "labelvalue"))
        if not 0 <= layer < len(layers.array):
            raise VolumeError(f"{path} is damaged: it has no layer {layer}. Save it again.")
        pairs = (part.partition(":") for part in keys.get(f"{own}tags", "").split("|"))
        found.append(
            StoredSegment(
                name=keys.get(f"{own}name", "").replace("\\\\", "\\"),
                identity=keys[f"{own}id"],
                tags={name: value for name, _, value in pairs if name},
                mask=layers.array[layer] == label,
                geometry=layers.geometry,
            )
        )
    return found


def differs(mask: NDArray[np.bool_], geometry: Geometry, measured: Mapping[str, Any]) -> bool:
    """Whether a mask is another one than that which was measured, by voxels and centroid.

    Args:
        mask: bool KJI on ``geometry``.
        geometry: its grid.
        measured: as Measurements.to_dict, or a row of the table; without ``voxels`` nothing is
            known, which is no difference.
    """
    count = measured.get("voxels")
    if not isinstance(count, (int, float)):
        return False
    if int(mask.sum()) != int(count):
        return True
    columns = [measured.get(f"centroid_{axis}_mm") for axis in "lps"]
    centroid = measured.get("centroid_lps") or (None if None in columns else columns)
    if centroid is None or not mask.any():
        return False
    here = geometry.lps_from_ijk(np.argwhere(mask).mean(axis=0)[None, ::-1])[0]
    return bool(np.abs(here - np.asarray(centroid, dtype=np.float64)).max() > CENTROID_MM)


def _whole(path: Path, keys: Mapping[str, str], name: str) -> int:
    try:
        return int(keys[name])
    except (KeyError, ValueError) as error:
        raise VolumeError(f"{path} is damaged: its {name} is no number. Save it again.") from error


def _json(text: str) -> dict[str, Any]:
    try:
        return dict(json.loads(text or "{}"))
    except (ValueError, TypeError, RecursionError):
        return {}
