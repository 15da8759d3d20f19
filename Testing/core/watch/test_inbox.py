"""Files that others put into a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from masam_core.watch.inbox import Inbox
from masam_core.watch.places import Places
from masam_core.watch.shelf import Shelf

from .making import SECRETS, write_case


@pytest.fixture
def places(tmp_path: Path) -> Places:
    made = Places(tmp_path / "work", 0)
    made.make()
    return made


def test_files_are_taken_when_they_have_come_to_rest(places: Places, tmp_path: Path) -> None:
    write_case(tmp_path / "in" / "Mustermann^Erika" / "deep")
    (tmp_path / "in" / "notes.txt").write_text("not for us")
    log: list[str] = []
    inbox = Inbox(tmp_path / "in", Shelf(places), log.append)
    assert inbox.look()
    assert list(places.incoming.rglob("*.dcm")) == []
    assert not inbox.look()
    assert len(list(places.incoming.rglob("*.dcm"))) == 6
    assert len(list((tmp_path / "in").rglob("*.dcm"))) == 6  # they are others'
    assert not inbox.look()
    assert log == []


def test_a_file_that_is_being_copied_waits(places: Places, tmp_path: Path) -> None:
    report = write_case(tmp_path / "case")
    target = tmp_path / "in" / "report.dcm"
    target.parent.mkdir()
    data = report.read_bytes()
    inbox = Inbox(tmp_path / "in", Shelf(places), print)
    for share in (0.2, 0.5, 0.8, 1.0):
        target.write_bytes(data[: int(len(data) * share)])
        os.utime(target, ns=(0, int(share * 1e9)))
        assert inbox.look()
    assert not inbox.look()
    (kept,) = places.incoming.rglob("*.dcm")
    assert kept.read_bytes() == data


def test_a_damaged_file_is_left_out_with_a_word_that_names_nobody(
    places: Places, tmp_path: Path
) -> None:
    write_case(tmp_path / "case", 1, 1)
    (image,) = (tmp_path / "case" / "images").iterdir()
    folder = tmp_path / "in" / "Mustermann Erika P-4711"
    folder.mkdir(parents=True)
    (folder / "Mustermann.dcm").write_bytes(image.read_bytes()[:-10])
    log: list[str] = []
    inbox = Inbox(tmp_path / "in", Shelf(places), log.append)
    inbox.look()
    assert not inbox.look()
    (line,) = log
    assert not any(secret in line for secret in SECRETS)
    (folder / "Mustermann.dcm").write_bytes(image.read_bytes())
    assert inbox.look()
    assert not inbox.look()
    assert len(list(places.incoming.rglob("*.dcm"))) == 1
