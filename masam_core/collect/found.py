"""What is found in a source: an image, and the lesions that somebody has marked in it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.image.volume import Volume


class Corrected(str, Enum):
    """Why a lesion counts as put right by its user; NO where it does not."""

    NO = ""
    LOCKED = "locked"
    TOUCHED_UP = "touched up"
    CONFIRMED = "corrected or confirmed"


@dataclass(frozen=True, eq=False)
class FoundLesion:
    """One lesion.

    Attributes:
        name: for messages alone; it may say whose it is and is never written.
        identity: what it is called in its source, the same in every copy of that.
        mask: bool KJI on the image's grid.
        corrected: why it counts as put right.
        kind: a coded term's meaning, such as Nodule; empty where there is none.
        prompts: ``PromptRecord.to_dict``; empty where they are not known.
        model: that made the first mask; empty where it is not known.
        ours: whether MASAM made the first mask.
    """

    name: str
    identity: str
    mask: NDArray[np.bool_]
    corrected: Corrected = Corrected.NO
    kind: str = ""
    prompts: Mapping[str, Any] = field(default_factory=dict)
    model: str = ""
    ours: bool = True


@dataclass(frozen=True, eq=False)
class FoundImage:
    """An image with its lesions.

    Attributes:
        volume: the image.
        patient: what DICOM says of the patient; it is secret and never written. Empty where the
            source says nothing.
        source: file or folder in which it was found.
        origin: what that is, in words.
        lesions: in the order of the source.
        beside: digest of another image of the same source, which is taken for the same patient's.
    """

    volume: Volume
    patient: str
    source: Path
    origin: str
    lesions: list[FoundLesion]
    beside: str = ""

    @property
    def patient_key(self) -> str:
        """What stands for the patient: DICOM's word, or else the image itself."""
        return self.patient or self.beside or self.voxels_digest

    @cached_property
    def voxels_digest(self) -> str:
        """SHA-256 of shape and values, whatever type they were stored in and wherever they lie."""
        digest = hashlib.sha256(repr(self.volume.array.shape).encode())
        for plane in self.volume.array:  # no second copy of the whole image
            digest.update(np.ascontiguousarray(plane, dtype=np.float32).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class LeftOut:
    """Something that was not taken, and why: ``what`` names file and lesion."""

    what: str
    why: str
