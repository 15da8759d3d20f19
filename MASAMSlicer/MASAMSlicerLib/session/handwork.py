"""Hand work on masks, for front ends that have no Segment Editor: each is one step of undo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

import masam_core
from masam_core.errors import SegmentationError
from masam_core.image.geometry import Geometry, closest_axes
from masam_core.lesion import handwork
from masam_core.lesion.crops import tight_box
from masam_core.limits import BRUSH_MM
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.record import PromptRecord

from ..scene.belonging import segmentationFor
from ..scene.ends import PLANES
from ..scene.handedits import EMPTY
from ..scene.keptprompts import KeptPrompts
from ..scene.lesions import LABEL, LesionEntry
from ..scene.provenance import Provenance
from ..scene.segments import Mask, newSegmentation, requireWritable, writeSegment
from ..scene.touchup import BALL, DISC, cropped, touchedBy, wholeMask
from ..scene.transforms import worldToNode
from ..scene.volumes import geometryOf, volumeFromNode

if TYPE_CHECKING:
    from .session import Session

BRUSH, ERASER = "brush", "eraser"


@dataclass(frozen=True)
class Brush:
    """What paints.

    Attributes:
        erase: takes voxels away instead.
        shape: DISC, in the slice of a plane, or BALL.
        radius: mm.
        plane: of the slice, a word of ``PLANES``.
        limits: lowest and highest value of a voxel that is painted or erased; None for all, and
            None in place of one of them for no such limit.

    Raises:
        SegmentationError: another shape or plane.
        ConfigError: a radius outside ``masam_core.limits.BRUSH_MM``.
    """

    erase: bool = False
    shape: str = DISC
    radius: float = 5.0
    plane: str = "axial"
    limits: tuple[float | None, float | None] | None = None

    def __post_init__(self) -> None:
        if self.shape not in (DISC, BALL) or self.plane not in PLANES:
            raise SegmentationError(
                f"A brush of shape '{self.shape}' in '{self.plane}' slices; expected {DISC} or "
                f"{BALL}, and {', '.join(PLANES)}."
            )
        BRUSH_MM.check(self.radius)


class HandWork:
    """Changes masks by hand; each call is one step that can be undone.

    Prompts that come after it respect it: it is kept with the segment.

    Args:
        session: the lesions.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def paint(self, lesionId: str, brush: Brush, world: ArrayLike, volumeNode: Any = None) -> str:
        """Paint or erase one stroke.

        Args:
            lesionId: of the lesion; empty for a new one, which begins with nothing.
            brush: what paints.
            world: (n, 3) world RAS, mm, where the brush was, in its order.
            volumeNode: of a new lesion.

        Returns:
            Id of the lesion.

        Raises:
            MasamError: locked, being segmented, no volume, or nothing that could be erased.
        """
        points = np.asarray(world, dtype=float).reshape(-1, 3)
        if not len(points) or not np.isfinite(points).all():
            raise SegmentationError("A stroke needs positions of three finite numbers each.")
        if not lesionId and (volumeNode is None or brush.erase):
            raise SegmentationError("There is no mask yet to erase from.")
        lesion = self._lesion(lesionId) if lesionId else None
        volume = lesion.volume if lesion is not None else volumeNode
        geometry = geometryOf(volume)
        touched = touchedBy(
            geometry, worldToNode(volume, points), brush.radius, _normal(brush, geometry)
        )
        touched &= _within(volume, brush.limits, touched)
        if lesion is None:
            if not touched.any():
                raise SegmentationError(
                    "Nothing was painted there: no voxel under the brush has such a value."
                )
            return self._begin(volume, touched)
        words = "Erase in" if brush.erase else "Paint in"
        before = wholeMask(lesion, geometry)
        after = before & ~touched if brush.erase else before | touched
        self._write(lesion, f"{words} {lesion.name}", after, before)
        return lesion.id

    def smooth(self, lesionId: str, mm: float) -> None:
        """Take details away that are finer than some mm; raises SegmentationError."""
        self._change(lesionId, "Smooth", lambda m, g, _: handwork.smoothed(m, list(g.spacing), mm))

    def grow(self, lesionId: str, mm: float) -> None:
        """Let a mask grow by some mm on all sides, or shrink by as many below 0.

        Raises:
            SegmentationError: nothing would be left, or no mask.
        """

        def change(mask: Mask, geometry: Geometry, _: LesionEntry) -> Mask:
            if mm < 0:
                return handwork.shrunk(mask, list(geometry.spacing), -mm)
            return handwork.grown(mask, list(geometry.spacing), mm)

        self._change(lesionId, "Shrink" if mm < 0 else "Grow", change)

    def keepPiece(self, lesionId: str, world: ArrayLike) -> None:
        """Keep the piece at a position (3,), world RAS, or nearest to it, and no other."""
        self._change(
            lesionId,
            "Keep a piece of",
            lambda m, g, lesion: handwork.piece_at(m, _index(lesion, g, world)),
        )

    def removePiece(self, lesionId: str, world: ArrayLike) -> None:
        """Take the piece at a position (3,), world RAS, or nearest to it, away.

        Raises:
            SegmentationError: it is the only one.
        """

        def change(mask: Mask, geometry: Geometry, lesion: LesionEntry) -> Mask:
            left = mask & ~handwork.piece_at(mask, _index(lesion, geometry, world))
            if not left.any():
                raise SegmentationError(
                    f"This is the only piece of '{lesion.name}'. Delete the lesion instead."
                )
            return left

        self._change(lesionId, "Remove a piece of", change)

    def interpolate(self, lesionId: str, plane: str | None = None) -> None:
        """Fill the empty slices between painted ones.

        Args:
            lesionId: of the lesion.
            plane: in which was painted, a word of ``PLANES``; None finds it.

        Raises:
            SegmentationError: no empty slice between painted ones.
        """

        def change(mask: Mask, geometry: Geometry, _: LesionEntry) -> Mask:
            axis = None if plane is None else 2 - _across(plane, geometry)
            return handwork.interpolated(mask, list(geometry.spacing), axis)

        self._change(lesionId, "Fill in slices of", change)

    def _change(
        self,
        lesionId: str,
        words: str,
        change: Callable[[Mask, Geometry, LesionEntry], Mask],
    ) -> None:
        lesion = self._lesion(lesionId)
        geometry = geometryOf(lesion.volume)
        before = wholeMask(lesion, geometry)
        if not before.any():
            raise SegmentationError(f"'{lesion.name}' has no mask yet: press Segment first.")
        after = change(before, geometry, lesion)
        self._write(lesion, f"{words} {lesion.name}", after, before)

    def _lesion(self, lesionId: str) -> LesionEntry:
        """The lesion, if it may be changed."""
        lesion = self._session.lesions.lesion(lesionId)
        if lesion is None or lesion.volume is None:
            raise SegmentationError("This lesion or its volume is not in the scene any more.")
        if lesion.locked:
            raise SegmentationError(f"'{lesion.name}' is locked. Unlock it to change it.")
        if self._session.states.get(lesion.id, ("", ""))[0] == "running":
            raise SegmentationError(f"'{lesion.name}' is being segmented. Wait or cancel first.")
        return lesion

    def _write(self, lesion: LesionEntry, title: str, after: Mask, before: Mask) -> None:
        if lesion.segment is None or lesion.provenance is None:
            if after.any():
                self._put(lesion, title, after)
            return
        if (after == before).all():
            return
        with self._session.history.step(title) as touched:
            touched.append((lesion.segmentation, str(lesion.segmentId)))
            mask, offset = cropped(after)
            # What made the segment stays written there, and tells that it was changed since.
            writeSegment(
                lesion.segmentation,
                lesion.segmentId,
                lesion.volume,
                mask,
                offset,
                lesion.look,
                {},
            )

    def _begin(self, volume: Any, mask: Mask) -> str:
        lesion = self._session.lesions.add(volume)
        title = f"Paint {lesion.name}"
        self._session.history.drawn(title, lesion.id, joins=True)
        try:
            self._put(lesion, title, mask)
        except BaseException:
            self._session.history.takeBack(lesion.id)  # no empty row stays
            raise
        return lesion.id

    def _put(self, lesion: LesionEntry, title: str, whole: Mask) -> None:
        """The first mask of a lesion, by hand alone."""
        session, volume = self._session, lesion.volume
        every = session.lesions.lesions()
        target = segmentationFor(lesion, volume, every, [])
        made: list[Any] = []
        if target is None:
            target = newSegmentation(volume, f"{volume.GetName()} lesions")
            made.append(target)
        requireWritable(target, volume)
        segmentId = target.GetSegmentation().GenerateUniqueSegmentID(f"MASAM_{lesion.id}")
        try:
            with session.history.step(title) as touched:
                touched.append((target, segmentId))
                touched.prompts(KeptPrompts.of(session.scene, lesion.id), again=False)
                mask, offset = cropped(whole)
                tags = {**_byHand(lesion, whole).tags(), LABEL: str(lesion.label)}
                written = writeSegment(target, segmentId, volume, mask, offset, lesion.look, tags)
                session.lesions.recordSegment(lesion, target, written)
        except BaseException:
            for node in made:
                session.scene.RemoveNode(node)
            raise


