"""Two studies of a patient in the scene: what became of each lesion, and the table of both."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from Testing.slicer.answering import answering
from Testing.slicer.scene.conftest import Scene

SHAPE = (12, 14, 16)
GRID = np.diag([1.0, 1.0, 1.0, 1.0])


@pytest.fixture
def two(scene: Any, make: Scene, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An earlier volume with two segmented lesions, and a later one."""
    from MASAMSlicerLib.control.twostudies import TwoStudies, setDate

    session = answering(monkeypatch, scene)
    nodes = [make.volume(np.zeros(SHAPE, np.int16), GRID, name) for name in ("old", "new")]
    pair = TwoStudies.join(*nodes)
    for node, day in zip(nodes, ("2024-01-01", "2024-04-10"), strict=True):
        setDate(node, day)
    found = SimpleNamespace(session=session, pair=pair, scene=scene)
    found.one = lesion(found, nodes[0], "Liver", 13.0, 10.0)
    found.other = lesion(found, nodes[0], "Lung", 4.0, 3.0)
    return found


def lesion(two: Any, node: Any, name: str, longest: float, short: float) -> str:
    """A lesion with a mask whose figures are known, as after a run; its id."""
    from MASAMSlicerLib.scene.provenance import Provenance
    from MASAMSlicerLib.scene.segments import Look, newSegmentation, writeSegment

    made = two.session.lesions.add(node, name=name)
    mask = np.ones((2, 2, 2), bool)
    values = {
        "voxels": 8,
        "volume_ml": longest / 10,
        "longest_diameter_mm": longest,
        "perpendicular_diameter_mm": short,
    }
    tags = Provenance(
        lesion=made.id,
        corners=np.zeros((8, 3)),
        maskHash="",
        volumeHash="",
        measurements=values,
    ).tags()
    segmentation = newSegmentation(node, name)
    look = Look(name, (0.9, 0.2, 0.1))
    identity = writeSegment(segmentation, None, node, mask, (4, 5, 6), look, tags)
    two.session.lesions.recordSegment(made, segmentation, identity)
    return str(made.id)


def table(two: Any) -> Any:
    from MASAMSlicerLib.control.twostudies import followUpOf

    from masam_core.lesion.diameter_plane import DiameterPlane

    two.session._measuring.outdated = lambda *_: []  # the figures above are the masks'
    return followUpOf(two.session, two.pair, DiameterPlane.AUTO)


def test_what_a_reader_says_of_a_lesion_is_what_the_table_counts(two: Any) -> None:
    from MASAMSlicerLib.control.twostudies import TwoStudies, setBecame

    found = table(two)
    assert [row.reading.state.value for row in found.rows] == [
        "measured",
        "not assessed",
        "measured",
        "not assessed",
    ]
    assert found.assessments[1].response.value == "NE"
    setBecame(two.session, two.pair, two.one, "absent")
    setBecame(two.session, two.pair, two.other, "absent")
    gone = table(two)
    # Liver (13 mm) is the one target, Lung (4 mm) is too small to be one; both have gone.
    assert [row.target for row in gone.rows] == [True, True, False, False]
    assert gone.assessments[1].sum_mm == 0
    assert gone.assessments[1].response.value == "CR"
    again = TwoStudies.of(two.scene)
    assert again is not None
    assert (again.earlier, again.later) == (two.pair.earlier, two.pair.later)


def test_a_lesion_drawn_by_hand_is_new_until_it_is_said_to_be_the_old_one(two: Any) -> None:
    from MASAMSlicerLib.control.twostudies import setBecame

    from masam_core.errors import ConfigError

    setBecame(two.session, two.pair, two.other, "absent")
    drawn = lesion(two, two.pair.later, "Segment 1", 19.5, 12.0)
    fresh = table(two)
    assert fresh.assessments[1].new == ("Segment 1",)
    assert fresh.assessments[1].response.value == "PD"
    setBecame(two.session, two.pair, two.one, drawn)
    grown = table(two)
    assert grown.assessments[1].new == ()
    # 13 to 19.5 mm: +50 %, and 6.5 mm, more than the 5 that progress takes.
    assert grown.assessments[1].from_baseline == pytest.approx(0.5)
    assert grown.assessments[1].response.value == "PD"
    # 1.3 to 1.95 ml in 100 days: DT = 100 ln 2 / ln 1.5.
    assert grown.rows[1].doubling.days == pytest.approx(100 * np.log(2) / np.log(1.5))
    with pytest.raises(ConfigError, match="no such lesion in the later"):
        setBecame(two.session, two.pair, two.one, "nothing that there is")
    setBecame(two.session, two.pair, two.one, "not assessed")
    assert table(two).assessments[1].new == ("Segment 1",)


