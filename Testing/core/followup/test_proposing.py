"""Phantoms whose lesions grow, shrink, split, merge, vanish and appear, in a patient who moves."""

from __future__ import annotations

import numpy as np
import pytest

from masam_core.followup.proposing import propose
from masam_core.followup.quality import Trust
from masam_core.followup.reading import State
from masam_core.followup.result import FollowUp, Row, follow_up
from masam_core.followup.study import Study
from masam_core.followup.track import How, Track
from masam_core.followup.work import Work
from masam_core.inference.options import SegmentOptions

from .phantoms import STILL, TURNED, Ball, Motion, Threshold, inside, study

LIVER, LUNG, NODE = (
    Ball((-20.0, 5.0, 0.0), 9.0),
    Ball((25.0, -10.0, 25.0), 7.5),
    Ball((10.0, 20.0, -30.0), 8.0),
)
BACK = Motion((-0.05, 0.06, -0.1), (-6.0, 8.0, -5.0))


def work() -> Work:
    """With a segmenter whose answers are known."""
    return Work(Threshold, SegmentOptions(), elastic=False)


def row(found: FollowUp, lesion: str, number: int) -> Row:
    """A lesion in a study."""
    return next(r for r in found.rows if (r.lesion, r.study.number) == (lesion, number))


@pytest.fixture(scope="module")
def course() -> tuple[list[Study], list[Track], FollowUp]:
    """Three lesions: one grows, one shrinks, one vanishes; masks are given in the first study."""
    studies = [
        study([LIVER, LUNG, NODE], drawn=True, names=("liver", "lung", "bone")),
        study([Ball(LIVER.center, 11.5), Ball(LUNG.center, 5.0)], TURNED, seed=2),
    ]
    tracks = propose(studies, Work(Threshold, SegmentOptions()))
    return studies, tracks, follow_up(tracks, studies)


def test_growth_and_shrinkage_are_measured_where_they_are(
    course: tuple[list[Study], list[Track], FollowUp],
) -> None:
    studies, tracks, found = course
    for name, ball in (("liver", Ball(LIVER.center, 11.5)), ("lung", Ball(LUNG.center, 5.0))):
        track = next(t for t in tracks if t.name == name)
        (part,) = track.findings[1].parts
        whole = part.on(studies[1].volume.geometry.shape)
        truth = inside(ball, TURNED)
        # Its old box, turned over, may miss a rim of what has grown: a threshold extends no box.
        assert 2 * (whole & truth).sum() / (whole.sum() + truth.sum()) > 0.9
        now = row(found, name, 2)
        assert now.reading.longest_mm == pytest.approx(2 * ball.radius, abs=4.0)
        assert track.findings[1].how is How.CARRIED
        assert track.findings[1].quality is not None
        assert track.findings[1].quality.trust is Trust.GOOD
        assert not now.confirmed


def test_a_vanished_lesion_is_told_and_waits_for_a_person(
    course: tuple[list[Study], list[Track], FollowUp],
) -> None:
    _, tracks, found = course
    gone = tracks[2].findings[1]
    assert gone.state is State.ABSENT
    assert gone.look
    assert "vanished" in gone.notes[0]
    assert row(found, "bone", 2).from_first == -1.0
    assert found.open == 3


def test_the_sum_is_that_of_the_three(course: tuple[list[Study], list[Track], FollowUp]) -> None:
    _, _, found = course
    first = sum(row(found, name, 1).reading.longest_mm or 0 for name in ("liver", "lung", "bone"))
    second = sum(row(found, name, 2).reading.longest_mm or 0 for name in ("liver", "lung"))
    assert found.assessments[0].sum_mm == pytest.approx(first)
    assert found.assessments[1].sum_mm == pytest.approx(second)
    change = second / first - 1
    assert found.assessments[1].from_baseline == pytest.approx(change)
    assert found.assessments[1].response == ("PR" if change <= -0.3 else "SD")


def test_pieces_are_added_and_lesions_that_grow_together_are_measured_once() -> None:
    before = [Ball((-29.0, 0.0, 0.0), 7.0), Ball((-11.0, 0.0, 0.0), 6.0), LUNG]
    after = [
        Ball((-29.0, 0.0, 0.0), 9.5),
        Ball((-11.0, 0.0, 0.0), 9.5),
        Ball((LUNG.center[0], LUNG.center[1] - 6.0, LUNG.center[2]), 3.5),
        Ball((LUNG.center[0], LUNG.center[1] + 6.0, LUNG.center[2]), 3.5),
    ]
    studies = [study(before, drawn=True), study(after, TURNED, seed=2)]
    tracks = propose(studies, work())
    one, two, lung = (track.findings[1] for track in tracks)
    assert [f.state for f in (one, two)] == [State.MEASURED, State.MERGED]
    assert "Grown together" in one.notes[-1]
    assert (len(lung.parts), lung.state) == (2, State.MEASURED)
    assert one.look
    assert two.look
    assert lung.look
    found = follow_up(tracks, studies)
    both, pieces = (row(found, f"Lesion {n}", 2).reading.longest_mm for n in (1, 3))
    assert both is not None
    assert pieces is not None
    assert both > 28
    assert pieces == pytest.approx(14.0, abs=6.0)
    assert found.assessments[1].sum_mm == pytest.approx(both + pieces)


def test_drawn_masks_are_matched_and_new_ones_are_progression() -> None:
    studies = [
        study([LIVER, LUNG], drawn=True, names=("a", "b")),
        study([Ball(LIVER.center, 8.0), NODE], TURNED, drawn=True, names=("x", "b"), seed=2),
    ]
    tracks = propose(studies, work())
    assert [t.name for t in tracks] == ["a", "b", "b (new in study 2)"]
    assert [t.findings[1].state for t in tracks] == [State.MEASURED, State.ABSENT, State.MEASURED]
    assert tracks[2].new_in == 1
    found = follow_up(tracks, studies)
    assert found.assessments[1].response == "PD"
    assert found.assessments[1].new == ("b (new in study 2)",)
    assert not any("not searched for" in note for note in found.notes)


def test_a_third_study_starts_from_the_last_in_which_the_lesion_was_seen() -> None:
    studies = [
        study([LIVER], drawn=True),
        study([Ball(LIVER.center, 10.5)], TURNED, seed=2),
        study([Ball(LIVER.center, 12.0)], BACK, seed=3),
    ]
    segmenter = Threshold()
    tracks = propose(studies, Work(lambda: segmenter, SegmentOptions(), elastic=False))
    found = follow_up(tracks, studies)
    sizes = [row(found, "Lesion 1", n).reading.volume_ml or 0 for n in (1, 2, 3)]
    assert sizes == sorted(sizes)
    # The third box is as large as the second lesion with its margin: 2 x 10.5 + 5 mm.
    sides = (np.ptp(segmenter.boxes[1].corners_ijk, axis=0)) * 2.5
    assert sides.min() > 21


def test_a_place_that_is_not_found_is_not_assessed_and_never_a_mask() -> None:
    elsewhere = study([], STILL, seed=4)
    noise = np.random.default_rng(0).normal(0, 60, elsewhere.volume.array.shape)
    elsewhere.volume.array[:] = noise
    studies = [study([LIVER], drawn=True), elsewhere]
    tracks = propose(studies, work())
    finding = tracks[0].findings[1]
    assert finding.state is State.UNKNOWN
    assert not finding.parts
    assert finding.look
    assert "could not be found again" in finding.notes[0]
    assert follow_up(tracks, studies).assessments[1].response == "NE"
