"""Results go out until they are there, and nothing goes out twice."""

from __future__ import annotations

import os
from pathlib import Path

import pydicom
import pytest

from masam_core.pacs.records import Stored
from masam_core.watch.pauses import Pauses
from masam_core.watch.places import Places
from masam_core.watch.sender import FolderTarget, Sender, send_refused_again

from .conftest import Archive, Clock
from .making import headers, report, save, write_case

NOT_NOW = Stored(False, "Not now.", True)
NEVER = Stored(False, "Never.", False)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """With the results of a case in the outbox."""
    made = Places(tmp_path / "work", 0)
    made.make()
    write_case(tmp_path / "case")
    images = headers(tmp_path / "case" / "images")
    for name in ("lesions.seg.dcm", "report.sr.dcm"):
        save(report(images), made.outbox / "case-1" / name)
    (made.outbox / "case-1" / "measurements.json").write_text("[]")
    return made


def sender(places: Places, archive: Archive, clock: Clock, told: list[str]) -> Sender:
    pauses = Pauses(10, 40, clock)
    return Sender(places, archive, pauses, lambda _name, text: told.append(text))


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


ALL = [f"case-1/{name}" for name in ("lesions.seg.dcm", "measurements.json", "report.sr.dcm")]


def test_what_was_taken_is_not_sent_again(places: Places, archive: Archive, clock: Clock) -> None:
    told: list[str] = []
    assert sender(places, archive, clock, told).send()
    assert len(archive.asked) == len(archive.kept) == 2
    assert names(places.sent) == ALL
    assert list(places.outbox.iterdir()) == []
    assert sender(places, archive, clock, told).send()
    assert len(archive.asked) == 2


def test_pauses_grow_until_the_archive_is_back(
    places: Places, archive: Archive, clock: Clock
) -> None:
    told: list[str] = []
    archive.answer = NOT_NOW
    one = sender(places, archive, clock, told)
    times = []
    start = clock.now
    while clock.now < start + 200:
        before = len(archive.asked)
        assert not one.send()
        if len(archive.asked) > before:
            times.append(clock.now - start)
        clock.now += 1
    assert times == [0, 10, 30, 70, 110, 150, 190]
    assert len(told) == 3  # a night without a PACS is no log of thousands of lines
    archive.answer = None
    clock.now += 40
    assert one.send()
    assert len(archive.kept) == 2


def test_a_break_in_the_middle_sends_the_rest_with_the_same_ids(
    places: Places, archive: Archive, clock: Clock
) -> None:
    ids = [
        str(pydicom.dcmread(p).SOPInstanceUID)
        for p in sorted((places.outbox / "case-1").glob("*.dcm"))
    ]

    class Breaking(Archive):
        def store(self, path: Path) -> Stored:
            stored = super().store(path)
            if len(self.asked) == 2:
                raise KeyboardInterrupt  # it has the file; we never hear of it
            return stored

    broken = Breaking()
    with pytest.raises(KeyboardInterrupt):
        sender(places, broken, clock, []).send()
    assert sender(places, broken, clock, []).send()
    assert broken.asked == [ids[0], ids[1], ids[1]]
    assert sorted(broken.kept) == sorted(ids)


def test_what_is_refused_is_kept_with_the_reason_and_can_be_sent_again(
    places: Places, archive: Archive, clock: Clock
) -> None:
    archive.answer = NEVER
    told: list[str] = []
    assert sender(places, archive, clock, told).send()
    assert names(places.refused) == sorted([*ALL, "case-1/why.txt"])
    assert (places.refused / "case-1" / "why.txt").read_text() == "Never."
    assert all("Never." in text for text in told)
    assert places.has_results("case-1")
    archive.answer = None
    assert send_refused_again(places) == 1
    assert sender(places, archive, clock, told).send()
    assert names(places.sent) == ALL
    assert names(places.refused) == []


def test_one_that_is_put_off_again_and_again_holds_up_no_other(
    places: Places, clock: Clock
) -> None:
    images = headers(places.work.parent / "case" / "images")
    for number in (2, 3):
        save(report(images), places.outbox / f"case-{number}" / "report.sr.dcm")
    os.utime(places.outbox / "case-1", (1, 1))  # the oldest

    class Choosy(Archive):
        def store(self, path: Path) -> Stored:
            self.answer = NOT_NOW if path.parent.name == "case-1" else None
            return super().store(path)

    choosy, told = Choosy(), []
    one = sender(places, choosy, clock, told)
    for _ in range(200):
        assert not one.send()
        clock.now += 1
    assert len(choosy.kept) == 2
    assert [path.name for path in one.waiting()] == ["case-1"]
    assert 4 < len(choosy.asked) < 12  # and it is still tried
    assert sum("waits" in text for text in told) == 3


def test_results_go_into_a_folder_too(places: Places, clock: Clock, tmp_path: Path) -> None:
    target = FolderTarget(tmp_path / "results")
    assert Sender(places, target, Pauses(now=clock), lambda *_: None).send()
    assert names(tmp_path / "results") == ["case-1.lesions.seg.dcm", "case-1.report.sr.dcm"]
