"""Categories against cases worked out by hand from RECIST 1.1, and rules that must always hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masam_core.errors import ConfigError
from masam_core.followup.reading import Course, Reading, State
from masam_core.followup.recist import Response, assess
from masam_core.followup.targets import choose_targets, measurable

GONE, UNKNOWN = Reading(State.ABSENT), Reading(State.UNKNOWN)


def mm(longest: float, short: float | None = None) -> Reading:
    """A measured lesion."""
    return Reading(State.MEASURED, longest, longest / 2 if short is None else short, 1.0)


def course(name: str, *readings: Reading | float, **more: object) -> Course:
    """A lesion; numbers are longest diameters."""
    made = [r if isinstance(r, Reading) else mm(r) for r in readings]
    return Course(name, made, **more)  # type: ignore[arg-type]


def categories(*courses: Course, targets: tuple[int, ...] = (0,)) -> list[str | None]:
    """The response of each study after the first."""
    return [a.response and a.response.value for a in assess(courses, targets)][1:]


@pytest.mark.parametrize(
    ("sums", "expected"),
    [
        ((50.0, 35.0), ["PR"]),  # exactly 30 % less
        ((50.0, 35.1), ["SD"]),
        ((50.0, 60.0), ["PD"]),  # exactly 20 % and 10 mm more
        ((50.0, 59.9), ["SD"]),
        ((20.0, 24.0), ["SD"]),  # 20 % more, but 4 mm only
        ((20.0, 25.0), ["PD"]),  # 25 %, and exactly 5 mm
        # From the smallest, not from the first: 50, 30, 37 is +23 % and 7 mm from 30.
        ((50.0, 30.0, 37.0), ["PR", "PD"]),
        # 36 is 20 % and 6 mm above 30, yet 28 % below the first.
        ((50.0, 30.0, 36.0), ["PR", "PD"]),
        ((50.0, 30.0, 34.9), ["PR", "PR"]),  # +16 % from the smallest, -30.2 % from the first
        ((50.0, 30.0, 35.5), ["PR", "SD"]),  # neither
        # Thrice a little: each step below 20 %, together 33 % above the smallest.
        ((30.0, 33.0, 36.0, 40.0), ["SD", "PD", "PD"]),
    ],
)
def test_sums_worked_out_by_hand(sums: tuple[float, ...], expected: list[str]) -> None:
    assert categories(course("a", *sums)) == expected


def test_the_sum_adds_longest_diameters_and_the_short_axis_of_nodes() -> None:
    found = assess(
        [
            course("liver", mm(40, 30), mm(20, 10)),
            course("node", mm(30, 18), mm(25, 9), node=True),
        ],
        (0, 1),
    )
    assert [a.sum_mm for a in found] == [58.0, 29.0]
    assert found[1].from_baseline == pytest.approx(-0.5)
    assert found[1].response is Response.PARTIAL


def test_complete_response_needs_nodes_below_10_mm_and_their_sum_need_not_be_zero() -> None:
    lung = course("lung", 20.0, GONE)
    normal = course("node", mm(30, 18), mm(14, 9.9), node=True)
    large = course("node", mm(30, 18), mm(14, 10.0), node=True)
    assert categories(lung, normal, targets=(0, 1)) == ["CR"]
    assert assess([lung, normal], (0, 1))[1].sum_mm == pytest.approx(9.9)
    assert categories(lung, large, targets=(0, 1)) == ["PR"]


def test_table_1_of_the_guideline() -> None:
    """Target, other lesions, new ones: every line of the table."""
    cr, pr, sd, pd = (course("t", 50.0, r) for r in (GONE, mm(30.0), mm(50.0), mm(70.0)))
    gone, stays = course("o", 8.0, GONE), course("o", 8.0, 8.0)
    missed = course("o", 8.0, UNKNOWN)
    worse = course("o", 8.0, Reading(State.PROGRESSED, 30.0, 20.0))
    unseen = course("t", 50.0, UNKNOWN)
    new = course("n", GONE, 12.0, new_in=1)
    table = [
        (cr, gone, "CR"),
        (cr, stays, "PR"),
        (cr, missed, "PR"),
        (pr, gone, "PR"),
        (pr, stays, "PR"),
        (pr, missed, "PR"),
        (sd, gone, "SD"),
        (sd, stays, "SD"),
        (sd, missed, "SD"),
        (unseen, stays, "NE"),
        (pd, gone, "PD"),
        (pd, missed, "PD"),
        (cr, worse, "PD"),
        (sd, worse, "PD"),
        (unseen, worse, "PD"),
    ]
    for target, other, expected in table:
        assert categories(target, other) == [expected]
        assert categories(target, other, new) == ["PD"]


def test_without_target_lesions_table_2_holds() -> None:
    assert categories(course("o", 8.0, GONE), targets=()) == ["CR"]
    assert categories(course("o", 8.0, 8.0), targets=()) == ["non-CR/non-PD"]
    assert categories(course("o", 8.0, UNKNOWN), targets=()) == ["NE"]


def test_a_missing_target_is_not_evaluable_unless_the_rest_alone_has_grown_enough() -> None:
    missed = course("b", 20.0, UNKNOWN)
    assert categories(course("a", 40.0, 45.0), missed, targets=(0, 1)) == ["NE"]
    # 75 without b against 60 with it: 25 % and 15 mm, whatever b is.
    assert categories(course("a", 40.0, 75.0), missed, targets=(0, 1)) == ["PD"]
    assert "even without" in assess([course("a", 40.0, 75.0), missed], (0, 1))[1].rule


def test_what_comes_back_after_a_complete_response_is_progression() -> None:
    assert categories(course("a", 20.0, GONE, 6.0)) == ["CR", "PD"]
    # After a partial response it only counts with its diameter: 30 + 6 against 50.
    a, b = course("a", 20.0, GONE, 6.0), course("b", 30.0, 28.0, 27.0)
    assert categories(a, b, targets=(0, 1)) == ["PR", "PR"]


def test_too_small_counts_as_5_mm_and_merged_as_nothing() -> None:
    small = course("a", 20.0, Reading(State.TOO_SMALL))
    assert assess([small], (0,))[1].sum_mm == 5.0
    one, two = course("a", 20.0, 42.0), course("b", 15.0, Reading(State.MERGED))
    assert assess([one, two], (0, 1))[1].sum_mm == 42.0


def test_the_rule_names_the_figures() -> None:
    rule = assess([course("a", 50.0, 35.0)], (0,))[1].rule
    assert "50.0 mm" in rule
    assert "35.0 mm" in rule
    assert "30 %" in rule
    assert "5 mm" in assess([course("a", 20.0, 24.0)], (0,))[1].rule


def test_targets_are_the_largest_measurable_at_most_five_and_two_an_organ() -> None:
    lungs = [course(f"lung {n}", 10.0 + n, organ="Lung") for n in range(4)]
    small = course("small", 9.9, organ="liver")
    node = course("node", mm(40, 14.9), node=True)
    nodes = [course(f"node {n}", mm(20, 15 + n), node=True) for n in range(3)]
    chosen, _ = choose_targets([*lungs, small, node, *nodes], 1.0)
    assert chosen == (2, 3, 6, 7)  # of equally long nodes the first two
    many = [course(f"l{n}", 30.0, organ=f"organ {n}") for n in range(8)]
    assert len(choose_targets(many, 1.0)[0]) == 5


def test_thick_slices_ask_for_twice_their_thickness() -> None:
    assert measurable(mm(10.0), False, 5.0)
    assert not measurable(mm(10.0), False, 7.0)
    assert measurable(mm(14.0), False, 7.0)
    assert not measurable(mm(40.0, 14.9), True, 1.0)
    assert measurable(mm(16.0, 15.0), True, 1.0)


def test_a_readers_choice_counts_and_is_checked() -> None:
    a, b = course("a", 9.0, target=True), course("b", 50.0, target=False)
    chosen, notes = choose_targets([a, b], 1.0)
    assert chosen == (0,)
    assert "too small" in notes[0]
    with pytest.raises(ConfigError, match="not measured in the first study"):
        choose_targets([course("a", GONE, target=True)], 1.0)
    with pytest.raises(ConfigError, match="3 lesions of one organ"):
        choose_targets([course(c, 20.0, organ="liver", target=True) for c in "abc"], 1.0)
    with pytest.raises(ConfigError, match="6 lesions are marked"):
        choose_targets([course(c, 20.0, organ=c, target=True) for c in "abcdef"], 1.0)


def test_unknown_organs_are_told() -> None:
    _, notes = choose_targets([course(c, 20.0) for c in "abc"], 1.0)
    assert "organ of 3 target lesions is not said" in notes[0]


diameters = st.floats(10, 200)


@given(st.lists(st.lists(diameters, min_size=2, max_size=2), min_size=2, max_size=6))
def test_categories_follow_from_sums_written_as_inequalities(series: list[list[float]]) -> None:
    """The same rules once more, on sums alone."""
    courses = [course(name, *(pair[n] for pair in series)) for n, name in enumerate(("a", "b"))]
    sums = [a + b for a, b in series]
    for n, found in enumerate(assess(courses, (0, 1))):
        if n == 0:
            continue
        least = min(sums[:n])
        grown = sums[n] - least >= 5 - 1e-6 and sums[n] / least >= 1.2 - 1e-9
        expected = "PD" if grown else "PR" if sums[n] / sums[0] <= 0.7 + 1e-9 else "SD"
        close = min(
            abs(sums[n] - 1.2 * least), abs(sums[n] - least - 5), abs(sums[n] - 0.7 * sums[0])
        )
        assert close < 1e-5 or found.response == expected


@given(st.lists(diameters, min_size=2, max_size=6), st.floats(10, 100))
def test_a_new_lesion_is_always_progression(sizes: list[float], new: float) -> None:
    one = course("a", *sizes)
    two = course("new", *[GONE] * (len(sizes) - 1), new, new_in=len(sizes) - 1)
    assert assess([one, two], (0,))[-1].response is Response.PROGRESSIVE
    assert assess([one, two], (0,))[-1].new == ("new",)


@given(st.lists(diameters, min_size=2, max_size=5), st.floats(1.01, 3))
def test_a_larger_lesion_never_makes_the_response_better(sizes: list[float], factor: float) -> None:
    rank = ["CR", "PR", "SD", "PD"]
    before = assess([course("a", *sizes)], (0,))[-1].response
    larger = assess([course("a", *sizes[:-1], sizes[-1] * factor)], (0,))[-1].response
    assert before is not None
    assert larger is not None
    assert rank.index(larger.value) >= rank.index(before.value)


def test_a_measured_lesion_needs_its_diameters() -> None:
    with pytest.raises(ConfigError, match="both its diameters"):
        Reading(State.MEASURED, 3.0)
    with pytest.raises(ConfigError, match="-1 mm"):
        Reading(State.MEASURED, -1.0, 2.0)
