"""What can be done with rows, in whichever list."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from masam_core.lesion.terminology import TUMOUR_TYPES
from Testing.slicer.answering import answering, boxIn, segment
from Testing.slicer.scene.conftest import Scene

from .desk import makeDesk


@pytest.fixture
def rows(scene: Any, make: Scene, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Three lesions, the first of them segmented."""
    from MASAMSlicerLib.control.lesionactions import LesionActions

    session = answering(monkeypatch, scene)
    volume = make.volume()
    ids = [
        session.lesions.add(volume, None, boxIn(make, volume, name)).id for name in ("a", "b", "c")
    ]
    segment(session, ids[:1])
    desk = makeDesk(session, volume)
    return SimpleNamespace(ids=ids, desk=desk, actions=LesionActions(desk))


def names(rows: Any) -> list[str]:
    return [lesion.name for lesion in rows.desk.lesions()]


def test_a_name_is_taken_and_an_empty_one_refused(rows: Any) -> None:
    rows.actions.rename(rows.ids[0], " Liver ")
    rows.actions.rename(rows.ids[1], "  ")
    rows.actions.rename("gone", "x")
    assert names(rows) == ["Liver", "b", "c"]
    assert rows.desk.lesions()[0].roi.GetName() == "Liver"
    assert rows.desk.said == [("A lesion needs a name.", "error")]


def test_kind_colour_and_lock_are_those_of_the_lesions_that_were_meant(rows: Any) -> None:
    key = list(TUMOUR_TYPES)[-1]
    before = [lesion.terminology for lesion in rows.desk.lesions()]
    rows.actions.setKind([rows.ids[0], "gone", rows.ids[2]], key)
    rows.actions.setKind(rows.ids, "no such kind")
    rows.actions.recolor(rows.ids[1], (0.25, 0.5, 1.0))
    rows.actions.setLocked(rows.ids, True)
    first, second, third = rows.desk.lesions()
    assert first.terminology == third.terminology == TUMOUR_TYPES[key].entry
    assert second.terminology == before[1]
    assert second.color == (0.25, 0.5, 1.0)
    assert [first.locked, second.locked] == [True, False]  # only a segment can be locked
    rows.actions.setLocked(rows.ids, False)
    assert not rows.desk.lesions()[0].locked


def test_a_locked_lesion_is_not_deleted_and_nothing_else_either(rows: Any) -> None:
    rows.actions.setLocked(rows.ids[:1], True)
    rows.actions.delete(rows.ids[:2])
    assert names(rows) == ["a", "b", "c"]
    assert rows.desk.said == [("'a' is locked. Unlock it to delete it.", "error")]
    rows.actions.delete(rows.ids[1:])
    assert names(rows) == ["a"]
    rows.desk.session.history.undo()
    assert sorted(names(rows)) == ["a", "b", "c"]


def test_a_copy_is_selected(rows: Any) -> None:
    rows.actions.duplicate(rows.ids[0])
    copy = rows.desk.selected
    assert copy.id not in rows.ids
    assert copy.segment is None
    original = rows.desk.lesions()[0]
    assert tuple(copy.roi.GetSize()) == tuple(original.roi.GetSize())


def test_the_next_lesion_after_the_last_is_the_first(
    rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from MASAMSlicerLib.control import lesionactions

    gone: list[str] = []
    monkeypatch.setattr(lesionactions.views, "goTo", lambda lesion: gone.append(lesion.name))
    for _ in range(4):
        rows.actions.goToNext()
    assert gone == ["a", "b", "c", "a"]
    assert rows.desk.chosen == rows.ids[0]
    rows.actions.delete(rows.ids)
    rows.actions.goToNext()
    assert len(gone) == 4


def test_names_kinds_and_deletions_are_steps_like_masks_and_come_back_in_their_order(
    rows: Any,
) -> None:
    history, key = rows.desk.session.history, list(TUMOUR_TYPES)[-1]
    kind = rows.desk.lesions()[1].terminology
    rows.actions.rename(rows.ids[0], "Liver")
    rows.actions.setKind(rows.ids[1:2], key)
    rows.actions.delete(rows.ids[:2])
    rows.actions.rename(rows.ids[2], "Bone")
    assert names(rows) == ["Bone"]
    assert [history.undo() for _ in range(4)] == [
        "Rename c",
        "Delete 2 lesions",
        "Change the kind of b",
        "Rename a",
    ]
    assert names(rows) == ["a", "b", "c"]  # in their old places
    assert rows.desk.lesions()[1].terminology == kind
    assert rows.desk.lesions()[0].segment is not None
    for _ in range(4):
        history.redo()
    assert names(rows) == ["Bone"]
    rows.actions.rename(rows.ids[2], "Bone ")  # says nothing new
    assert history.undoTitle == "Rename c"


def test_a_label_is_a_lesions_own_for_life(rows: Any) -> None:
    session = rows.desk.session
    assert [lesion.label for lesion in rows.desk.lesions()] == [1, 2, 3]
    rows.actions.delete(rows.ids[1:])
    new = session.lesions.add(rows.desk.volume)
    assert new.label == 4
    session.history.undo()
    assert [(x.name, x.label) for x in rows.desk.lesions()] == [
        ("a", 1),
        ("b", 2),
        ("c", 3),
        (new.name, 4),
    ]


def test_labels_of_a_scene_of_earlier_versions_follow_the_order_and_stay(rows: Any) -> None:
    for lesion in rows.desk.lesions():
        lesion.roi.RemoveAttribute("MASAM.Label")
        if lesion.segment is not None:
            lesion.segment.RemoveTag("MASAM.Label")
    rows.desk.session.lesions.followNames()
    rows.desk.session.lesions.remove(rows.desk.lesions()[0])
    assert [(x.name, x.label) for x in rows.desk.lesions()] == [("b", 2), ("c", 3)]
