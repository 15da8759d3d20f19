"""Two studies of a patient in one scene: which follows which, and the table that comes of them.

That a volume is a next study is a node reference, and what became of a lesion an attribute of its
box: both are saved with the scene. Figures are those that stand with the segments; nothing is
measured here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from masam_core.errors import ConfigError
from masam_core.followup.masks import NamedMask
from masam_core.followup.reading import Course, Reading, State
from masam_core.followup.result import FollowUp, StudyLine, judged
from masam_core.followup.study import read_day
from masam_core.followup.track import Finding, How, Track
from masam_core.lesion.diameter_plane import DiameterPlane

from ..scene.followup import FOLLOWS, followerOf
from ..scene.keptsaid import KeptSaid
from ..scene.lesions import LesionEntry
from ..scene.nodes import nodesOfClass
from ..scene.volumes import geometryOf
from ..session.session import Session
from ..translation import tr as _
from .course import UNKNOWN, readingOf

EARLIER_REFERENCE = "masamEarlierStudy"
DATE, BECAME, NODE = "MASAM.StudyDate", "MASAM.Became", "MASAM.LymphNode"
# Figures are measured already: of a mask the table asks no more than that it is one piece.
_PIECE = (NamedMask("", np.ones((1, 1, 1), dtype=bool), (0, 0, 0)),)
# What a person may say of a lesion that has no mask in the later study.
CHOICES = (State.UNKNOWN, State.ABSENT, State.TOO_SMALL)


@dataclass(frozen=True, eq=False)
class TwoStudies:
    """The nodes of the pair."""

    earlier: Any
    later: Any

    @classmethod
    def of(cls, scene: Any) -> TwoStudies | None:
        """The pair of a scene, or None."""
        for node in nodesOfClass(scene, "vtkMRMLVolumeNode"):
            earlier = node.GetNodeReference(EARLIER_REFERENCE)
            if earlier is not None:
                return cls(earlier, node)
        return None

    @classmethod
    def join(cls, earlierNode: Any, laterNode: Any) -> TwoStudies:
        """Note that one volume is the next study of the other."""
        laterNode.SetNodeReferenceID(EARLIER_REFERENCE, earlierNode.GetID())
        return cls(earlierNode, laterNode)


def dateOf(node: Any) -> str:
    """Date of a volume's study, YYYY-MM-DD; empty where it is not known."""
    return str(node.GetAttribute(DATE) or "")


def setDate(node: Any, text: str) -> None:
    """Say it; an empty text forgets it.

    Raises:
        ConfigError: it is no date.
    """
    text = str(text).strip()
    node.SetAttribute(DATE, read_day(text).isoformat() if text else "")


def changeDate(session: Session, node: Any, text: str) -> None:
    """Say of which day a volume's study is, in a step that can be undone; see :func:`setDate`."""
    before = KeptSaid.of(node, [DATE])
    setDate(node, text)
    if dateOf(node) != (before.values[0][1] or ""):
        session.history.said("Change the date of a study", [before])


def requireOrder(earlierDate: str, laterDate: str, name: str) -> None:
    """Refuse a next study that is older than the one before.

    Args:
        earlierDate, laterDate: YYYY-MM-DD, or empty.
        name: of the later one, for words.

    Raises:
        ConfigError: it is older.
    """
    if earlierDate and laterDate and read_day(laterDate) < read_day(earlierDate):
        raise ConfigError(
            _(
                "'{name}' is of {later}, which is before the study that is shown ({earlier}). Open "
                "the older one first, then the newer one as its next study."
            ).format(name=name, later=laterDate, earlier=earlierDate)
        )


def followersOf(session: Session, pair: TwoStudies) -> dict[str, LesionEntry | None]:
    """Each earlier lesion's id and the later lesion that it is now, or None."""
    lesions = session.lesions
    return {
        each.id: followerOf(lesions, each.id, pair.later) for each in lesions.lesions(pair.earlier)
    }


def newOnes(session: Session, pair: TwoStudies) -> list[LesionEntry]:
    """Lesions of the later study that no earlier one is."""
    known = {each.id for each in followersOf(session, pair).values() if each is not None}
    return [each for each in session.lesions.lesions(pair.later) if each.id not in known]


def becameOf(lesion: LesionEntry) -> State:
    """What a person has said of an earlier lesion that has no follower."""
    word = lesion.roi.GetAttribute(BECAME) if lesion.roi is not None else None
    return next((each for each in CHOICES if each.value == word), State.UNKNOWN)


def setBecame(session: Session, pair: TwoStudies, lesionId: str, what: str) -> None:
    """Say what became of an earlier lesion, in a step that can be undone.

    Args:
        session: the lesions.
        pair: the studies.
        lesionId: of the earlier lesion.
        what: a state of CHOICES, which also undoes that it is a later lesion; or the id of the
            later lesion that it is.

    Raises:
        ConfigError: there is no such lesion, or it can't be said of this one.
    """
    earlier = session.lesions.lesion(lesionId)
    if earlier is None or earlier.roi is None or earlier.volume is not pair.earlier:
        raise ConfigError(_("There is no such lesion in the earlier study."))
    before = followerOf(session.lesions, lesionId, pair.later)
    if before is not None and before.id == what:
        return
    chosen = [each for each in newOnes(session, pair) if each.id == what and each.roi is not None]
    if not chosen and what not in {each.value for each in CHOICES}:
        raise ConfigError(_("There is no such lesion in the later study."))
    kept = [KeptSaid.of(earlier.roi, [BECAME], earlier.id)]
    linked = [each for each in (before, *chosen) if each is not None]
    kept += [KeptSaid.of(each.roi, [FOLLOWS], each.id) for each in linked]
    if before is not None:
        before.roi.RemoveAttribute(FOLLOWS)
    if chosen:
        chosen[0].roi.SetAttribute(FOLLOWS, earlier.id)
        earlier.roi.RemoveAttribute(BECAME)  # else it would hold again once that one is deleted
    else:
        earlier.roi.SetAttribute(BECAME, what)
    if any(each.now(session.scene) != each for each in kept):
        session.history.said(f"Say what became of {earlier.name}", kept)