def _byHand(lesion: LesionEntry, whole: Mask) -> Provenance:
    """The origin of a mask that was drawn: all of it is hand work, on nothing."""
    image = volumeFromNode(lesion.volume)
    box = BoxPrompt.from_voxels(*tight_box(whole), name=lesion.name)
    record = PromptRecord(box, (), started_from_mask=True)
    return Provenance(
        lesion=lesion.id,
        corners=image.geometry.lps_from_ijk(box.corners_ijk),
        version=masam_core.__version__,
        maskHash=EMPTY,  # all of it is hand work
        volumeHash=image.content_hash,
        prompts=record.to_dict(image.geometry),
    )


def _across(plane: str, geometry: Geometry) -> int:
    """Voxel axis (0 = i, 1 = j, 2 = k) across a plane."""
    return closest_axes(geometry.direction).index(PLANES.index(plane))


def _normal(brush: Brush, geometry: Geometry) -> np.ndarray | None:
    """Across the slice that is painted in, in the volume's own RAS; None for a ball."""
    if brush.shape == BALL:
        return None
    step = np.eye(3)[_across(brush.plane, geometry)]
    ends = geometry.ras_from_ijk(np.stack([np.zeros(3), step]))
    return np.asarray(ends[1] - ends[0])


def _within(
    volume: Any, limits: tuple[float | None, float | None] | None, touched: Mask
) -> Mask | bool:
    """Which of the touched voxels have a value between limits."""
    if limits is None:
        return True
    low, high = limits
    out = np.zeros_like(touched)
    values = volumeFromNode(volume).array[touched]
    fits = np.ones(len(values), dtype=bool)
    if low is not None:
        fits &= values >= low
    if high is not None:
        fits &= values <= high
    out[touched] = fits
    return out


def _index(lesion: LesionEntry, geometry: Geometry, world: ArrayLike) -> list[int]:
    """The voxel (K, J, I) at a world position."""
    own = worldToNode(lesion.volume, np.asarray(world, dtype=float).reshape(1, 3))
    ijk = geometry.ijk_from_ras(own)[0]
    return [round(float(n)) for n in ijk[::-1]]
