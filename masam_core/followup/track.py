"""A lesion through all studies: what was found of it in each, how, and whether someone agrees."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from masam_core.followup.masks import NamedMask
from masam_core.followup.quality import Quality
from masam_core.followup.reading import Course, Reading, State
from masam_core.keywords import Keyword
from masam_core.lesion.measure import measure

if TYPE_CHECKING:
    from masam_core.followup.study import Study
    from masam_core.image.volume import Volume
    from masam_core.lesion.diameter_plane import DiameterPlane


class How(Keyword):
    """Origin of a finding.

    Attributes:
        GIVEN: a mask that somebody gave.
        PROMPTED: segmented from a prompt that somebody gave.
        CARRIED: segmented from the box of an earlier study.
        NOWHERE: there is no mask.
    """

    GIVEN = "given"
    PROMPTED = "prompted"
    CARRIED = "carried over"
    NOWHERE = ""


@dataclass(eq=False)
class Finding:
    """One lesion in one study.

    Attributes:
        state: what it is.
        parts: its pieces; none where there is no mask.
        how: where it comes from.
        quality: of the registration that led to it; None where none did.
        notes: for the reader.
        look: whether a person must look at it before it counts: a doubtful registration, a lesion
            that seems to have gone, and the like.
        accepted: whether a person has agreed (True), refused (False) or not yet said (None).
        confidence: of the model in the mask; None where it does not say.
    """

    state: State
    parts: tuple[NamedMask, ...] = ()
    how: How = How.NOWHERE
    quality: Quality | None = None
    notes: list[str] = field(default_factory=list)
    look: bool = False
    accepted: bool | None = None
    confidence: float | None = None


@dataclass(eq=False)
class Track:
    """One lesion.

    Attributes:
        name: of the lesion.
        tracking_uid: DICOM's, the same in every study.
        findings: one a study.
        new_in: index of the study in which it was first seen, where that is not the first.
        organ, node, target: see :class:`masam_core.followup.reading.Course`.
    """

    name: str
    tracking_uid: str
    findings: list[Finding]
    new_in: int | None = None
    organ: str = ""
    node: bool = False
    target: bool | None = None

    def last_seen(self, before: int) -> int | None:
        """Index of the last study before one in which there is a mask; None where there is none."""
        return next((n for n in range(before - 1, -1, -1) if self.findings[n].parts), None)


def union(parts: tuple[NamedMask, ...], volume: Volume) -> NamedMask:
    """The pieces of a lesion as one mask."""
    from masam_core.followup.masks import cropped

    if len(parts) == 1:
        return parts[0]
    whole = parts[0].on(volume.geometry.shape)
    for part in parts[1:]:
        whole[part.where()] |= part.mask
    found = cropped(whole, parts[0].name, parts[0].tracking_uid)
    assert found is not None
    return found


def reading_of(finding: Finding, volume: Volume, plane: DiameterPlane) -> Reading:
    """Measure a finding.

    Of a lesion that has come apart the diameters of its pieces are added (RECIST 1.1, section
    4.2). What a person has refused counts as not assessed.
    """
    if finding.accepted is False:
        return Reading(State.UNKNOWN)
    if not finding.parts or finding.state in (State.ABSENT, State.MERGED, State.UNKNOWN):
        return Reading(finding.state if finding.state is not State.MEASURED else State.UNKNOWN)
    found = [measure(part.mask, part.offset_kji, volume, plane=plane) for part in finding.parts]
    return Reading(
        finding.state,
        sum(m.longest_diameter_mm for m in found),
        sum(m.perpendicular_diameter_mm for m in found),
        sum(m.volume_ml for m in found),
    )


def courses_of(tracks: list[Track], studies: list[Study], plane: DiameterPlane) -> list[Course]:
    """Measure every lesion in every study."""
    return [
        Course(
            track.name,
            [
                reading_of(finding, study.volume, plane)
                for finding, study in zip(track.findings, studies, strict=True)
            ],
            track.organ,
            track.node,
            track.target,
            track.new_in,
        )
        for track in tracks
    ]


def renamed(mask: NamedMask, name: str, tracking_uid: str) -> NamedMask:
    """The same mask under a lesion's name and UID."""
    return replace(mask, name=name, tracking_uid=tracking_uid)