def isNode(lesion: LesionEntry) -> bool:
    """Whether a person has said that it is a lymph node, measured by its short axis."""
    return lesion.roi is not None and lesion.roi.GetAttribute(NODE) == "yes"


def setNode(session: Session, lesionIds: Sequence[str], node: bool) -> None:
    """Say whether a lesion is a lymph node, in a step that can be undone.

    Args:
        session: the lesions.
        lesionIds: the lesion in each study; those that are not there are left out.
        node: whether it is.
    """
    found = [lesion for each in lesionIds if (lesion := session.lesions.lesion(each)) is not None]
    changed = [each for each in found if each.roi is not None and isNode(each) != node]
    kept = [KeptSaid.of(each.roi, [NODE], each.id) for each in changed]
    for each in changed:
        each.roi.SetAttribute(NODE, "yes" if node else "")
    if kept:
        what = "a lymph node" if node else "no lymph node"
        session.history.said(f"Call {changed[0].name} {what}", kept)


def followUpOf(session: Session, pair: TwoStudies, plane: DiameterPlane) -> FollowUp | None:
    """The table of both studies by the figures that there are; None where there is no mask.

    Args:
        session: the lesions.
        pair: the studies.
        plane: in which diameters were taken.

    Raises:
        ConfigError: against RECIST 1.1.
    """
    outdated = {each.id for node in (pair.earlier, pair.later) for each in session.unmeasured(node)}
    followers = followersOf(session, pair)
    tracks: list[Track] = []
    courses, uncounted = [], []
    for earlier in session.lesions.lesions(pair.earlier):
        later = followers[earlier.id]
        before = _reading(earlier, outdated)
        if earlier.segment is None:
            if later is not None and later.segment is not None:
                uncounted.append(later.name)
            continue
        name = _ownName(earlier.name, tracks)
        now, finding = _now(earlier, later, outdated)
        given = Finding(State.MEASURED, _PIECE, How.GIVEN)
        tracks.append(Track(name, "", [given, finding], node=isNode(earlier)))
        courses.append(Course(name, (before, now), node=isNode(earlier)))
    for fresh in newOnes(session, pair):
        if fresh.segment is None:
            continue
        words = _("New: drawn in this study, and no earlier lesion.")
        finding = Finding(State.MEASURED, _PIECE, How.GIVEN, notes=[words])
        name = fresh.name if fresh.name not in {t.name for t in tracks} else f"{fresh.name} (new)"
        name = _ownName(name, tracks)
        tracks.append(Track(name, "", [Finding(State.ABSENT), finding], new_in=1))
        readings = (Reading(State.ABSENT), _reading(fresh, outdated))
        courses.append(Course(name, readings, node=isNode(fresh), new_in=1))
    if not tracks:
        return None
    notes = [_("New lesions are not searched for: those that somebody has drawn are counted.")]
    words = _(
        "'{name}' is not in the table: it has no mask in the earlier study; segment it there."
    )
    notes += [words.format(name=name) for name in uncounted]
    lines = [_line(1, pair.earlier), _line(2, pair.later)]
    if any(line.date is None for line in lines):
        notes.append(_("Doubling times need the dates of both studies."))
    return judged(tracks, courses, lines, plane, notes=notes)


def _ownName(name: str, tracks: list[Track]) -> str:
    """A name that no row bears yet: rows of one name would be taken for one lesion."""
    known, found, number = {track.name for track in tracks}, name, 1
    while found in known:
        number += 1
        found = f"{name} ({number})"
    return found


def _now(
    earlier: LesionEntry, later: LesionEntry | None, outdated: set[str]
) -> tuple[Reading, Finding]:
    """What an earlier lesion is in the later study."""
    if later is not None and later.segment is not None:
        reading = _reading(later, outdated)
        found = Finding(State.MEASURED, _PIECE, How.CARRIED, accepted=True)
        if later.id in outdated or earlier.id in outdated:
            found.notes.append(_("Changed since it was measured."))
        return reading, found
    if later is not None:
        return UNKNOWN, Finding(State.UNKNOWN, notes=[_("Its box waits for Segment.")])
    state = becameOf(earlier)
    said = [] if state is State.UNKNOWN else [_("As the reader has said.")]
    return Reading(state), Finding(state, notes=said, accepted=bool(said) or None)


def _reading(lesion: LesionEntry, outdated: set[str]) -> Reading:
    return UNKNOWN if lesion.id in outdated else readingOf(lesion)


def _line(number: int, node: Any) -> StudyLine:
    geometry = geometryOf(node)
    day = dateOf(node)
    slices = float(geometry.spacing[geometry.acquisition_axis])
    return StudyLine(number, node.GetName(), read_day(day) if day else None, slices)
