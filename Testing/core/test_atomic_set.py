"""All of the new files or all of the old ones."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from masam_core import atomic_set as module
from masam_core.atomic import write_text
from masam_core.atomic_set import atomic_set
from masam_core.errors import SegmentationError, WriteError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(f"old {name}")
    (tmp_path / "mine").write_text("of somebody else")
    return tmp_path


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def contents_of_files(folder: Path) -> dict[str, str]:
    assert all(path.is_file() for path in folder.iterdir())
    return contents(folder)


def test_new_files_come_and_earlier_ones_go_together(folder: Path) -> None:
    with atomic_set(folder, [folder / "a", folder / "b"]) as beside:
        assert list(beside.iterdir()) == []
        for name in ("b", "c", "d"):
            write_text(beside / name, f"new {name}")
        assert (folder / "a").read_text() == "old a"
        assert not (folder / "d").exists()
    assert contents_of_files(folder) == {
        **{name: f"new {name}" for name in ("b", "c", "d")},
        "mine": "of somebody else",
    }


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("odd"), WriteError("full")])
def test_a_failure_of_the_block_changes_nothing(folder: Path, error: BaseException) -> None:
    before = contents(folder)

    def fail() -> None:
        with atomic_set(folder, [folder / "a"]) as beside:
            write_text(beside / "b", "half")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert contents_of_files(folder) == before


@pytest.mark.parametrize("failing", range(6))
def test_a_failure_at_any_rename_puts_everything_back(
    folder: Path, failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, count, replace = contents(folder), 0, os.replace

    def renamed(source: Path, target: Path) -> None:
        nonlocal count
        count += 1
        if count == failing + 1:
            raise PermissionError(errno.EACCES, "denied")
        replace(source, target)

    def swap() -> None:
        with atomic_set(folder, [folder / "a", folder / "b"], SegmentationError) as beside:
            for name in ("b", "c", "d"):
                (beside / name).write_text(f"new {name}")

    # Three earlier files are put aside, then three new ones in their place.
    monkeypatch.setattr(module.os, "replace", renamed)
    with pytest.raises(SegmentationError, match=r"/[abcd]' was not written: writing there"):
        swap()
    assert count > failing
    assert contents_of_files(folder) == before


def test_an_error_names_the_folder_that_was_asked_for(folder: Path) -> None:
    with (
        pytest.raises(WriteError) as told,
        atomic_set(folder, []) as beside,
    ):
        write_text(beside / "no such folder" / "x", "text")
    assert str(told.value).startswith(f"'{folder / 'no such folder' / 'x'}' was not written")
    with pytest.raises(WriteError, match="does not exist"), atomic_set(folder / "gone", []):
        pass
