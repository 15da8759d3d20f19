"""What came is kept, once, and found again."""

from __future__ import annotations

from pathlib import Path

import pytest

from masam_core.errors import PacsError
from masam_core.watch.places import Places
from masam_core.watch.shelf import NoRoom, Shelf

from .conftest import Clock
from .making import write_case


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Four images, and a report on them."""
    report = write_case(tmp_path / "case", 1, 4)
    return [*sorted((tmp_path / "case" / "images").iterdir()), report]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    made = Places(tmp_path / "work", 0)
    made.make()
    return made


def lying(places: Places) -> list[Path]:
    return sorted(p for p in places.incoming.rglob("*") if p.is_file())


def test_what_came_is_there_after_a_restart(
    files: list[Path], places: Places, clock: Clock
) -> None:
    shelf = Shelf(places, clock)
    for path in files:
        shelf.take(path.read_bytes())
    assert {p.read_bytes() for p in lying(places)} == {p.read_bytes() for p in files}
    again = Shelf(places, clock)
    assert again.restore() == []
    ((came, _),) = again.measurements()
    (group,) = again.groups_of(came)
    assert len(group.images) == 4
    assert group.images == shelf.groups_of(came)[0].images


def test_the_same_twice_is_kept_once_and_is_nothing_new(
    files: list[Path], places: Places, clock: Clock
) -> None:
    shelf = Shelf(places, clock)
    for path in files:
        shelf.take(path.read_bytes())
    ((came, since),) = shelf.measurements()
    clock.now += 100
    for path in files:
        shelf.take(path.read_bytes())
    assert len(lying(places)) == 5
    assert shelf.measurements() == [(came, since)]
    assert shelf.groups_of(came)[0].last == since


def test_names_say_nothing_of_the_patient(files: list[Path], places: Places) -> None:
    shelf = Shelf(places)
    for path in files:
        shelf.take(path.read_bytes())
    for path in lying(places):
        assert set(path.parent.name + path.stem) <= set("0123456789abcdef")


@pytest.mark.parametrize("lost", [1, 100, 900])
def test_a_damaged_object_is_not_kept(files: list[Path], places: Places, lost: int) -> None:
    with pytest.raises(PacsError):
        Shelf(places).take(files[0].read_bytes()[:-lost])
    assert lying(places) == []


def test_what_a_killed_write_has_left_is_cleared(files: list[Path], places: Places) -> None:
    Shelf(places).take(files[0].read_bytes())
    folder = lying(places)[0].parent
    (folder / ".0011223344556677.dcm").write_bytes(files[1].read_bytes()[:500])
    (folder / "broken.dcm").write_bytes(b"x")
    shelf = Shelf(places)
    (note,) = shelf.restore()
    assert "broken.dcm" in note
    assert not (folder / ".0011223344556677.dcm").exists()


def test_a_full_disk_takes_nothing_more(files: list[Path], tmp_path: Path) -> None:
    full = Places(tmp_path / "work", reserve_bytes=1 << 60)
    full.make()
    with pytest.raises(NoRoom, match="nearly full"):
        Shelf(full).take(files[0].read_bytes())
    assert lying(full) == []


def test_images_stay_while_a_measurement_waits_and_go_when_nobody_asks(
    files: list[Path], places: Places, clock: Clock
) -> None:
    shelf = Shelf(places, clock)
    for path in files:
        shelf.take(path.read_bytes())
    clock.now += 1000
    assert shelf.clean(clock.now) == 0
    ((came, _),) = shelf.measurements()
    shelf.forget(came)
    assert shelf.clean(clock.now - 2000) == 0
    assert len(lying(places)) == 4
    assert shelf.clean(clock.now) == 1
    assert list(places.incoming.iterdir()) == []
