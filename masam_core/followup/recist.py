"""Response by RECIST 1.1: sum of diameters, nadir, and the category with the rule that gave it.

Eisenhauer EA et al., European Journal of Cancer 45 (2009) 228-247, sections 4.2 to 4.4, tables 1
and 2. Numbers are compared as they are, not rounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from masam_core.followup.reading import Course, Reading, State
from masam_core.followup.targets import NODE_NORMAL_MM
from masam_core.keywords import Keyword

PARTIAL, PROGRESSIVE, LEAST_GROWTH_MM = 0.30, 0.20, 5.0
EXACT_MM = 1e-6  # of float arithmetic


class Response(Keyword):
    """Categories of a time point."""

    COMPLETE = "CR"
    PARTIAL = "PR"
    STABLE = "SD"
    PROGRESSIVE = "PD"
    NEITHER = "non-CR/non-PD"  # of lesions that are no targets
    NOT_EVALUABLE = "NE"


@dataclass(frozen=True)
class Assessment:
    """One study, judged.

    Attributes:
        sum_mm: sum of the target lesions' diameters; None where one is not known.
        nadir_mm: smallest sum of the studies before; None in the first study.
        from_baseline, from_nadir: change of the sum, as a share of the first sum and of the nadir;
            None where that is not known, or the sum was zero.
        target, other: of the target lesions and of the others; None where there are none.
        new: names of lesions that were not there in the first study.
        response: of the whole; None in the first study.
        rule: in words, why.
    """

    sum_mm: float | None
    nadir_mm: float | None
    from_baseline: float | None
    from_nadir: float | None
    target: Response | None
    other: Response | None
    new: tuple[str, ...]
    response: Response | None
    rule: str


def assess(courses: Sequence[Course], targets: Sequence[int]) -> list[Assessment]:
    """Judge every study; the first is the baseline.

    Args:
        courses: all lesions, with as many readings each as there are studies.
        targets: indices of the target lesions.
    """
    count = len(courses[0].readings) if courses else 0
    sums = [_sum(courses, targets, study)[0] if targets else None for study in range(count)]
    complete = [False] * count
    found = []
    for study in range(count):
        before = [mm for mm in sums[:study] if mm is not None]
        nadir = min(before) if before else None
        target, rule = _of_targets(courses, targets, study, sums, nadir, any(complete[:study]))
        complete[study] = study > 0 and target is Response.COMPLETE
        other, other_rule = _of_others(courses, targets, study)
        new = tuple(
            course.name
            for course in courses
            if course.new_in is not None and course.new_in <= study and course.readings[study].there
        )
        response, why = (None, "The first study: everything is compared with it.")
        if study:
            response, why = _overall(target, rule, other, other_rule, new)
        found.append(
            Assessment(
                sums[study],
                nadir,
                _change(sums[0], sums[study]) if study else None,
                _change(nadir, sums[study]) if study else None,
                target if study else None,
                other if study else None,
                new,
                response,
                why,
            )
        )
    return found


def _sum(
    courses: Sequence[Course], targets: Sequence[int], study: int
) -> tuple[float | None, float, list[str]]:
    """The sum (None where a part is missing), the sum of what is known, and what is missing."""
    known, missing = 0.0, []
    for n in targets:
        mm = courses[n].readings[study].diameter_mm(courses[n].node)
        if mm is None:
            missing.append(courses[n].name)
        else:
            known += mm
    return (None if missing else known), known, missing


def _of_targets(
    courses: Sequence[Course],
    targets: Sequence[int],
    study: int,
    sums: Sequence[float | None],
    nadir: float | None,
    was_complete: bool,
) -> tuple[Response | None, str]:
    if not targets or not study:
        return None, "There is no target lesion."
    baseline = sums[0]
    _, known, missing = _sum(courses, targets, study)
    if was_complete and nadir is not None:
        back = [
            courses[n].name
            for n in targets
            if not courses[n].node and (courses[n].readings[study].diameter_mm(False) or 0) > 0
        ]
        if back:
            return Response.PROGRESSIVE, f"{_names(back)} came back after a complete response."
    if nadir is not None:
        grown = known - nadir
        share = known >= nadir * (1 + PROGRESSIVE) - EXACT_MM
        if share and grown >= LEAST_GROWTH_MM - EXACT_MM:
            percent = f" ({_percent(grown / nadir)})" if nadir else ""
            parts = " even without those that are not assessed" if missing else ""
            return Response.PROGRESSIVE, (
                f"The sum of diameters rose from its smallest value {nadir:.1f} mm to {known:.1f} "
                f"mm{percent}{parts}: 20 % or more, and at least 5 mm."
            )
    if missing:
        return Response.NOT_EVALUABLE, f"{_names(missing)} could not be assessed."
    if all(_vanished(courses[n], courses[n].readings[study]) for n in targets):
        nodes = any(courses[n].node for n in targets)
        words = ", and lymph nodes have a short axis below 10 mm" if nodes else ""
        return Response.COMPLETE, f"All target lesions have disappeared{words}."
    if baseline is None or nadir is None:
        return Response.NOT_EVALUABLE, "The sum of diameters of the first study is not known."
    change = _change(baseline, known)
    shown = "" if change is None else f" ({_percent(change)})"
    if known <= baseline * (1 - PARTIAL) + EXACT_MM:
        return Response.PARTIAL, (
            f"The sum of diameters fell from {baseline:.1f} mm in the first study to {known:.1f} "
            f"mm{shown}: 30 % or more."
        )
    words = f"Sum of diameters {known:.1f} mm, in the first study {baseline:.1f} mm{shown}"
    grown = known - nadir
    if nadir and grown >= nadir * PROGRESSIVE - EXACT_MM:
        return Response.STABLE, (
            f"{words}. It rose by 20 % or more from its smallest value {nadir:.1f} mm, but by "
            f"{grown:.1f} mm only, and it takes 5 mm."
        )
    return Response.STABLE, (
        f"{words}; smallest before {nadir:.1f} mm: neither 30 % less than at first nor 20 % more "
        "than the smallest."
    )


def _of_others(
    courses: Sequence[Course], targets: Sequence[int], study: int
) -> tuple[Response | None, str]:
    """Lesions of the first study that are no targets."""
    others = [
        course for n, course in enumerate(courses) if n not in targets and course.new_in is None
    ]
    if not others:
        return None, ""
    now = [course.readings[study] for course in others]
    worse = [c.name for c, r in zip(others, now, strict=True) if r.state is State.PROGRESSED]
    if worse:
        return Response.PROGRESSIVE, f"{_names(worse)}, no target, has progressed beyond doubt."
    if any(reading.state is State.UNKNOWN for reading in now):
        return Response.NOT_EVALUABLE, "Not all lesions that are no targets were assessed."
    if all(_vanished(course, reading) for course, reading in zip(others, now, strict=True)):
        return Response.COMPLETE, "All lesions that are no targets have disappeared, too."
    return Response.NEITHER, "There still are lesions that are no targets."


def _overall(
    target: Response | None,
    rule: str,
    other: Response | None,
    other_rule: str,
    new: tuple[str, ...],
) -> tuple[Response, str]:
    """Tables 1 (with target lesions) and 2 (without)."""
    if new:
        return Response.PROGRESSIVE, f"New: {_names(new)}. A new lesion is progression. {rule}"
    if target is Response.PROGRESSIVE:
        return target, rule
    if other is Response.PROGRESSIVE:
        return other, f"{other_rule} {rule}"
    if target is None:
        if other is None:
            return Response.NOT_EVALUABLE, "There is no lesion to compare."
        return other, f"{rule} {other_rule}"
    if target is Response.COMPLETE and other not in (None, Response.COMPLETE):
        return Response.PARTIAL, f"{rule} {other_rule} So it is no complete response."
    if target is Response.COMPLETE and other is Response.COMPLETE:
        return target, f"{rule} {other_rule}"
    return target, rule


def _vanished(course: Course, reading: Reading) -> bool:
    """Whether it counts as gone; a lymph node does below 10 mm in its short axis."""
    if reading.state is State.ABSENT or (course.node and reading.state is State.TOO_SMALL):
        return True
    short = reading.short_mm
    normal = course.node and reading.state is State.MEASURED and short is not None
    return bool(normal and short is not None and short < NODE_NORMAL_MM)


def _change(before: float | None, now: float | None) -> float | None:
    return None if before is None or now is None or before <= 0 else now / before - 1


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _percent(share: float) -> str:
    return f"{100 * share:+.1f} %"
