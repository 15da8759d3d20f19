"""Corrections: prompts besides the box, and hand work, as the page asks for them.

The page knows the image's own space; prompts and hand work are asked for in the world's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from MASAMSlicerLib.control.promptactions import PromptActions
from MASAMSlicerLib.control.runner import Runner
from MASAMSlicerLib.scene.transforms import nodeToWorld
from MASAMSlicerLib.session.handwork import BRUSH, ERASER, Brush, HandWork

from masam_core.errors import BoxError, ConfigError, SegmentationError
from masam_workbench.tab.context import TabContext

MOST_POINTS = 20_000  # of one stroke
MOST_MM = 50.0  # by which a mask is smoothed or grown


class Correcting:
    """Adds, moves and deletes prompts, and changes masks by hand.

    Args:
        context: of the tab.
        runner: answers prompts.
        onHandWork: called after each change by hand.
    """

    def __init__(self, context: TabContext, runner: Runner, onHandWork: Callable[[], None]) -> None:
        self.context = context
        self._prompts = PromptActions(context, runner)
        self._hand = HandWork(context.session)
        self._onHandWork = onHandWork

    def correct(
        self, lesionId: str, kind: str, positive: bool, points: Any, _plane: str = ""
    ) -> str:
        """Say what belongs to a lesion, or does not; the id of the lesion.

        Args:
            lesionId: whose; an empty text is the selected one.
            kind: ``point``, ``scribble`` or ``lasso``.
            positive: whether it belongs to the lesion.
            points: (n, 3) RAS of the image, mm.
        """
        return self._prompts.correct(str(lesionId), str(kind), bool(positive), self._world(points))

    def first(self, kind: str, points: Any, _plane: str = "") -> str:
        """Begin a lesion with ``line``, ``slicebox`` or ``point``; its id."""
        return self._prompts.first(str(kind), self._world(points))

    def movePrompt(self, lesionId: str, prompt: str, points: Any) -> None:
        """Put a prompt elsewhere; the mask follows."""
        self._prompts.move(str(lesionId), str(prompt), self._world(points))

    def deletePrompt(self, lesionId: str, prompt: str) -> None:
        """Take a prompt away; the mask follows."""
        self._prompts.delete(str(lesionId), str(prompt))

    def extend(self, lesionId: str, side: str = "") -> None:
        """Extend a lesion's box at the side where its mask ends flat; empty: at all such."""
        self._prompts.extend(str(lesionId), str(side))

    def confirm(self, lesionId: str, confirmed: bool = True) -> None:
        """Say that a mask is right as it is, or take that back."""
        self._prompts.confirm(str(lesionId), bool(confirmed))

    def paint(self, lesionId: str, how: Any, points: Any) -> str:
        """One stroke of brush or eraser, one step of undo; the id of the lesion.

        Args:
            lesionId: of the lesion; an empty text begins a new one.
            how: ``mode``, ``shape``, ``radius`` in mm, ``plane`` and ``range`` or None.
            points: (n, 3) RAS of the image, mm.

        Raises:
            MasamError: see :meth:`~MASAMSlicerLib.session.handwork.HandWork.paint`.
        """
        self._giveWay()
        made = self._hand.paint(
            str(lesionId), brushOf(how), self._world(points), self.context.volume
        )
        if not lesionId:
            self.context.select(made)
        self._onHandWork()
        return made

    def smooth(self, lesionId: str, mm: Any) -> None:
        """Take details away that are finer than some mm."""
        self._change(self._hand.smooth, str(lesionId), _mm(mm, 0.0))

    def grow(self, lesionId: str, mm: Any) -> None:
        """Let a mask grow by some mm, or shrink below 0."""
        self._change(self._hand.grow, str(lesionId), _mm(mm, -MOST_MM))

    def keepPiece(self, lesionId: str, point: Any) -> None:
        """Keep the piece at a point, and no other."""
        self._change(self._hand.keepPiece, str(lesionId), self._world([point])[0])

    def removePiece(self, lesionId: str, point: Any) -> None:
        """Take the piece at a point away."""
        self._change(self._hand.removePiece, str(lesionId), self._world([point])[0])

    def interpolate(self, lesionId: str) -> None:
        """Fill the empty slices between painted ones."""
        self._change(self._hand.interpolate, str(lesionId))

    def _change(self, change: Callable[..., None], *arguments: Any) -> None:
        self._giveWay()
        change(*arguments)
        self._onHandWork()

    def _giveWay(self) -> None:
        """Measuring an earlier stroke is less urgent than this one."""
        session = self.context.session
        if session.busy and not session.segmenting:
            session.cancel()

    def _world(self, points: Any) -> np.ndarray:
        """Positions in the image's own RAS as world RAS, (n, 3).

        Raises:
            BoxError: no image, or no positions.
        """
        if self.context.volume is None:
            raise BoxError("Open an image first.")
        try:
            found = np.asarray(points, dtype=float)
        except (TypeError, ValueError):
            found = np.zeros(0)
        if found.ndim != 2 or found.shape[1] != 3 or not 0 < len(found) <= MOST_POINTS:
            raise BoxError("Positions of three numbers each were expected, in mm.")
        if not np.isfinite(found).all():
            raise BoxError("A position lies nowhere; draw it once more.")
        return nodeToWorld(self.context.volume, found)


def brushOf(how: Any) -> Brush:
    """What paints, in the page's words.

    Raises:
        MasamError: other words, or a radius that there is not.
    """
    if not isinstance(how, dict) or how.get("mode") not in (BRUSH, ERASER):
        raise SegmentationError(f"Brush or eraser was expected, as {BRUSH} or {ERASER}.")
    radius = how.get("radius")
    if isinstance(radius, bool) or not isinstance(radius, int | float):
        raise ConfigError("The brush needs a radius in mm.")
    limits = how.get("range")
    if limits is not None:
        if not isinstance(limits, list) or len(limits) != 2:
            raise ConfigError("The range of values needs a lowest and a highest one.")
        limits = (_limit(limits[0]), _limit(limits[1]))
    return Brush(
        erase=how["mode"] == ERASER,
        shape=str(how.get("shape") or "disc"),
        radius=float(radius),
        plane=str(how.get("plane") or "axial"),
        limits=limits,
    )


def _limit(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise ConfigError("The range of values needs numbers.")
    return float(value)


def _mm(value: Any, least: float) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not least <= value <= MOST_MM or value == 0:
        raise ConfigError(f"A length of up to {MOST_MM:g} mm was expected.")
    return float(value)
