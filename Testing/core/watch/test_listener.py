"""A sender may forget an object only when it is kept."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pydicom
import pytest

from masam_core.errors import ConfigError
from masam_core.pacs.opening import open_pacs
from masam_core.pacs.pacs import Pacs, Way
from masam_core.pacs.sending import files_of, send_files
from masam_core.pacs.settings import Listener as ListenerSettings
from masam_core.pacs.settings import read_settings
from masam_core.watch.listener import Listener
from masam_core.watch.places import Places
from masam_core.watch.shelf import Shelf

from .making import write_case


@pytest.fixture
def places(tmp_path: Path) -> Places:
    made = Places(tmp_path / "work", 0)
    made.make()
    return made


@pytest.fixture
def shelf(places: Places) -> Shelf:
    return Shelf(places)


@pytest.fixture
def listen(shelf: Shelf, tmp_path: Path) -> Iterator[Callable[..., tuple[Pacs, list[str]]]]:
    """Starts a listener; gives what sends to it, and its log."""
    started: list[Listener] = []

    def start(title: str = "NIGHT", **more: object) -> tuple[Pacs, list[str]]:
        log: list[str] = []
        given = ListenerSettings("NIGHT", port=0, **more)  # type: ignore[arg-type]
        started.append(Listener(given, shelf, log.append))
        entry = {"host": "127.0.0.1", "port": started[-1].port, "ae_title": title}
        path = tmp_path / "p.json"
        path.write_text(json.dumps({"dimse": entry, "timeout_s": 5}))
        return open_pacs(read_settings(path), Way.DIMSE), log

    yield start
    for one in started:
        one.close()


def test_what_is_sent_is_kept_byte_by_byte(
    listen: Callable[..., tuple[Pacs, list[str]]], places: Places, tmp_path: Path
) -> None:
    write_case(tmp_path / "case")
    pacs, log = listen()
    pacs.check()
    sent = send_files(pacs, files_of([tmp_path / "case"]))
    assert [one.stored.kept for one in sent] == [True] * 6
    assert log == []
    originals = [pydicom.dcmread(p) for p in (tmp_path / "case").rglob("*.dcm")]
    kept = {d.SOPInstanceUID: d for d in map(pydicom.dcmread, places.incoming.rglob("*.dcm"))}
    assert len(kept) == 6
    assert all(kept[one.SOPInstanceUID] == one for one in originals)


def test_a_full_disk_is_told_to_the_sender_who_keeps_the_object(
    listen: Callable[..., tuple[Pacs, list[str]]],
    places: Places,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_case(tmp_path / "case")
    pacs, log = listen()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("masam_core.watch.shelf.write_bytes", full)
    (sent,) = send_files(pacs, [tmp_path / "case" / "report.dcm"])
    assert (sent.stored.kept, sent.stored.worth_another_try) == (False, True)
    assert "ran out of room" in sent.stored.words
    assert len(log) == 1
    monkeypatch.undo()
    (sent,) = send_files(pacs, [tmp_path / "case" / "report.dcm"])
    assert sent.stored.kept


def test_a_damaged_object_is_refused(
    listen: Callable[..., tuple[Pacs, list[str]]], places: Places, tmp_path: Path
) -> None:
    write_case(tmp_path / "case")
    path = next((tmp_path / "case" / "images").iterdir())
    dataset = pydicom.dcmread(path)
    dataset.PixelData = dataset.PixelData[:-4]
    dataset.save_as(path)
    pacs, log = listen()
    (sent,) = send_files(pacs, [path])
    assert (sent.stored.kept, sent.stored.worth_another_try) == (False, False)
    assert "ends before its last pixel" in log[0]


def test_only_those_who_may_are_let_in(
    listen: Callable[..., tuple[Pacs, list[str]]], tmp_path: Path
) -> None:
    report = write_case(tmp_path / "case")
    pacs, _ = listen(callers=("PACS",))
    (sent,) = send_files(pacs, [report])
    assert "does not know the AE title MASAM" in sent.stored.words
    pacs, _ = listen(title="OTHER")
    (sent,) = send_files(pacs, [report])
    assert "its AE title is another one" in sent.stored.words


def test_a_port_that_is_taken_is_told(shelf: Shelf) -> None:
    first = Listener(ListenerSettings(port=0), shelf, print)
    try:
        with pytest.raises(ConfigError, match=r"Another program may have the port.*listener\.port"):
            Listener(ListenerSettings(port=first.port), shelf, print)
    finally:
        first.close()
