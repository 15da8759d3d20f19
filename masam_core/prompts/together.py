"""Prompts of several files, or of one with several kinds, as lesions: what belongs to which."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import BoxError
from masam_core.image.geometry import Geometry
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.corrections import Correction, CorrectionKind
from masam_core.prompts.first import FirstPrompt, LinePrompt, PointPrompt
from masam_core.prompts.per import Per
from masam_core.prompts.readers.reader import Prompt
from masam_core.prompts.readers.registry import read_prompts
from masam_core.prompts.record import PromptRecord

CROSSING_MM = 3.0  # two diameters of one lesion miss each other by less
STEEPEST_COSINE = 0.5  # and are at least 60 degrees apart


def records_of_files(
    paths: Sequence[Path],
    geometry: Geometry,
    per: Per = Per.COMPONENT,
    read: Callable[[Path, Geometry, Per], Sequence[Prompt]] = read_prompts,
) -> list[PromptRecord]:
    """The lesions that the files of one image ask for; see :func:`records_of`.

    Args:
        paths: files of ``masam_core.prompts.readers``.
        geometry: of the image.
        per: with label images, what gets a box of its own.
        read: reads a file; a batch reads foreign images in another process.

    Raises:
        BoxError, VolumeError: as ``read_prompts``; nothing to start a lesion with.
    """
    prompts = [prompt for path in paths for prompt in read(path, geometry, per)]
    return records_of(prompts, geometry, ", ".join(path.name for path in paths))


def records_of(
    prompts: Sequence[FirstPrompt | Correction], geometry: Geometry, source: str = "The prompts"
) -> list[PromptRecord]:
    """Sort prompts by the lesions that they belong to.

    Each box, line or box on a slice starts a lesion; two lines that cross at nearly right angles
    are the two diameters of one, and prompts of one tracking UID are one lesion. Where there is
    none of these, each click starts one; otherwise clicks correct, as scribbles and lassos do. A
    correction belongs to the lesion whose first prompt is nearest to it; inside of several, to the
    smallest.

    Args:
        prompts: of one image.
        geometry: of the image.
        source: of the prompts, for messages.

    Returns:
        The lesions, in the order of their first prompts.

    Raises:
        BoxError: there are corrections, and nothing to start a lesion with.
    """
    clicks = [each for each in prompts if isinstance(each, PointPrompt)]
    firsts: list[FirstPrompt] = _paired(
        [each for each in prompts if not isinstance(each, (PointPrompt, Correction))]
    )
    corrections: list[Correction] = []
    for prompt in prompts:
        if isinstance(prompt, Correction):
            corrections.append(prompt)
        elif isinstance(prompt, PointPrompt) and firsts:
            corrections.append(Correction(CorrectionKind.POINT, prompt.points_lps))
    firsts = _tracked_once(firsts or list(clicks))
    if corrections and not firsts:
        raise BoxError(
            f"{source} holds corrections alone; expected a box, a line or a positive click, too, "
            "for the lesion to begin with."
        )
    extents = [_extent(first, geometry) for first in firsts]
    own: list[list[Correction]] = [[] for _ in firsts]
    for correction in corrections:
        own[_nearest(correction, extents)].append(correction)
    return [PromptRecord(first, tuple(o)) for first, o in zip(firsts, own, strict=True)]


def _paired(firsts: list[FirstPrompt]) -> list[FirstPrompt]:
    """Two lines that cross become one prompt, in the place of the first."""
    out: list[FirstPrompt] = []
    for first in firsts:
        if isinstance(first, LinePrompt) and first.across_lps is None:
            for number, other in enumerate(out):
                if isinstance(other, LinePrompt) and _crosses(first, other):
                    long, short = sorted((other, first), key=lambda line: -line.length_mm)
                    out[number] = replace(long, across_lps=short.ends_lps, name=other.name)
                    break
            else:
                out.append(first)
            continue
        out.append(first)
    return out


def _tracked_once(firsts: list[FirstPrompt]) -> list[FirstPrompt]:
    """Keep the first prompt alone of one tracked lesion; of lines the longest, in its place."""
    out: list[FirstPrompt] = []
    for first in firsts:
        uid = first.tracking_uid
        known = next((n for n, o in enumerate(out) if uid and o.tracking_uid == uid), None)
        if known is None:
            out.append(first)
            continue
        other = out[known]
        if isinstance(first, LinePrompt) and isinstance(other, LinePrompt):
            out[known] = max(other, first, key=lambda line: line.length_mm)
    return out


def _crosses(a: LinePrompt, b: LinePrompt) -> bool:
    """Whether two lines are the diameters of one lesion."""
    if a.across_lps is not None or b.across_lps is not None:
        return False
    u, v = a.ends_lps[1] - a.ends_lps[0], b.ends_lps[1] - b.ends_lps[0]
    if abs(u @ v) > STEEPEST_COSINE * a.length_mm * b.length_mm:
        return False
    # The nearest points of the two lines, as shares of their lengths.
    (s, t), *_ = np.linalg.lstsq(
        np.stack([u, -v], axis=1), b.ends_lps[0] - a.ends_lps[0], rcond=None
    )
    if not (0 <= s <= 1 and 0 <= t <= 1):
        return False
    apart = a.ends_lps[0] + s * u - b.ends_lps[0] - t * v
    return bool(np.linalg.norm(apart) <= CROSSING_MM)


def _extent(first: FirstPrompt, geometry: Geometry) -> NDArray[np.float64]:
    """(2, 3) lowest and highest LPS coordinate of a first prompt."""
    if isinstance(first, BoxPrompt):
        points = geometry.lps_from_ijk(first.corners_ijk)
    else:
        points = first.points_lps
    return np.stack([points.min(axis=0), points.max(axis=0)])


def _nearest(correction: Correction, extents: list[NDArray[np.float64]]) -> int:
    """Number of the extent that a correction's points are nearest to on average."""

    def far(extent: NDArray[np.float64]) -> tuple[float, float]:
        low, high = extent
        points = correction.points_lps
        beyond = np.maximum(np.maximum(low - points, points - high), 0)
        return float(np.linalg.norm(beyond, axis=1).mean()), float(np.prod(high - low))

    return min(range(len(extents)), key=lambda number: far(extents[number]))
