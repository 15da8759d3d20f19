"""The interactive evaluation: for each lesion and first prompt the Dice after every correction."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from masam_core.data.cases import Case, Target
from masam_core.errors import Cancelled, MasamError
from masam_core.evaluation.interactive.first_prompts import FIRST_PROMPTS
from masam_core.evaluation.interactive.user import next_click
from masam_core.image.volume import Volume
from masam_core.inference.box_segmenter import BoxSegmenter
from masam_core.inference.options import SegmentOptions
from masam_core.inference.quality import Quality
from masam_core.inference.segmenter import Segmenter
from masam_core.lesion.lesion import Lesion
from masam_core.prompts.boxes import BoxPrompt
from masam_core.scoring.evaluate import read_lesions, source_of
from masam_core.scoring.metrics import dice, surface_dice

CLICKS = 5
TOLERANCE_MM = 2.0  # of the surface Dice, as in the challenges

StudyProgress = Callable[[str, int, int, str], None]


@dataclass(frozen=True)
class Course:
    """One lesion, one first prompt: how the mask got better.

    Attributes:
        case, patient, lesion: which.
        source: letters that the case's name begins with.
        method: who answered.
        first: kind of the first prompt.
        dice: after the first prompt and after each correction, (1 + clicks,); where nothing was
            left to correct, the last one again.
        nsd: surface Dice at :data:`TOLERANCE_MM`, alike.
        seconds: of the first prompt, then of each correction that was made.
        cut_told: whether the answer to the first prompt said that the box cuts the lesion.
        error: why there was no answer (Dice is 0 where the first prompt had none), else empty.
    """

    case: str
    patient: str
    lesion: int
    source: str
    method: str
    first: str
    dice: tuple[float, ...]
    nsd: tuple[float, ...]
    seconds: tuple[float, ...]
    cut_told: bool = False
    error: str = ""


def run_interactive(
    cases: Sequence[Case],
    segmenter: Segmenter,
    name: str,
    peers: Mapping[str, BoxSegmenter] | None = None,
    quality: Quality = SegmentOptions.quality,
    target: Target | None = None,
    clicks: int = CLICKS,
    firsts: Sequence[str] = tuple(FIRST_PROMPTS),
    progress: StudyProgress | None = None,
) -> list[Course]:
    """Play every first prompt and its corrections on every lesion.

    Args:
        cases: with expert labels.
        segmenter: what is evaluated.
        name: of it.
        peers: by name; they take the tight 3D box alone.
        quality: of the inference.
        target: which labels count, and whether each separate part is a lesion.
        clicks: corrections after the first prompt.
        firsts: kinds of first prompts, of ``FIRST_PROMPTS``.
        progress: called with what is being done, number, count and name of each case.

    Raises:
        VolumeError: image and label of a case are on different grids, or nothing is to be found.
    """
    courses = []
    options = SegmentOptions(quality=quality)
    told = (lambda i, n, case: progress(name, i, n, case)) if progress is not None else None
    for case, volume, lesions in read_lesions(cases, target, told):
        segmenter.set_volume(volume, case.modality or None)
        for peer in (peers or {}).values():
            peer.set_volume(volume, case.modality or None)
        for number, expert in enumerate(lesions, start=1):
            for first in firsts:
                played = _course(segmenter, volume, expert, first, options, clicks)
                courses.append(_named(played, case, number, name, first))
            for other, peer in (peers or {}).items():
                played = _box_alone(peer, volume, expert, options)
                courses.append(_named(played, case, number, other, "box"))
    return courses


@dataclass(frozen=True)
class _Played:
    """What a course holds of the answers alone."""

    dice: tuple[float, ...]
    nsd: tuple[float, ...]
    seconds: tuple[float, ...]
    cut_told: bool = False
    error: str = ""


def _named(played: _Played, case: Case, lesion: int, method: str, first: str) -> Course:
    return Course(
        case=case.name,
        patient=case.patient,
        lesion=lesion,
        source=source_of(case.name),
        method=method,
        first=first,
        dice=played.dice,
        nsd=played.nsd,
        seconds=played.seconds,
        cut_told=played.cut_told,
        error=played.error,
    )


def _course(
    segmenter: Segmenter,
    volume: Volume,
    expert: NDArray[np.bool_],
    first: str,
    options: SegmentOptions,
    clicks: int,
) -> _Played:
    prompt = FIRST_PROMPTS[first](expert, volume.geometry)
    began = time.monotonic()
    try:
        lesion = segmenter.segment(prompt, options)
    except Cancelled:
        raise
    except MasamError as error:
        nothing = (0.0,) * (1 + clicks)
        return _Played(nothing, nothing, (time.monotonic() - began,), error=str(error))
    seconds = [time.monotonic() - began]
    told, failed = bool(lesion.cuts), ""
    scores = [_scores(lesion, expert, volume)]
    for _ in range(clicks):
        said = None if failed else next_click(lesion.mask_on_volume(), expert, volume.geometry)
        if said is None:
            scores.append(scores[-1])
            continue
        began = time.monotonic()
        try:
            lesion = segmenter.refine(lesion, [said], options)
        except Cancelled:
            raise
        except MasamError as error:  # the mask so far stands
            failed = str(error)
        seconds.append(time.monotonic() - began)
        scores.append(_scores(lesion, expert, volume))
    similar, near = zip(*scores, strict=True)
    return _Played(similar, near, tuple(seconds), told, failed)


def _box_alone(
    peer: BoxSegmenter, volume: Volume, expert: NDArray[np.bool_], options: SegmentOptions
) -> _Played:
    prompt = FIRST_PROMPTS["box"](expert, volume.geometry)
    if not isinstance(prompt, BoxPrompt):
        raise TypeError("The first prompt 'box' is no box.")
    began = time.monotonic()
    try:
        lesion = peer.segment(prompt, options)
    except Cancelled:
        raise
    except MasamError as error:
        return _Played((0.0,), (0.0,), (time.monotonic() - began,), error=str(error))
    seconds = time.monotonic() - began
    similar, near = _scores(lesion, expert, volume)
    return _Played((similar,), (near,), (seconds,))


def _scores(lesion: Lesion, expert: NDArray[np.bool_], volume: Volume) -> tuple[float, float]:
    found = lesion.mask_on_volume()
    return dice(found, expert), surface_dice(found, expert, volume.geometry, TOLERANCE_MM)
