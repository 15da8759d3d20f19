"""Names of the files that leave the workbench."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from masam_core.atomic import atomic_path
from masam_core.errors import SegmentationError
from Testing.workbench.conftest import requireWorkbench


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SarcomaMR", "SarcomaMR"),
        ("my scan", "my_scan"),
        ("../../etc/passwd", "etc_passwd"),
        ('a"b\r\nSet-Cookie: x', "a_b_Set-Cookie_x"),
        ("..", "image"),
        ("", "image"),
        ("Müller", "M_ller"),
        ("x" * 300, "x" * 80),
    ],
)
def test_any_text_gives_a_plain_file_name(harness: Any, name: str, expected: str) -> None:
    requireWorkbench()
    from masam_workbench.tab.saving import plainName

    assert plainName(name) == expected
    assert re.fullmatch(r"[\w.-]{1,80}", plainName(name), re.ASCII)


def _cannot(path: Path) -> list[str]:
    raise OSError(28, "No space left on device", str(path))


def _gives_up(path: Path) -> list[str]:
    raise RuntimeError("Slicer could not write the scene")


def _atomically(path: Path) -> list[str]:
    with atomic_path(path, SegmentationError) as temporary:
        temporary.write_bytes(b"a part")
        return _cannot(temporary)


@pytest.mark.parametrize("make", [_cannot, _gives_up, _atomically, "no folder"])
def test_a_save_that_fails_is_told_in_a_sentence_and_nothing_is_offered(
    harness: Any, tmp_path: Path, make: Any
) -> None:
    requireWorkbench()
    from masam_workbench.tab.saving import Saving

    said: list[Exception] = []
    context: Any = SimpleNamespace(
        folder=tmp_path / "missing" if make == "no folder" else tmp_path,
        volume=SimpleNamespace(GetName=lambda: "scan"),
        state=SimpleNamespace(download=""),
        sayError=said.append,
    )
    saving = Saving(context, None, lambda _: True, lambda: None)
    saving._write(".seg.nrrd", _cannot if make == "no folder" else make, "")
    (error,) = said
    assert isinstance(error, SegmentationError)  # else it would be "something unforeseen"
    assert "'scan.seg.nrrd' was not written: " in str(error)
    assert str(tmp_path) not in str(error)
    assert context.state.download == ""
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_another_segmentation_holds_is_told_and_not_counted(harness: Any) -> None:
    requireWorkbench()
    from masam_workbench.tab.saving import leftOut
    from masam_workbench.tab.tab import Tab
    from masam_workbench.tab.unsaved import Unsaved

    one, other = object(), object()
    lesions = [
        SimpleNamespace(id="1", segment="s", segmentation=one),
        SimpleNamespace(id="2", segment="s", segmentation=other),
        SimpleNamespace(id="3", segment=None, segmentation=None),
    ]
    empty: dict[str, Any] = {"kind": "", "label": 1, "box": {}, "prompts": [], "asks": False}
    rows = [{**empty, "id": x.id, "name": x.id, "mask": x.segment} for x in lesions]
    context = SimpleNamespace(lesions=lambda: lesions, volume=1, refreshSoon=lambda: None)
    tab: Any = SimpleNamespace(
        context=context,
        rows=SimpleNamespace(rowsOf=lambda held: [rows[lesions.index(each)] for each in held]),
        unsaved=Unsaved(),
        nextStudy=SimpleNamespace(lesions=list),
        structures=SimpleNamespace(rows=lambda of, beside: []),
    )
    (note,) = leftOut(lesions, one)
    assert note.startswith("1 lesion of another segmentation is not in this file")
    assert leftOut(lesions, None) == leftOut(lesions[:1], one) == []
    Tab._saving(tab, one)()
    assert [tab.unsaved.isSaved([row]) for row in rows] == [True, False, False]
    Tab._saving(tab, None)()
    assert tab.unsaved.isSaved(rows)


def test_structures_that_a_file_does_not_hold_are_told_of(harness: Any, tmp_path: Path) -> None:
    requireWorkbench()
    from masam_workbench.tab.saving import STRUCTURES_LEFT_OUT, Saving

    one, found = object(), object()
    said: list[str] = []
    lesion = SimpleNamespace(id="1", segment="s", segmentation=one)
    context: Any = SimpleNamespace(
        folder=tmp_path,
        volume=SimpleNamespace(GetName=lambda: "scan"),
        state=SimpleNamespace(download="", selected="1"),
        lesions=lambda: [lesion],
        say=lambda text, kind: said.append(text),
    )
    structures = [found]
    saving = Saving(context, None, lambda _: True, lambda: None, structures=lambda: structures)
    for kind in (".seg.nrrd", ".mrb"):
        saving._write(kind, lambda _: [], "")
    structures[:] = [one]  # all in the one that is saved
    saving._write(".seg.nrrd", lambda _: [], "")
    assert [STRUCTURES_LEFT_OUT in words for words in said] == [True, False, False]
