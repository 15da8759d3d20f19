"""Unsaved work on disk: whose it is, how long it stays, and who works at it."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from Testing.workbench.conftest import requireWorkbench


@pytest.fixture(autouse=True)
def _needed(harness: Any) -> None:
    requireWorkbench()


def put(works: Any, name: str, days: float = 0.0) -> Path:
    """A piece of work, as old as that."""
    folder: Path = works.new()
    works.write(folder, {"name": name, "count": 2})
    then = time.time() - days * 86400
    os.utime(folder / "work.json", (then, then))
    return folder


def test_work_is_listed_for_its_owner_alone(tmp_path: Path) -> None:
    from masam_workbench.tab.works import Works

    mine, other = Works(tmp_path / "w", "me"), Works(tmp_path / "w", "you")
    folder = put(mine, "A scan")
    assert [(w["id"], w["name"], w["lesions"]) for w in mine.listed()] == [
        (folder.name, "A scan", 2)
    ]
    assert other.listed() == []
    assert other.folder(folder.name) is None
    assert mine.folder(folder.name) == folder
    for odd in ("", ".", "..", "../w", "/etc", folder.name + "/../" + folder.name):
        assert mine.folder(odd) is None
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "work.json").stat().st_mode) == 0o600


def test_what_is_damaged_or_half_written_is_passed_over(tmp_path: Path) -> None:
    from masam_workbench.tab.works import Works

    works = Works(tmp_path)
    works.new()
    for text in (b"", b"{", b"[]", b"\xff"):
        (works.new() / "work.json").write_bytes(text)
    assert works.listed() == []


def test_work_that_is_open_is_not_offered_until_it_is_let_go(tmp_path: Path) -> None:
    from masam_workbench.tab.works import Claim, Works

    works = Works(tmp_path)
    folder, claim, second = put(works, "x"), Claim(), Claim()
    assert claim.hold(folder)
    assert not second.hold(folder)
    assert works.listed() == []
    works.tidy()
    assert folder.exists()
    claim.release()
    assert len(works.listed()) == 1
    assert second.hold(folder)


def test_old_work_goes_and_so_does_the_oldest_of_too_many(tmp_path: Path) -> None:
    from masam_workbench.tab.works import DAYS, MOST, Works

    works = Works(tmp_path)
    old = put(works, "old", DAYS + 1)
    kept = [put(works, str(n), n / 100) for n in range(MOST + 2)]
    works.tidy()
    assert not old.exists()
    assert [folder.exists() for folder in kept] == [True] * MOST + [False] * 2


def test_many_works_of_one_owner_cost_another_one_nothing(tmp_path: Path) -> None:
    from masam_workbench.tab.works import DAYS, MOST, Works

    mine, other = Works(tmp_path, "me"), Works(tmp_path, "you")
    theirs, old = put(other, "theirs", 1), put(other, "old", DAYS + 1)
    for _ in range(MOST + 2):
        put(mine, "x")
    mine.tidy()
    assert theirs.exists()
    assert not old.exists()
    assert len(mine.listed()) == MOST


def test_what_was_saved_is_told_lesion_by_lesion(tmp_path: Path) -> None:
    from masam_workbench.tab.unsaved import Unsaved

    row = {"id": "1", "name": "A", "kind": "", "label": 1, "box": {}, "prompts": []}
    whole = {**row, "mask": {"version": "v"}, "asks": False}
    drawn = {**row, "id": "2", "mask": None, "asks": True}
    unsaved = Unsaved()
    assert unsaved.isSaved([])
    assert not unsaved.isSaved([whole])
    unsaved.saved([whole, drawn], whole=False)  # masks alone
    assert unsaved.isSaved([whole])
    assert not unsaved.isSaved([whole, drawn])
    unsaved.saved([whole, drawn], whole=True)
    assert unsaved.isSaved([whole, drawn])
    assert not unsaved.isSaved([{**whole, "name": "B"}, drawn])
    assert not unsaved.isSaved([{**whole, "mask": {"version": "w"}}, drawn])
    unsaved.clear()
    assert not unsaved.isSaved([whole])
