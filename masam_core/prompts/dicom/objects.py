"""DICOM objects that hold prompts: which one a file is, and what they are drawn on."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masam_core.errors import BoxError, MasamError, VolumeError
from masam_core.image.formats.dicom.headers import clean, looks_like_dicom, open_dataset

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from masam_core.image.geometry import Geometry

_HEAD_BYTES = 2048
_CLASS = b"\x02\x00\x02\x00UI"  # Media Storage SOP Class UID, before its length
_UNDEFINED = 0xFFFFFFFF  # length of what ends by a mark of its own
_ROOT = "1.2.840.10008.5.1.4.1.1."


class Kind(Enum):
    """What an object is, in words for people."""

    REPORT = "a DICOM report (SR)"
    PRESENTATION = "a DICOM presentation state"
    STRUCTURES = "a DICOM structure set (RTSTRUCT)"
    SEGMENTATION = "a DICOM segmentation (SEG)"


_KINDS = (
    (f"{_ROOT}88.", Kind.REPORT),
    (f"{_ROOT}11.", Kind.PRESENTATION),
    (f"{_ROOT}481.3", Kind.STRUCTURES),
    (f"{_ROOT}66.4", Kind.SEGMENTATION),
    (f"{_ROOT}66.7", Kind.SEGMENTATION),
)


def kind_of(path: Path) -> Kind | None:
    """Tell by a file's first bytes; None for an image, and for what is no DICOM file."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except (OSError, ValueError):
        return None
    if not looks_like_dicom(head):
        return None
    place = head.find(_CLASS)
    if place >= 0:
        start = place + len(_CLASS) + 2
        length = int.from_bytes(head[start - 2 : start], "little")
        uid = head[start : start + length].decode("ascii", "replace").strip("\0 ")
    else:  # a file without the group that tells of the file
        try:
            uid = clean(open_dataset(path, pixels=False).get("SOPClassUID"))
        except VolumeError:
            return None
    return next((k for r, k in _KINDS if uid == r or (r[-1] == "." and uid.startswith(r))), None)


def open_object(path: Path, pixels: bool = False) -> Dataset:
    """Read an object; BoxError where it can't be, or ends too early."""
    if not path.is_file():
        raise BoxError(f"There is no file of prompts at {path}.")
    try:
        dataset = open_dataset(path, pixels)
    except VolumeError as error:
        raise BoxError(str(error)) from error
    _require_whole(path, dataset)
    return dataset


def _require_whole(path: Path, dataset: Dataset) -> None:
    """Refuse a file whose last tag is cut off: pydicom takes what is there without a word."""
    from pydicom.dataelem import RawDataElement

    for tag in dataset.keys():  # noqa: SIM118 - the elements themselves would be parsed
        raw = dataset.get_item(tag)
        if not isinstance(raw, RawDataElement) or not isinstance(raw.value, bytes):
            continue
        if raw.length != _UNDEFINED and len(raw.value) < raw.length:
            raise BoxError(f"{path} is incomplete: it ends in the middle. Copy or export it again.")


@contextmanager
def damage_in_words(path: Path) -> Iterator[None]:
    """Turn what a damaged object raises into words: pydicom reads a tag when it is asked for.

    Raises:
        BoxError: names the file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except MasamError:
        raise
    except Exception as error:  # pydicom raises what it likes
        raise BoxError(
            f"{path} is damaged: its content can't be read as DICOM. Export it again."
        ) from error


def require_same_place(path: Path, frame_of_reference: Any, geometry: Geometry) -> None:
    """Refuse coordinates of another frame of reference than the image's, where both are known.

    Raises:
        BoxError: they differ, so that the same numbers are other places.
    """
    if not same_place(frame_of_reference, geometry):
        raise BoxError(
            f"{path} was drawn in another frame of reference than that of the image (another "
            "examination, or another position of the patient), so its places are not the image's. "
            "Give the series that it was drawn on."
        )


def same_place(frame_of_reference: Any, geometry: Geometry) -> bool:
    """Whether coordinates may be of an image's frame of reference."""
    own, images = str(frame_of_reference or ""), geometry.images
    known = "" if images is None else str(images.dataset.get("FrameOfReferenceUID") or "")
    return not own or not known or own == known
