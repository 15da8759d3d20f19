"""A saved scene can name no file but its own."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from masam_core.errors import VolumeError
from Testing.workbench.conftest import requireWorkbench

NODE = '<MRML><Storage id="s1" {attribute}="{value}"/></MRML>'
NRRD = b"NRRD0004\ntype: uint8\ndimension: 3\nsizes: 1 1 1\nencoding: raw\n"


@pytest.fixture(autouse=True)
def _needed(harness: Any) -> None:
    requireWorkbench()


def bundle(folder: Path, files: dict[str, bytes]) -> Path:
    path = folder / "a.mrb"
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return path


def unpacked(tmp_path: Path, files: dict[str, bytes]) -> Path:
    from masam_workbench.tab.bundle import unpackScene

    place = tmp_path / "place"
    place.mkdir()
    return unpackScene(bundle(tmp_path, files), place)


def scene(attribute: str, value: str) -> bytes:
    return NODE.format(attribute=attribute, value=value).encode()


def test_a_scene_is_unpacked_as_it_lay(tmp_path: Path) -> None:
    files = {
        "x/x.mrml": scene("fileName", "Data/A%20scan.nrrd"),
        "x/Data/A scan.nrrd": NRRD + b"\n\0",
    }
    found = unpacked(tmp_path, files)
    assert found.name == "x.mrml"
    assert (found.parent / "Data" / "A scan.nrrd").read_bytes().endswith(b"\n\0")


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("fileName", "/etc/passwd"),
        ("fileName", "../../secret.nrrd"),
        ("fileName", "..%2F..%2Fsecret.nrrd"),
        ("fileListMember12", "/etc/passwd"),
        ("fileName", "C:\\secret.nrrd"),
        ("fileName", "file:///etc/passwd"),
        ("uri", "http://evil.example/x.nrrd"),
        ("uriListMember0", "http://evil.example/x.nrrd"),
        ("fileName", "a%00b"),
    ],
)
def test_files_of_elsewhere_are_refused(tmp_path: Path, attribute: str, value: str) -> None:
    with pytest.raises(VolumeError, match="refers to"):
        unpacked(tmp_path, {"x/x.mrml": scene(attribute, value)})


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"x/readme.txt": b""}, "holds no scene"),
        ({"a.mrml": b"<MRML/>", "b.mrml": b"<MRML/>"}, "several scenes"),
        ({"a.mrml": b"<MRML"}, "damaged"),
        ({"a.mrml": b'<!DOCTYPE x [<!ENTITY a "b">]><MRML>&a;</MRML>'}, "what no scene has"),
        ({"a.mrml": b"<MRML/>", "d.nrrd": NRRD + b"data file: /etc/passwd\n\n"}, "outside"),
        ({"a.mrml": b"<MRML/>", "d.nhdr": NRRD + b"datafile: LIST\n/etc/passwd\n\n"}, "outside"),
    ],
)
def test_what_is_no_whole_scene_is_told(
    tmp_path: Path, files: dict[str, bytes], words: str
) -> None:
    with pytest.raises(VolumeError, match=words):
        unpacked(tmp_path, files)


@pytest.mark.parametrize("name", ["x.mhd", "x.MHA", "x.vtm", "x.hdr", "x.mrb", "x.zip", "x"])
@pytest.mark.parametrize("attribute", ["fileName", "fileListMember0", "other"])
def test_kinds_that_can_name_further_files_are_refused(
    tmp_path: Path, name: str, attribute: str
) -> None:
    secret = tmp_path / "secret.raw"
    secret.write_bytes(b"12345678")
    head = "ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\n"
    attack = f"{head}ElementDataFile = {secret}\n".encode()
    with pytest.raises(VolumeError, match="kind that is not opened here"):
        unpacked(tmp_path, {"x/x.mrml": scene(attribute, name), f"x/{name}": attack})


def test_an_image_is_read_from_image_files_alone(tmp_path: Path) -> None:
    text = b'<MRML><VolumeArchetypeStorage id="s1" fileName="x.h5"/></MRML>'
    with pytest.raises(VolumeError, match="kind that is not opened here"):
        unpacked(tmp_path, {"x/x.mrml": text, "x/x.h5": b""})


def transform(folder: Path, attack: str = "", block: int = 0) -> bytes:
    """A transform as ITK writes it, with a way to another file in it.

    Args:
        folder: of the file that it leads to.
        attack: the way.
        block: bytes of the user's before it.
    """
    h5py = pytest.importorskip("h5py")
    secret = folder / "secret.raw"
    secret.write_bytes(np.zeros(12).tobytes())
    with h5py.File(folder / "other.h5", "w") as other:
        other["values"] = np.zeros(12)
    made = folder / "made.h5"
    with h5py.File(made, "w", userblock_size=block) as file:
        group = file.create_group("TransformGroup/0")
        group["TransformType"] = b"AffineTransform_double_3_3"
        group["TransformFixedParameters"] = np.zeros(3)
        if attack == "external":
            given = [(str(secret), 0, h5py.h5f.UNLIMITED)]
            group.create_dataset("TransformParameters", (12,), "f8", external=given)
        elif attack == "link":
            group["TransformParameters"] = h5py.ExternalLink(str(folder / "other.h5"), "/values")
        elif attack == "virtual":
            layout = h5py.VirtualLayout((12,), "f8")
            layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "values", (12,))
            group.create_virtual_dataset("TransformParameters", layout)
        else:
            group["TransformParameters"] = np.zeros(12)
    return made.read_bytes()


@pytest.mark.parametrize("attack", ["external", "link", "virtual"])
@pytest.mark.parametrize(("name", "block"), [("t.h5", 0), ("t.tfm", 0), ("t.h5", 2048)])
def test_a_transform_that_leads_to_another_file_is_refused(
    tmp_path: Path, attack: str, name: str, block: int
) -> None:
    files = {"x/x.mrml": scene("fileName", name), f"x/{name}": transform(tmp_path, attack, block)}
    with pytest.raises(VolumeError, match="refers to files outside"):
        unpacked(tmp_path, files)


def test_a_transform_that_holds_its_data_is_let_in_and_a_damaged_one_told(tmp_path: Path) -> None:
    whole = transform(tmp_path)
    assert unpacked(tmp_path, {"x/x.mrml": scene("fileName", "t.h5"), "x/t.h5": whole}).is_file()
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(VolumeError, match="damaged"):
        unpacked(other, {"x/x.mrml": scene("fileName", "t.h5"), "x/t.h5": whole[:700]})


def test_a_header_that_never_ends_is_refused(tmp_path: Path) -> None:
    long = NRRD + b"# long\n" * (1 << 18) + b"data file: /etc/passwd\n\n"
    with pytest.raises(VolumeError, match="too long"):
        unpacked(tmp_path, {"a.mrml": b"<MRML/>", "d.nrrd": long})


def test_names_in_an_archive_lead_nowhere(tmp_path: Path) -> None:
    files = {"../../evil.txt": b"x", "/abs/evil.txt": b"x", "x/x.mrml": b"<MRML/>"}
    found = unpacked(tmp_path, files)
    assert [p for p in tmp_path.rglob("evil.txt") if not p.is_relative_to(tmp_path / "place")] == []
    assert found.is_file()
