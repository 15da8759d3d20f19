"""All of the new file or all of the old one."""

from __future__ import annotations

import errno
import os

import pytest

from masam_core import atomic
from masam_core.atomic import append_text, atomic_path, put_in_place, write_bytes, write_text
from masam_core.errors import SegmentationError, WriteError


def test_the_file_appears_whole_with_the_usual_permissions(tmp_path):
    path = tmp_path / "scan.v2.txt.log"
    with atomic_path(path) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.endswith(".txt.log")
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]
    plain = tmp_path / "plain"
    plain.write_text("")
    assert path.stat().st_mode == plain.stat().st_mode


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("old")

    def fail():
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.csv"]


def test_writers_choose_the_format_whatever_the_case_of_the_ending(tmp_path):
    with atomic_path(tmp_path / "OUT.TXT") as temporary:
        assert temporary.suffix == ".txt"
        temporary.write_text("x")
    assert os.listdir(tmp_path) == ["OUT.TXT"]


def test_a_name_of_the_greatest_length_is_written(tmp_path):
    path = tmp_path / ("a" * 100 + "." + "b" * 154)
    write_text(path, "x")
    assert path.read_text() == "x"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "the disk is full. Make room"),
        (errno.EDQUOT, "your share of the disk is used up"),
        (errno.EACCES, "not allowed, or the file is open in another program"),
        (errno.EROFS, "can't be written to. Choose another folder"),
        (errno.EIO, "the disk or the network failed"),
    ],
)
def test_what_the_system_says_becomes_a_sentence_with_the_files_name(tmp_path, code, words):
    path = tmp_path / "mask.txt"
    path.write_text("old")

    def fail():
        with atomic_path(path):
            raise OSError(code, os.strerror(code))

    with pytest.raises(WriteError, match=f"mask.txt' was not written: .*{words}"):
        fail()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["mask.txt"]


def test_a_folder_that_is_missing_is_named(tmp_path):
    message = r"a.csv' was not written: the folder '.*no' does not exist. Make it first\."
    with pytest.raises(SegmentationError, match=message):
        write_text(tmp_path / "no" / "a.csv", "x", SegmentationError)


def test_a_disk_that_fails_when_it_is_synced_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def full(_number):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(WriteError, match="disk is full"):
        write_text(path, "new")
    assert path.read_text() == "old"


def test_the_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    done = []
    replace = os.replace
    monkeypatch.setattr(atomic.os, "fsync", lambda number: done.append(os.fstat(number).st_ino))
    monkeypatch.setattr(atomic.os, "replace", lambda a, b: (done.append("name"), replace(a, b)))
    write_text(tmp_path / "a.txt", "x")
    file, folder = (tmp_path / "a.txt").stat().st_ino, tmp_path.stat().st_ino
    assert done == [file, "name", folder]


def test_a_writer_that_writes_less_than_it_says_is_found(tmp_path, monkeypatch):
    path = tmp_path / "state.json"
    path.write_text("old")
    monkeypatch.setattr(type(path), "write_bytes", lambda self, data: self.write_text("half"))
    with pytest.raises(WriteError, match="reads back as something else"):
        write_bytes(path, b"new contents")
    assert path.read_text() == "old"


def test_a_file_that_is_moved_into_place_is_looked_through_first(tmp_path):
    part, target = tmp_path / "x.part.png", tmp_path / "x.png"
    part.write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(OSError, match="last part is missing"):
        put_in_place(part, target)
    assert not target.exists()


def test_an_added_line_is_whole_or_not_there(tmp_path, monkeypatch):
    path = tmp_path / "log.csv"
    append_text(path, "step,loss\n")
    append_text(path, "1,0.5\n")
    assert path.read_text() == "step,loss\n1,0.5\n"

    real = type(path).open

    class Short:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, data):
            return self.file.write(data[:3])

        def __getattr__(self, name):
            return getattr(self.file, name)

    monkeypatch.setattr(type(path), "open", lambda self, *a, **k: Short(real(self, *a, **k)))
    with pytest.raises(WriteError, match=r"log.csv' was not written: the disk is full"):
        append_text(path, "2,0.25\n")
    monkeypatch.undo()
    assert path.read_text() == "step,loss\n1,0.5\n"
