"""Which lesions are measured for the sum of diameters: RECIST 1.1, sections 3 and 4.1.

Eisenhauer EA et al., New response evaluation criteria in solid tumours: revised RECIST guideline
(version 1.1), European Journal of Cancer 45 (2009) 228-247.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from masam_core.errors import ConfigError
from masam_core.followup.reading import Course, Reading, State

MOST_TARGETS, MOST_OF_AN_ORGAN = 5, 2
MEASURABLE_MM = 10.0  # longest diameter, of slices up to 5 mm
NODE_TARGET_MM, NODE_NORMAL_MM = 15.0, 10.0  # short axis
THICK_SLICE_MM = 5.0
LYMPH_NODES = "lymph nodes"  # one organ, wherever they lie


def measurable(reading: Reading, node: bool, slice_mm: float) -> bool:
    """Whether a lesion is large enough to be measured over time.

    10 mm in its longest diameter, of a lymph node 15 mm in its short axis. Where slices are thicker
    than 5 mm, a lesion must be twice as long as they are thick.

    Args:
        reading: of the first study.
        node: whether it is a lymph node.
        slice_mm: from slice to slice.
    """
    if reading.state is not State.MEASURED:
        return False
    least = MEASURABLE_MM if slice_mm <= THICK_SLICE_MM else 2 * slice_mm
    mm = reading.diameter_mm(node)
    return mm is not None and mm >= (max(least, NODE_TARGET_MM) if node else least)


def choose_targets(
    courses: Sequence[Course], slice_mm: float
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Choose the target lesions in the first study.

    What a reader has chosen comes first; the rest are the largest that are measurable, at most
    five in all and two of an organ. All lymph nodes count as one organ.

    Args:
        courses: the lesions.
        slice_mm: from slice to slice of the first study.

    Returns:
        Indices of the targets, in the order given, and notes for the reader.

    Raises:
        ConfigError: a reader has chosen more than five, more than two of an organ, or a lesion that
            was not measured in the first study.
    """
    said = [n for n, course in enumerate(courses) if course.target]
    for n in said:
        if courses[n].readings[0].state is not State.MEASURED:
            raise ConfigError(
                f"'{courses[n].name}' can't be a target lesion: it was not measured in the first "
                "study."
            )
    chosen = list(said)
    of_organ = Counter(_organ(courses[n]) for n in said if _organ(courses[n]))
    if len(said) > MOST_TARGETS:
        raise ConfigError(
            f"{len(said)} lesions are marked as targets; RECIST 1.1 allows {MOST_TARGETS} in all."
        )
    for organ, count in of_organ.items():
        if count > MOST_OF_AN_ORGAN:
            raise ConfigError(
                f"{count} lesions of one organ ({organ}) are marked as targets; RECIST 1.1 allows "
                f"{MOST_OF_AN_ORGAN}."
            )
    notes = [
        f"'{courses[n].name}' is a target because a reader says so, though it is too small to be "
        "measurable by RECIST 1.1."
        for n in said
        if not measurable(courses[n].readings[0], courses[n].node, slice_mm)
    ]
    free = [
        n
        for n, course in enumerate(courses)
        if course.target is None and measurable(course.readings[0], course.node, slice_mm)
    ]
    for n in sorted(free, key=lambda n: -(courses[n].readings[0].longest_mm or 0)):
        organ = _organ(courses[n])
        if len(chosen) < MOST_TARGETS and (not organ or of_organ[organ] < MOST_OF_AN_ORGAN):
            chosen.append(n)
            of_organ[organ] += 1
    unknown = [courses[n].name for n in chosen if not _organ(courses[n])]
    if len(unknown) > MOST_OF_AN_ORGAN:
        notes.append(
            f"The organ of {len(unknown)} target lesions is not said, so that it is not known "
            "whether more than two lie in one organ."
        )
    return tuple(sorted(chosen)), tuple(notes)


def _organ(course: Course) -> str:
    return LYMPH_NODES if course.node else " ".join(course.organ.lower().split())
