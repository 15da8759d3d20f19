"""Lesions as DICOM objects name them: label, tracking UID, codes, and who made them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import masam_core
from masam_core.atomic import checked
from masam_core.errors import SegmentationError
from masam_core.export.dicom.subject import Subject, hashed_uid
from masam_core.lesion.crops import tight_slices
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.terminology import Code
from masam_core.prompts.record import first_to_dict

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from masam_core.image.geometry import Geometry
    from masam_core.prompts.first import FirstPrompt

MANUFACTURER = "MASAM"
MODEL = "MASAM"
SERIAL = "none"  # software has no serial number, and the standard wants one
MOST_BYTES = 64  # of a value of VR LO: the standard counts letters, some programs bytes


@dataclass(frozen=True, eq=False)
class Named:
    """A lesion that has voxels.

    Attributes:
        number: of its segment, from 1.
        lesion: itself, on the grid of the images as they were recorded.
        label: its name, as DICOM allows it.
        tracking_uid: by which it is known in later studies.
        color: red, green, blue in [0, 1].
    """

    number: int
    lesion: Lesion
    label: str
    tracking_uid: str
    color: tuple[float, float, float]


def named(
    lesions: Sequence[Lesion],
    colors: Sequence[tuple[float, float, float]],
    subject: Subject,
    what: str,
) -> tuple[list[Named], list[str]]:
    """Number and name lesions; those without a voxel are left out.

    Of a tilted series, whose volume was made straight, masks go back onto the images' own pixels.

    Returns:
        The lesions, and messages on what was left out.

    Raises:
        SegmentationError: none has a voxel.
    """
    found: list[Named] = []
    messages = []
    taken: set[str] = set()
    for number, (lesion, color) in enumerate(zip(lesions, colors, strict=True), 1):
        label = one_line(lesion.name) or f"Lesion {number}"
        first = lesion.box if lesion.prompts is None else lesion.prompts.first
        uid = tracking_uid(first, lesion.geometry, subject.study)
        copies = 0
        while uid in taken:
            copies += 1
            uid = hashed_uid(uid, str(copies))
        taken.add(uid)
        placed = _on_images(lesion)
        if placed.mask.any():
            found.append(Named(len(found) + 1, placed, label, uid, color))
        else:
            messages.append(
                f"'{label}' has no voxel; {what} can't hold it, so it is not among the lesions."
            )
    if not found:
        raise SegmentationError(
            f"There is no voxel to write: {what} needs one lesion at least that was found."
        )
    return found, messages


def _on_images(lesion: Lesion) -> Lesion:
    tilt = None if lesion.geometry.images is None else lesion.geometry.images.tilt
    if tilt is None:
        return lesion
    mask = tilt.on_images(lesion.mask_on_volume())
    first = slice(0, 1)
    k, j, i = tight_slices(mask) or (first, first, first)
    return replace(
        lesion,
        mask=np.ascontiguousarray(mask[k, j, i]),
        offset_kji=(k.start, j.start, i.start),
        probability=None,
        geometry=tilt.grid,
    )


def one_line(text: str) -> str:
    """Text as a value of VR LO: 64 bytes, no backslash, no control characters."""
    shown = "".join(c if c.isprintable() else " " for c in text.replace("\\", "/"))
    short = " ".join(shown.split()).encode("utf-8")[:MOST_BYTES]
    return short.decode("utf-8", "ignore").strip()


def concept(code: Code) -> Any:
    """A code as highdicom has it."""
    from pydicom.sr.coding import Code as DicomCode

    return DicomCode(code.value, code.scheme, code.meaning)


def tracking_uid(first: FirstPrompt, geometry: Geometry, study: str) -> str:
    """The UID that came with a lesion's prompt, or one that the same prompt always gives.

    Args:
        first: what the lesion began with.
        geometry: of its image.
        study: UID of the image's study, as results have it.
    """
    if first.tracking_uid:
        return first.tracking_uid  # hashed by then, where the patient is to be left out
    asked = first_to_dict(first.renamed(""), geometry)
    return hashed_uid(study, "lesion", json.dumps(asked, sort_keys=True))


def algorithm(lesion: Lesion) -> tuple[str, str, dict[str, str]]:
    """Name, version and parameters of what made a lesion."""
    model = one_line(lesion.model)
    return MODEL, masam_core.__version__, {"model": model} if model else {}


def import_highdicom() -> Any:
    """The library that writes SEG and SR.

    Raises:
        SegmentationError: it is not installed.
    """
    try:
        import highdicom
    except ImportError as error:
        raise SegmentationError(
            "Writing DICOM segmentations and reports needs the Python package highdicom "
            "(pip install 'masam[dicom]')."
        ) from error
    return highdicom


@contextmanager
def in_words(what: str) -> Iterator[None]:
    """Turn what the DICOM libraries raise into a sentence for people, and keep them quiet."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        reason = " ".join(str(error).split())[:200]
        raise SegmentationError(f"{what} can't be written: {reason}.") from error


def save(dataset: Dataset, path: Path, same: Callable[[Dataset], bool]) -> None:
    """Write a DICOM file and read it back.

    Args:
        dataset: with its file meta information.
        path: of the file.
        same: whether a dataset that was read back is what was written.

    Raises:
        Incomplete: it reads back as something else.
        OSError: it can't be written.
    """
    import pydicom

    dataset.save_as(path, enforce_file_format=True)
    checked(path, lambda written: same(pydicom.dcmread(written)))
