"""Regions of DICOM objects on a volume's voxels: as boxes, and as masks to start with."""

from __future__ import annotations

from pathlib import Path

from masam_core.errors import BoxError
from masam_core.image.geometry import Geometry
from masam_core.prompts.dicom.objects import Kind, damage_in_words, kind_of
from masam_core.prompts.dicom.region import Region
from masam_core.prompts.dicom.segments import read_segments
from masam_core.prompts.dicom.structures import read_structures


def read_regions(path: Path, geometry: Geometry) -> list[Region]:
    """The structures of an RTSTRUCT, or the segments of a SEG; those that are empty left out.

    Args:
        path: of the file.
        geometry: of the volume on which they are used.

    Raises:
        BoxError: the file is neither, can't be read, or lies elsewhere.
    """
    kind = kind_of(path)
    with damage_in_words(path):
        if kind is Kind.STRUCTURES:
            return read_structures(path, geometry)[0]
        if kind is Kind.SEGMENTATION:
            return read_segments(path, geometry)
    raise BoxError(f"{path} is no DICOM segmentation (SEG) or structure set (RTSTRUCT).")


def one_region(path: Path, geometry: Geometry, only: tuple[str, ...] = ()) -> Region:
    """The only region of a file, or the one of a name.

    Raises:
        BoxError: as :func:`read_regions`; or there is none, or there are several.
    """
    regions = read_regions(path, geometry)
    chosen = [region for region in regions if not only or region.name in only]
    if len(chosen) != 1:
        known = ", ".join(f"'{region.name}'" for region in regions) or "nothing on this image"
        raise BoxError(
            f"{path} holds {known}; expected the mask of one lesion to begin with. Choose one with "
            "--only NAME."
        )
    return chosen[0]
