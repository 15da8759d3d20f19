"""Results without the patient's data, whatever format they are then written in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from masam_core.export.dicom.subject import hashed_uid
from masam_core.image.geometry import Geometry

if TYPE_CHECKING:
    from masam_core.image.volume import Volume
    from masam_core.lesion.lesion import Lesion

IMAGE = "image"


def without_patient(lesions: Sequence[Lesion], volume: Volume) -> tuple[list[Lesion], Volume]:
    """Give lesions and image anew, without names and with the mark that leaves DICOM tags out.

    Names of lesions and of the image are somebody's words or a folder's, and may be the patient's;
    lesions are then called by their numbers. Messages that repeat a name are called so, too.

    Args:
        lesions: of the image, in the order in which they are numbered.
        volume: the image.
    """
    geometry = anonymous_geometry(volume.geometry)
    # Names of classes are the model's.
    names = numbered([lesion.name if lesion.term is None else "" for lesion in lesions])
    names |= {word: IMAGE for word in (volume.name,) if word}
    changed = []
    for number, lesion in enumerate(lesions, 1):
        name = f"Lesion {number}" if lesion.term is None else lesion.name
        prompts = lesion.prompts
        if prompts is not None:
            first = prompts.first.renamed(name)
            first = replace(first, tracking_uid=_hashed(first.tracking_uid))
            prompts = replace(prompts, first=first)
        box = replace(lesion.box.renamed(name), tracking_uid=_hashed(lesion.box.tracking_uid))
        changed.append(
            replace(
                lesion,
                name=name,
                box=box,
                geometry=geometry,
                prompts=prompts,
                messages=tuple(renamed(words, names) for words in lesion.messages),
            )
        )
    return changed, replace(volume, geometry=geometry, name=IMAGE, source=None)


def anonymous_geometry(geometry: Geometry) -> Geometry:
    """The same grid, whose DICOM images are not to be named with the patient's data."""
    if geometry.images is None:
        return geometry
    return replace(geometry, images=geometry.images.without_patient())


def _hashed(uid: str) -> str:
    """A tracking UID that leads back to no report, but is the same in every result."""
    return hashed_uid(uid) if uid else ""


def numbered(names: Sequence[str]) -> dict[str, str]:
    """What lesions of these names, in their order, are called instead."""
    return {name: f"Lesion {number}" for number, name in enumerate(names, 1) if name}


def renamed(words: str, names: dict[str, str]) -> str:
    """A sentence that says the second name of each pair for the first."""
    for name in sorted(names, key=len, reverse=True):
        words = words.replace(name, names[name])
    return words
