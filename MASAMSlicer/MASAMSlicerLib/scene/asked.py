"""What a lesion's box and other prompts ask for, against what its mask is the answer to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from masam_core.errors import BoxError
from masam_core.image.geometry import Geometry
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.corrections import Correction
from masam_core.prompts.first import FirstPrompt, LinePrompt, PointPrompt, SliceBoxPrompt
from masam_core.prompts.record import PromptRecord

from . import promptnodes
from .promptnodes import ACROSS, LINE, POINT, SAME_MM, SLICE_BOX, Prompt

if TYPE_CHECKING:
    from .provenance import Provenance


def correctionsOf(prompts: Sequence[Prompt]) -> tuple[Correction, ...]:
    """The corrections among a lesion's prompts, oldest first."""
    return tuple(correctionOf(prompt) for prompt in prompts if not prompt.first)


def correctionOf(prompt: Prompt) -> Correction:
    """A prompt as a correction; BoxError for too few points."""
    return Correction(prompt.kind, prompt.points, prompt.positive)  # type: ignore[arg-type]


def firstOf(prompts: Sequence[Prompt], name: str) -> FirstPrompt | None:
    """The prompt that a lesion begins with, if it is none but its box.

    Raises:
        BoxError: points that make no such prompt.
    """
    found = {prompt.kind: prompt.points for prompt in prompts if prompt.first}
    if LINE in found:
        return LinePrompt(found[LINE], found.get(ACROSS), name)
    if SLICE_BOX in found:
        return SliceBoxPrompt(found[SLICE_BOX], name)
    if POINT in found:
        return PointPrompt(found[POINT][0], name)
    return None


def promptsOfMade(made: Provenance) -> list[Prompt]:
    """The prompts besides a box that a mask is the answer to, as new ones for the scene."""
    first = made.prompts.get("first") or {}
    found = []
    try:
        if first.get("kind") == LINE:
            found.append(Prompt.new(LINE, _points(first["ends_lps"]), first=True))
            if first.get("across_lps"):
                found.append(Prompt.new(ACROSS, _points(first["across_lps"]), first=True))
        elif first.get("kind") == SLICE_BOX:
            found.append(Prompt.new(SLICE_BOX, _points(first["corners_lps"]), first=True))
        elif first.get("kind") == POINT:
            found.append(Prompt.new(POINT, _points([first["position_lps"]]), first=True))
        for each in made.prompts.get("corrections") or ():
            points = _points(each["points_lps"])
            found.append(Prompt.new(str(each["kind"]), points, bool(each["positive"])))
    except (AttributeError, KeyError, TypeError, ValueError):  # damaged: the box is beside it
        return []
    return found


def keptOf(made: Provenance, now: Sequence[Prompt]) -> tuple[Prompt, ...]:
    """The prompts that a mask is the answer to, under the ids that those have that are there."""
    return tuple(
        next((each for each in now if each.same(prompt)), prompt) for prompt in promptsOfMade(made)
    )


def _points(values: object) -> np.ndarray:
    return np.array(values, dtype=float).reshape(-1, 3)


def knownRecord(made: Provenance, geometry: Geometry) -> PromptRecord:
    """What a mask is the answer to; its box alone where earlier versions have kept no more."""
    if made.prompts:
        try:
            return PromptRecord.from_dict(made.prompts, geometry)
        except BoxError:  # of a later version, or damaged: the box is stored beside it
            pass
    return PromptRecord(BoxPrompt(geometry.ijk_from_lps(made.corners)))


def answered(made: Provenance, prompts: Sequence[Prompt]) -> bool:
    """Whether a mask is the answer to these prompts besides the box."""
    return promptnodes.sameAll(promptsOfMade(made), prompts)


def added(made: Provenance, prompts: Sequence[Prompt]) -> tuple[Correction, ...] | None:
    """The corrections since a mask was made; None where its own are not all there still."""
    before = promptsOfMade(made)
    if not promptnodes.sameAll(before, prompts[: len(before)]):
        return None
    return correctionsOf(prompts[len(before) :])


def rectangle(points: np.ndarray, geometry: Geometry) -> np.ndarray:
    """The rectangle (4, 3) along the voxel axes of a slice around points (n, 3), LPS mm.

    The slice lies across the voxel axis along which the points are nearest together, at their
    middle.

    Raises:
        BoxError: points in one place.
    """
    ijk = geometry.ijk_from_lps(np.asarray(points, float).reshape(-1, 3))
    extent = np.ptp(ijk, axis=0) * geometry.spacing
    across = int(extent.argmin())
    u, v = (axis for axis in range(3) if axis != across)
    if min(extent[u], extent[v]) <= SAME_MM:
        raise BoxError("The box on a slice has no area: draw it from one corner to the other.")
    low, high = ijk.min(axis=0), ijk.max(axis=0)
    corners = np.empty((4, 3))
    corners[:, across] = round(float(ijk[:, across].mean()))
    corners[:, u] = [low[u], high[u], high[u], low[u]]
    corners[:, v] = [low[v], low[v], high[v], high[v]]
    return np.asarray(geometry.lps_from_ijk(corners))
