"""The follow-up as a whole: every lesion in every study, and what RECIST 1.1 says of each study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from masam_core.followup.doubling import NOISE, Doubling, doubling_time
from masam_core.followup.reading import Course, Reading, State
from masam_core.followup.recist import Assessment, assess
from masam_core.followup.study import Study
from masam_core.followup.targets import choose_targets
from masam_core.followup.track import Finding, Track, courses_of
from masam_core.lesion.diameter_plane import DiameterPlane


@dataclass(frozen=True)
class StudyLine:
    """A study as tables name it."""

    number: int
    name: str
    date: date | None
    slice_mm: float

    @property
    def title(self) -> str:
        """Number and date: ``1, 2024-05-17``."""
        return f"{self.number}" if self.date is None else f"{self.number}, {self.date.isoformat()}"


@dataclass(frozen=True)
class Row:
    """One lesion in one study; shares are of 1.

    Attributes:
        from_first, from_before: change of what counts for the sum (diameter), since the lesion's
            first study and since the last in which it was measured.
        volume_from_first, volume_from_before: the same of the volume.
        doubling: since the last study in which it was measured.
        confirmed: whether a person has agreed, or had given the mask.
    """

    lesion: str
    study: StudyLine
    target: bool
    node: bool
    organ: str
    reading: Reading
    from_first: float | None
    from_before: float | None
    volume_from_first: float | None
    volume_from_before: float | None
    doubling: Doubling | None
    pieces: int
    how: str
    trust: str
    confirmed: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class FollowUp:
    """Everything that is told.

    Attributes:
        studies: oldest first.
        rows: lesion by lesion, each through all studies.
        assessments: one a study.
        plane: in which diameters were taken, as asked for.
        noise: of a volume, as a share.
        notes: for the reader.
        open: how many findings wait for a person.
    """

    studies: tuple[StudyLine, ...]
    rows: tuple[Row, ...]
    assessments: tuple[Assessment, ...]
    plane: DiameterPlane
    noise: float
    notes: tuple[str, ...]
    open: int


def follow_up(
    tracks: Sequence[Track],
    studies: Sequence[Study],
    plane: DiameterPlane = DiameterPlane.AUTO,
    noise: float = NOISE,
    notes: Sequence[str] = (),
) -> FollowUp:
    """Measure and judge.

    Args:
        tracks: the lesions, as proposed or as confirmed.
        studies: oldest first.
        plane: in which diameters are taken.
        noise: of a volume, see ``doubling_time``.
        notes: of what came before.

    Raises:
        ConfigError: targets that a reader has chosen against RECIST 1.1.
    """
    lines = tuple(
        StudyLine(n, study.volume.name, study.date, study.slice_mm)
        for n, study in enumerate(studies, 1)
    )
    courses = courses_of(list(tracks), list(studies), plane)
    said = list(notes)
    unsearched = [str(n) for n, study in enumerate(studies, 1) if n > 1 and study.lesions is None]
    if unsearched:
        word = "study" if len(unsearched) == 1 else "studies"
        said.append(
            f"New lesions are not searched for: in {word} {', '.join(unsearched)} only the places "
            "of earlier lesions were looked at."
        )
    return judged(tracks, courses, lines, plane, noise, said)


def judged(
    tracks: Sequence[Track],
    courses: Sequence[Course],
    lines: Sequence[StudyLine],
    plane: DiameterPlane = DiameterPlane.AUTO,
    noise: float = NOISE,
    notes: Sequence[str] = (),
) -> FollowUp:
    """Judge what is measured already.

    Args:
        tracks: the lesions.
        courses: the figures of each, in the same order.
        lines: the studies, oldest first.
        plane: in which diameters were taken.
        noise: of a volume, see ``doubling_time``.
        notes: of what came before.

    Raises:
        ConfigError: targets that a reader has chosen against RECIST 1.1.
    """
    targets, more = choose_targets(courses, lines[0].slice_mm)
    rows = [
        _row(track, course, index in targets, number, lines, noise)
        for index, (track, course) in enumerate(zip(tracks, courses, strict=True))
        for number in range(len(lines))
    ]
    waiting = sum(waits(finding) for track in tracks for finding in track.findings)
    assessments = tuple(assess(courses, targets))
    return FollowUp(tuple(lines), tuple(rows), assessments, plane, noise, (*notes, *more), waiting)


def waits(finding: Finding) -> bool:
    """Whether a finding has to be confirmed by a person still."""
    return finding.accepted is None and (finding.look or finding.how.value == "carried over")


def _row(
    track: Track,
    course: Course,
    target: bool,
    number: int,
    lines: Sequence[StudyLine],
    noise: float,
) -> Row:
    finding, reading = track.findings[number], course.readings[number]
    known = [
        n
        for n in range(number)
        if course.readings[n].state is not State.UNKNOWN and (course.new_in or 0) <= n
    ]
    first, before = (known[0], known[-1]) if known else (None, None)
    doubling = None
    if before is not None:
        days = _days(lines[before], lines[number])
        doubling = doubling_time(_volume(course.readings[before]), _volume(reading), days, noise)

    def change(place: int | None, volume: bool) -> float | None:
        if place is None:
            return None
        was, now = (
            _volume(r) if volume else r.diameter_mm(course.node)
            for r in (course.readings[place], reading)
        )
        merged = State.MERGED in (reading.state, course.readings[place].state)
        return None if was is None or now is None or was <= 0 or merged else now / was - 1

    return Row(
        track.name,
        lines[number],
        target,
        course.node,
        course.organ,
        reading,
        change(first, False),
        change(before, False),
        change(first, True),
        change(before, True),
        doubling,
        len(finding.parts),
        finding.how.value,
        "" if finding.quality is None else finding.quality.trust.value,
        not waits(finding),
        tuple(finding.notes),
    )


def _volume(reading: Reading) -> float | None:
    return 0.0 if reading.state is State.ABSENT else reading.volume_ml


def _days(one: StudyLine, two: StudyLine) -> float | None:
    return None if one.date is None or two.date is None else float((two.date - one.date).days)


def to_dict(found: FollowUp) -> dict[str, Any]:
    """Everything as plain values, for JSON; shares are of 1, lengths in mm, volumes in ml."""
    return {
        "studies": [
            {
                "study": s.number,
                "image": s.name,
                "date": None if s.date is None else s.date.isoformat(),
                "slice_mm": round(s.slice_mm, 3),
                "sum_of_diameters_mm": _round(a.sum_mm),
                "nadir_before_mm": _round(a.nadir_mm),
                "change_from_first": _round(a.from_baseline, 4),
                "change_from_nadir": _round(a.from_nadir, 4),
                "target_response": a.target,
                "other_response": a.other,
                "new_lesions": list(a.new),
                "response": a.response,
                "rule": a.rule,
            }
            for s, a in zip(found.studies, found.assessments, strict=True)
        ],
        "findings": [row_dict(row) for row in found.rows],
        "diameter_plane": found.plane.value,
        "volume_noise": found.noise,
        "to_be_confirmed": found.open,
        "notes": list(found.notes),
    }


def row_dict(row: Row) -> dict[str, Any]:
    """A row as plain values."""
    d = row.doubling
    return {
        "lesion": row.lesion,
        "study": row.study.number,
        "date": None if row.study.date is None else row.study.date.isoformat(),
        "target": row.target,
        "lymph_node": row.node,
        "organ": row.organ,
        "state": row.reading.state.value,
        "pieces": row.pieces,
        "longest_diameter_mm": _round(row.reading.longest_mm),
        "perpendicular_diameter_mm": _round(row.reading.short_mm),
        "volume_ml": _round(row.reading.volume_ml, 4),
        "diameter_change_from_first": _round(row.from_first, 4),
        "diameter_change_from_previous": _round(row.from_before, 4),
        "volume_change_from_first": _round(row.volume_from_first, 4),
        "volume_change_from_previous": _round(row.volume_from_before, 4),
        "doubling_days": None if d is None else _round(d.days, 1),
        "doubling_low_days": None if d is None else _round(d.low_days, 1),
        "doubling_high_days": None if d is None else _round(d.high_days, 1),
        "doubling": "" if d is None else d.words,
        "found_by": row.how,
        "registration": row.trust,
        "confirmed": row.confirmed,
        "notes": " ".join(row.notes),
    }


def _round(value: float | None, digits: int = 2) -> float | None:
    return None if value is None else round(value, digits)
