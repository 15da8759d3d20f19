"""Zip archives of unknown origin: names lead nowhere, sizes are bounded, damage is told."""

from __future__ import annotations

import errno
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from masam_core.errors import VolumeError
from masam_core.image import archive
from masam_core.image.archive import unpack


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    """Where archives are unpacked to."""
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


def packed(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write an archive."""
    with zipfile.ZipFile(path, "w", method) as out:
        for name, data in files.items():
            out.writestr(name, data)
    return path


def test_names_in_an_archive_lead_nowhere(tmp_path: Path, inside: Path) -> None:
    names = [
        "../evil.nrrd",
        "/etc/evil.txt",
        "../../evil.sh;rm",
        "..\\..\\evil.mha",
        "C:evil.nii.gz",
    ]
    found = unpack(packed(tmp_path / "a.zip", dict.fromkeys(names, b"x")), inside)
    assert [file.path.name for file in found] == ["0.nrrd", "1.txt", "2", "3.mha", "4.nii.gz"]
    assert sorted(inside.iterdir()) == [file.path for file in found]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "in"]
    assert (found[1].folder, found[1].name) == ("/etc", "evil.txt")


def test_links_and_what_macos_adds_are_left_out(tmp_path: Path, inside: Path) -> None:
    path = packed(
        tmp_path / "a.zip", {"__MACOSX/._a.nii": b"x", "._b.nii": b"x", "d/.DS_Store": b"x"}
    )
    with zipfile.ZipFile(path, "a") as out:
        for kind in (stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFREG):
            entry = zipfile.ZipInfo(f"kind{kind}.nii")
            entry.external_attr = (kind | 0o777) << 16
            out.writestr(entry, "/etc/passwd")
    assert [file.name for file in unpack(path, inside)] == [f"kind{stat.S_IFREG}.nii"]


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(
    tmp_path: Path, inside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(tmp_path / "bomb.zip", {"zeros": bytes(5_000_000)})
    with pytest.raises(VolumeError, match="more than"):
        unpack(path, inside, most_bytes=3_000_000)
    monkeypatch.setattr(archive.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(VolumeError, match=r"no space .* needs 0\.005 GB"):
        unpack(path, inside)
    assert list(inside.iterdir()) == []


def test_an_archive_that_says_less_than_it_holds_is_stopped(tmp_path: Path, inside: Path) -> None:
    path = packed(tmp_path / "bomb.zip", {"zeros": bytes(5_000_000)})
    raw, size = bytearray(path.read_bytes()), (5_000_000).to_bytes(4, "little")
    while (at := raw.find(size)) >= 0:
        raw[at : at + 4] = (10).to_bytes(4, "little")
    path.write_bytes(raw)
    with pytest.raises(VolumeError, match=r"can't be unpacked|more than"):
        unpack(path, inside, most_bytes=3_000_000)
    assert sum(p.stat().st_size for p in inside.iterdir()) <= 3_000_000


def test_an_archive_of_too_many_files_is_refused(
    tmp_path: Path, inside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "ZIP_FILES", 3)
    with pytest.raises(VolumeError, match="holds 4 files; 3 at most"):
        unpack(packed(tmp_path / "a.zip", {str(n): b"" for n in range(4)}), inside)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_is_told_in_words_wherever_it_is(tmp_path: Path, inside: Path, method: int) -> None:
    good = packed(tmp_path / "a.zip", {"a.nii": bytes(range(256)) * 40, "b.nii": b"b"}, method)
    raw = good.read_bytes()
    bad = tmp_path / "bad.zip"
    said: list[str] = []
    for at in range(4, len(raw), 29):
        for value in (0x00, 0xFF, raw[at] ^ 0x08):
            bad.write_bytes(raw[:at] + bytes([value]) + raw[at + 1 :])
            if archive.is_archive(bad):
                with suppress_into(said):
                    unpack(bad, inside)
    assert len(said) > 5
    assert all("archive" in words and str(tmp_path) not in words for words in said)


@contextmanager
def suppress_into(said: list[str]) -> Iterator[None]:
    """Let nothing but a refusal happen, and keep its words."""
    try:
        yield
    except VolumeError as error:
        said.append(str(error))


def test_names_that_are_no_text_are_told(tmp_path: Path, inside: Path) -> None:
    path = packed(tmp_path / "a.zip", {"Schädel.nii": b"x"})
    assert unpack(path, inside)[0].name == "Schädel.nii"
    path.write_bytes(path.read_bytes().replace("ä".encode(), b"\xe4\xff"))
    with pytest.raises(VolumeError, match="names of its files can't be read"):
        unpack(path, inside)
    # Without the mark that says UTF-8, any bytes are a name.
    path = packed(tmp_path / "b.zip", {"Sch__del.nii": b"x"})
    path.write_bytes(path.read_bytes().replace(b"__", b"\xe4\xff"))
    assert unpack(path, inside)[0].path.read_bytes() == b"x"


def test_an_encrypted_archive_is_told_from_a_damaged_one(tmp_path: Path, inside: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.nii": b"x"})
    raw = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        raw[raw.find(mark) + offset] |= 1
    path.write_bytes(raw)
    with pytest.raises(VolumeError, match="encrypted"):
        unpack(path, inside)


def test_a_full_disk_is_told_in_words(
    tmp_path: Path, inside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(tmp_path / "a.zip", {"a.nii": b"x"})

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/some/where")

    monkeypatch.setattr(archive, "_unpack", full)
    with pytest.raises(
        VolumeError, match=r"^The archive can't be unpacked: there is no space left\.$"
    ):
        unpack(path, inside)


def test_a_checksum_that_is_wrong_is_noticed(tmp_path: Path, inside: Path) -> None:
    data = bytes(1000)
    path = packed(tmp_path / "a.zip", {"a.nii": data}, zipfile.ZIP_STORED)
    crc = zlib.crc32(data).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(crc, b"\1\2\3\4"))
    with pytest.raises(VolumeError, match="Bad CRC"):
        unpack(path, inside)
