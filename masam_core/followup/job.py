"""Carrying lesions over in a process of its own, for panel and workbench: the job and its run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import MasamError
from masam_core.followup.carrying import Carried, Pair, place_lps
from masam_core.followup.linking import judge_whole, lattice_of, matrix_of
from masam_core.followup.registration import Points
from masam_core.image.volume import Volume, read_volume
from masam_core.schema import check

Event = dict[str, Any]


@dataclass(frozen=True)
class JobLesion:
    """A lesion to carry over.

    Attributes:
        id: of the front end.
        name: for words.
        mask: file (.npy) of a bool KJI crop of the earlier volume.
        offset_kji: index in the earlier volume of the crop's first voxel.
    """

    id: str = ""
    name: str = ""
    mask: Path = Path()
    offset_kji: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True)
class Job:
    """Two images and the lesions of the earlier one.

    Attributes:
        earlier, later: image files.
        earlier_modality, later_modality: CT, MR, ...; None where it is not known.
        lesions: of the earlier one.
        elastic: whether surroundings may be deformed.
    """

    earlier: Path = Path()
    later: Path = Path()
    earlier_modality: str | None = None
    later_modality: str | None = None
    lesions: tuple[JobLesion, ...] = ()
    elastic: bool = True

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], folder: Path | None = None) -> Job:
        """Check plain values.

        Args:
            values: by the names of the fields.
            folder: relative paths start there.

        Raises:
            ConfigError: an unknown entry or a value of another type.
        """
        found = check(cls, values, "The job", folder)
        lesions = tuple(JobLesion(**each) for each in found.pop("lesions", ()))
        return cls(**found, lesions=lesions)


def carry_over(job: Job, say: Callable[[Event], None], cancelled: Callable[[], bool]) -> None:
    """Carry every lesion over.

    Args:
        job: see there.
        say: called with events: ``progress`` (fraction, text); ``whole`` (trust, words,
            ``matrix_lps``: 4 x 4, from mm in the later image to mm in the earlier one); ``carried``
            (id, trust, words, elastic, ``corners_lps``: 8 x 3 mm in the later image, in the order
            of BoxPrompt, and ``lattice`` of :func:`masam_core.followup.linking.lattice_of`, both
            None where it was not found); and ``end`` at last.
        cancelled: asked now and then.

    Raises:
        MasamError: an image that can't be read.
        Cancelled: ``cancelled`` said so.
    """
    say({"event": "progress", "fraction": 0.0, "text": "reading both images"})
    earlier = _read(job.earlier, job.earlier_modality)
    later = _read(job.later, job.later_modality)
    say({"event": "progress", "fraction": 0.1, "text": "laying both images over each other"})
    pair = Pair(earlier, later, job.elastic, cancelled)
    quality = judge_whole(pair)
    trust, matrix = quality.trust.value, matrix_of(pair.whole).tolist()
    say({"event": "whole", "trust": trust, "words": quality.words, "matrix_lps": matrix})
    for number, lesion in enumerate(job.lesions):
        fraction = 0.4 + 0.6 * number / len(job.lesions)
        say({"event": "progress", "fraction": fraction, "text": f"looking for {lesion.name}"})
        mask = _mask(lesion.mask)
        found = pair.carry(mask, lesion.offset_kji, lesion.name, cancelled)
        place = place_lps(mask, lesion.offset_kji, earlier.geometry)
        say({"event": "carried", "id": lesion.id, **_words(found, pair, place)})
    say({"event": "end"})


def _read(path: Path, modality: str | None) -> Volume:
    return read_volume(path).with_modality(modality)


def _mask(path: Path) -> NDArray[np.bool_]:
    try:
        mask = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise MasamError(f"{path} can't be read as a mask: {error}") from error
    return np.asarray(mask, dtype=bool)


def _words(found: Carried, pair: Pair, place: Points) -> Event:
    corners = lattice = None
    if found.box is not None:
        corners = pair.later.geometry.lps_from_ijk(found.box.corners_ijk).tolist()
    if found.registration is not None:
        lattice = lattice_of(pair.whole, found.registration, place)
    return {
        "trust": found.quality.trust.value,
        "words": found.quality.words,
        "elastic": found.elastic,
        "corners_lps": corners,
        "lattice": lattice,
    }