def test_lymph_nodes_count_with_their_short_axis(two: Any) -> None:
    from MASAMSlicerLib.control.twostudies import setNode

    node = lesion(two, two.pair.earlier, "Node", 30.0, 16.0)
    assert table(two).assessments[0].sum_mm == pytest.approx(13 + 30)
    setNode(two.session, [node], True)
    assert table(two).assessments[0].sum_mm == pytest.approx(13 + 16)


def test_what_a_reader_has_said_is_taken_back_and_said_again_in_its_order(two: Any) -> None:
    from MASAMSlicerLib.control.twostudies import changeDate, dateOf, isNode, setBecame, setNode

    drawn = lesion(two, two.pair.later, "Segment 1", 13.0, 10.0)
    history, first = two.session.history, table(two).rows
    setBecame(two.session, two.pair, two.one, "absent")
    setBecame(two.session, two.pair, two.one, drawn)
    setNode(two.session, [two.one, drawn, "gone"], True)
    setNode(two.session, [two.one], True)  # is so already: no step
    changeDate(two.session, two.pair.later, "2024-05-10")
    changeDate(two.session, two.pair.later, "2024-05-10")
    said, titles = table(two).rows, []

    def readings(rows: Any) -> list[Any]:
        return [(row.lesion, row.study, row.reading) for row in rows]

    while history.undoTitle:
        titles.append(history.undo())
    assert titles == [
        *("Change the date of a study", "Call Liver a lymph node"),
        *("Say what became of Liver", "Say what became of Liver"),
    ]
    assert dateOf(two.pair.later) == "2024-04-10"
    assert not any(isNode(two.session.lesions.lesion(each)) for each in (two.one, drawn))
    assert readings(table(two).rows) == readings(first)
    for _ in titles:
        history.redo()
    assert history.redoTitle == ""
    assert dateOf(two.pair.later) == "2024-05-10"
    assert all(isNode(two.session.lesions.lesion(each)) for each in (two.one, drawn))
    assert readings(table(two).rows) == readings(said)


def test_an_older_study_is_no_next_one() -> None:
    from MASAMSlicerLib.control.twostudies import requireOrder

    from masam_core.errors import ConfigError

    requireOrder("2024-01-01", "2024-01-01", "b")
    requireOrder("", "2020-01-01", "b")
    with pytest.raises(ConfigError, match="before the study that is shown"):
        requireOrder("2024-01-02", "2024-01-01", "b")


def test_what_was_said_before_does_not_come_back_with_a_deleted_follower(two: Any) -> None:
    from MASAMSlicerLib.control.twostudies import becameOf, setBecame

    setBecame(two.session, two.pair, two.one, "absent")
    drawn = lesion(two, two.pair.later, "Segment 1", 13.0, 10.0)
    setBecame(two.session, two.pair, two.one, drawn)
    two.session.deleteLesions([drawn])
    assert becameOf(two.session.lesions.lesion(two.one)).value == "not assessed"
    assert table(two).assessments[1].response.value == "NE"


def test_lesions_of_one_name_keep_a_row_and_a_curve_each(two: Any) -> None:
    from masam_core.followup.report import plot

    lesion(two, two.pair.earlier, "Liver", 21.0, 15.0)
    for _ in range(2):
        lesion(two, two.pair.later, "Liver", 12.0, 11.0)
    found = table(two)
    assert list(dict.fromkeys(row.lesion for row in found.rows)) == [
        *("Liver", "Lung", "Liver (2)", "Liver (new)", "Liver (new) (2)"),
    ]
    assert len(found.rows) == 10
    assert found.assessments[0].sum_mm == pytest.approx(13 + 21)
    assert plot(found).startswith(b"\x89PNG")


def test_a_later_mask_of_a_box_without_one_is_told_of(two: Any) -> None:
    from MASAMSlicerLib.control.twostudies import setBecame

    box = two.session.lesions.add(two.pair.earlier, name="Only a box")
    drawn = lesion(two, two.pair.later, "Segment 1", 13.0, 10.0)
    setBecame(two.session, two.pair, box.id, drawn)
    assert any("'Segment 1' is not in the table" in note for note in table(two).notes)
