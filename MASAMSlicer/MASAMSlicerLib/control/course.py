"""What became of lesions that were carried over: figures of both studies, and RECIST 1.1."""

from __future__ import annotations

from typing import Any

from masam_core.errors import ConfigError
from masam_core.followup.reading import Course, Reading, State
from masam_core.followup.recist import assess
from masam_core.followup.targets import choose_targets

from ..scene.followup import followedBy
from ..scene.lesions import LesionEntry
from ..scene.volumes import geometryOf
from ..session.session import Session
from ..translation import tr as _

UNKNOWN = Reading(State.UNKNOWN)


def courseWords(session: Session, laterNode: Any) -> list[str]:
    """Lines for the user: a lesion each, then the response, where both studies are measured.

    Args:
        session: the lesions.
        laterNode: the later volume.
    """
    pairs = followedBy(session.lesions, laterNode)
    if not pairs:
        return []
    volumes = {each.volume.GetID(): each.volume for pair in pairs for each in pair if each.volume}
    # Of a mask that is there no more, and so no figure of the lesion.
    outdated = {each.id for volume in volumes.values() for each in session.unmeasured(volume)}
    courses, edited = [], []
    for pair in pairs:
        readings = [UNKNOWN if each.id in outdated else readingOf(each) for each in pair]
        courses.append(Course(pair[1].name, tuple(readings)))
        if any(each.id in outdated for each in pair):
            words = _("{name}: edited since it was measured; press Measure again")
            edited.append(words.format(name=pair[1].name))
    lines = [line for course in courses if (line := _line(course))]
    if not lines:
        return edited
    lines += edited
    geometry = geometryOf(pairs[0][0].volume)
    slices = float(geometry.spacing[geometry.acquisition_axis])
    try:
        targets, _notes = choose_targets(courses, slices)
    except ConfigError as error:
        return [*lines, str(error)]
    found = assess(courses, targets)[-1]
    if found.response is not None:
        words = _("RECIST 1.1, of the lesions carried over alone: {response}. {rule}")
        lines.append(words.format(response=found.response.value, rule=found.rule))
    return lines


def readingOf(lesion: LesionEntry) -> Reading:
    """A lesion's figures as they stand with its segment."""
    if lesion.segment is None or lesion.provenance is None:
        return UNKNOWN
    found = lesion.provenance.measurements
    figures = [
        found.get(name)
        for name in ("longest_diameter_mm", "perpendicular_diameter_mm", "volume_ml")
    ]
    if any(value is None for value in figures[:2]):
        return UNKNOWN
    return Reading(State.MEASURED, *figures)


def _line(course: Course) -> str:
    before, now = course.readings
    if State.UNKNOWN in (before.state, now.state):
        return ""
    parts = []
    for was, found, unit in (
        (before.longest_mm, now.longest_mm, "mm"),
        (before.volume_ml, now.volume_ml, "ml"),
    ):
        if was and found is not None:
            change = f"{100 * (found / was - 1):+.0f} %"
            parts.append(f"{was:.1f} \N{RIGHTWARDS ARROW} {found:.1f} {unit} ({change})")
    return f"{course.name}: {', '.join(parts)}"
