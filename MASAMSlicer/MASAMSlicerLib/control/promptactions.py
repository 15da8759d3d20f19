"""What can be done with prompts besides the box: begin a lesion with one, correct it, extend it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from masam_core.errors import BoxError, MasamError
from masam_core.lesion.cut import Side
from masam_core.prompts.corrections import CorrectionKind, correction_voxels

from ..scene import asked, promptnodes
from ..scene.keptprompts import KeptPrompts
from ..scene.lesions import LesionEntry
from ..scene.placing import isDrawn
from ..scene.promptnodes import ACROSS, LINE, POINT, SLICE_BOX, Prompt
from ..scene.volumes import geometryOf
from ..translation import tr as _
from ..wording import changeWords, promptName
from .front import Front
from .runner import Runner

SLICE_BOX_WORDS = (SLICE_BOX, "slicebox")


class PromptActions:
    """Adds, moves and deletes prompts, and has them answered at once; errors are said.

    Positions are world RAS, mm, as a user sees them.

    Args:
        front: the front end.
        runner: answers them.
    """

    def __init__(self, front: Front, runner: Runner) -> None:
        self._front, self._runner = front, runner

    def correct(self, lesionId: str, kind: str, positive: bool, world: ArrayLike) -> str:
        """Say what belongs to a lesion, or does not.

        Without a lesion a positive click begins one.

        Args:
            lesionId: of the lesion; empty for the selected one.
            kind: ``point``, ``scribble`` or ``lasso``.
            positive: whether it belongs to the lesion.
            world: (n, 3).

        Returns:
            Id of the lesion; empty where nothing was done.
        """
        lesion = self._lesion(lesionId)
        if lesion is None:
            if kind == POINT and positive:
                return self.first(POINT, world)
            self._front.say(_("Begin with a box (B), a line (R) or a click on the lesion (P)."))
            return ""
        try:
            self._requireFree(lesion)
            begun = lesion.segment is not None or asked.firstOf(lesion.prompts, "") is not None
            if not begun and not (lesion.roi is not None and isDrawn(lesion.roi)):
                raise BoxError(_("Draw a box around the lesion first (B)."))
            points = promptnodes.onVolume(_points(world), lesion.volume)
            word = CorrectionKind.read(kind, "The kind of a correction").value
            prompt = Prompt.new(word, points, bool(positive))
            correction_voxels(asked.correctionOf(prompt), geometryOf(lesion.volume))
        except (MasamError, ValueError) as error:
            self._front.sayError(error)
            return ""
        self._write(lesion, [*lesion.prompts, prompt])
        self._runner.ask(lesion.id)
        return lesion.id

    def first(self, kind: str, world: ArrayLike, segmentationNode: Any = None) -> str:
        """Begin a lesion with a prompt that has no third extent.

        Args:
            kind: ``line`` (2 points; 4 with the diameter across it), ``slice_box`` (2 or more
                points on one slice, whose rectangle along the voxel axes is taken) or ``point``.
            world: (n, 3).
            segmentationNode: for the lesion's segment, or None.

        Returns:
            Id of the new lesion; empty where nothing was done.
        """
        front = self._front
        volume = front.volume
        try:
            if volume is None:
                raise BoxError(_("Choose a volume first."))
            geometry = geometryOf(volume)
            points = promptnodes.onVolume(_points(world), volume)
            found = _firsts(kind, points, geometry)
            asked.firstOf(found, "").require_inside(geometry.canonical_frame())  # type: ignore[union-attr]
        except (MasamError, ValueError) as error:
            front.sayError(error)
            return ""
        lesion = front.session.lesions.add(volume, segmentationNode)
        promptnodes.writePrompts(front.session.scene, lesion.id, volume, found)
        title = _("Begin {name} with a {kind}")
        words = title.format(name=lesion.name, kind=promptName(found[0].kind))
        front.session.history.drawn(words, lesion.id, joins=True)
        front.select(lesion.id)
        self._runner.ask(lesion.id)
        return lesion.id

    def move(self, lesionId: str, promptId: str, world: ArrayLike) -> None:
        """Put a prompt elsewhere; the mask follows."""

        def moved(lesion: LesionEntry, prompt: Prompt) -> Prompt:
            points = promptnodes.onVolume(_points(world), lesion.volume)
            if prompt.kind == SLICE_BOX:
                points = asked.rectangle(points, geometryOf(lesion.volume))
            new = Prompt(prompt.id, prompt.kind, prompt.positive, prompt.first, points)
            geometry = geometryOf(lesion.volume)
            if not prompt.first:
                correction_voxels(asked.correctionOf(new), geometry)
            return new

        self._change(lesionId, promptId, moved)

    def delete(self, lesionId: str, promptId: str) -> None:
        """Take a correction away; the mask follows."""

        def gone(lesion: LesionEntry, prompt: Prompt) -> None:
            if prompt.first and prompt.kind != ACROSS:
                raise BoxError(
                    _("'{name}' begins with this {kind}. Move it, or delete the lesion.").format(
                        name=lesion.name, kind=promptName(prompt.kind)
                    )
                )

        self._change(lesionId, promptId, gone)

    def extend(self, lesionId: str, side: str = "") -> None:
        """Extend a lesion's box where its mask ends flat.

        Args:
            lesionId: of the lesion; empty for the selected one.
            side: a word of ``masam_core.lesion.cut.Side``; empty for every side that cuts.
        """
        lesion = self._lesion(lesionId)
        made = lesion.provenance if lesion is not None else None
        if lesion is None or made is None:
            return
        try:
            self._requireFree(lesion)
            sides = (side,) if side else tuple(str(cut["side"]) for cut in made.cuts)
            for word in sides:
                Side.read(word, "A side to extend")
            if not sides:
                raise BoxError(_("The mask of '{name}' is not cut off.").format(name=lesion.name))
        except MasamError as error:
            self._front.sayError(error)
            return
        if not self._runner.busy:
            self._runner.start([lesion.id], sides)

    def confirm(self, lesionId: str, confirmed: bool = True) -> None:
        """Say that a mask is right as it is, or take that back."""
        lesion = self._lesion(lesionId)
        if lesion is not None:
            self._front.session.lesions.setConfirmed(lesion, confirmed)
            self._front.refreshSoon()

    def _change(self, lesionId: str, promptId: str, change: Any) -> None:
        lesion = self._lesion(lesionId)
        prompt = (
            next((each for each in lesion.prompts if each.id == promptId), None)
            if lesion is not None
            else None
        )
        if lesion is None or prompt is None:
            return
        try:
            self._requireFree(lesion)
            new = change(lesion, prompt)
        except (MasamError, ValueError) as error:
            self._front.sayError(error)
            self._front.refreshSoon()
            return
        others = [new if each is prompt else each for each in lesion.prompts]
        self._write(lesion, [each for each in others if each is not None])
        self._runner.ask(lesion.id)

    def _write(self, lesion: LesionEntry, prompts: Sequence[Prompt]) -> None:
        session = self._front.session
        before = KeptPrompts.of(session.scene, lesion.id)
        promptnodes.writePrompts(session.scene, lesion.id, lesion.volume, prompts)
        session.history.asked(changeWords(before.prompts, prompts, lesion.name), before)

    def _lesion(self, lesionId: str) -> LesionEntry | None:
        if lesionId:
            return self._front.session.lesions.lesion(lesionId)
        return self._front.selected

    def _requireFree(self, lesion: LesionEntry) -> None:
        if lesion.volume is None:
            raise BoxError(
                _("The volume of '{name}' is not in the scene any more.").format(name=lesion.name)
            )
        if lesion.locked:
            raise BoxError(
                _("'{name}' is locked. Unlock it to correct it.").format(name=lesion.name)
            )


def _points(world: ArrayLike) -> np.ndarray:
    points = np.asarray(world, dtype=float)
    if points.ndim == 1 and points.size == 3:
        points = points[None]
    if points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all():
        raise BoxError(_("A prompt needs positions of three finite numbers each."))
    return points


def _firsts(kind: str, points: np.ndarray, geometry: Any) -> list[Prompt]:
    if kind in SLICE_BOX_WORDS:
        return [Prompt.new(SLICE_BOX, asked.rectangle(points, geometry), first=True)]
    if kind == LINE and len(points) in (2, 4):
        lines = [points[:2], points[2:]] if len(points) == 4 else [points]
        lines.sort(key=lambda ends: -float(np.linalg.norm(ends[1] - ends[0])))
        words = (LINE, ACROSS)
        return [Prompt.new(w, ends, first=True) for w, ends in zip(words, lines, strict=False)]
    if kind == POINT and len(points) == 1:
        return [Prompt.new(POINT, points, first=True)]
    raise BoxError(
        _("A lesion begins with a box, a line (2 or 4 ends), a box on a slice or one click.")
    )
