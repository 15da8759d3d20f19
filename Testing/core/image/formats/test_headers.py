"""Headers that claim what can't be: refused by name, at once, and before memory is taken."""

from __future__ import annotations

import bz2
import gzip
import re
import resource
import struct
import time
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from masam_core.errors import VolumeError
from masam_core.image.volume import read_volume
from Testing.core.image.formats.making import ARRAY, metaimage, nifti, nrrd


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "scan"


def refusal(path: Path) -> str:
    """Words of the refusal, which came without delay and without memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    with pytest.raises(VolumeError) as caught:
        read_volume(path)
    assert time.monotonic() - started < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB
    assert path.name in str(caught.value)
    return str(caught.value)


def refused(path: Path) -> str:
    """Words of the refusal, or none."""
    try:
        read_volume(path)
    except VolumeError as error:
        return str(error)
    return ""


def test_the_made_files_are_read_as_they_are(path: Path) -> None:
    for make in (nifti, nrrd, metaimage):
        assert np.array_equal(read_volume(make(path)).array, ARRAY)
        assert np.allclose(read_volume(path).geometry.spacing, (1, 1, 3))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"vox_offset": float("nan")}, "vox_offset"),
        ({"vox_offset": -5.0}, "vox_offset"),
        ({"vox_offset": 1e30}, "incomplete"),
        ({"dim": (-1, 7, 6, 5, 1, 1, 1, 1)}, "dim"),
        ({"dim": (3, 7, -6, 5, 1, 1, 1, 1)}, "2D|size"),
        ({"dim": (3, 7, 0, 5, 1, 1, 1, 1)}, "2D|size"),
        ({"dim": (3, 32767, 32767, 30, 1, 1, 1, 1)}, "GB|incomplete"),
        ({"dim": (3, 1000, 1000, 1000, 1, 1, 1, 1)}, "incomplete"),
        ({"datatype": 1536}, "type 1536"),
        ({"sform": 0, "pixdim": (1, 0, 1, 3, 0, 0, 0, 0)}, "pixdim"),
        ({"sform": 0, "pixdim": (1, float("nan"), 1, 3, 0, 0, 0, 0)}, "pixdim"),
    ],
)
def test_fields_of_nifti_are_named(path: Path, fields: dict, says: str) -> None:
    assert re.search(says, refusal(nifti(path, **fields)))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"dimension": "-1"}, "dimension"),
        ({"dimension": "three"}, "dimension"),
        ({"sizes": "7 6"}, "sizes"),
        ({"sizes": "7 6 -5"}, "sizes"),
        ({"sizes": "1000 1000 1000"}, "incomplete"),
        ({"sizes": "999999 999999 999999"}, "GB"),
        ({"space_directions": "(1,0,0) (0,1,0)"}, "space directions"),
        ({"space_directions": "(1,0,0) (0,1) (0,0,3)"}, "space directions"),
        ({"space_directions": "(1,0,0) (0,nan,0) (0,0,3)"}, "space directions"),
        ({"space_directions": "(1,0,0) (1,0,0) (0,0,3)"}, "sheared"),
        ({"space_directions": "(1,0,0) (0,0,0) (0,0,3)"}, "without length"),
        ({"space_origin": "(0,0)"}, "space origin"),
        ({"type": "block"}, "type 'block'"),
        ({"endian": None}, "endian"),
        ({"encoding": "zip"}, "encoding"),
        ({"byte_skip": "-7"}, "byte skip"),
        ({"line_skip": "99999999"}, "line skip"),
        ({"line_skip": "4000"}, "4000 lines"),
    ],
)
def test_fields_of_nrrd_are_named(path: Path, fields: dict, says: str) -> None:
    assert says in refusal(nrrd(path, **fields))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"NDims": "-1"}, "NDims"),
        ({"NDims": "4000000000"}, "NDims"),
        ({"DimSize": "7 6"}, "DimSize"),
        ({"DimSize": "7 -6 5"}, "size"),
        ({"DimSize": "1000 1000 1000"}, "incomplete"),
        ({"DimSize": "32767 32767 32767"}, "GB"),
        ({"TransformMatrix": "1 0 0"}, "TransformMatrix"),
        ({"Offset": "0 inf 0"}, "Offset"),
        ({"ElementSpacing": "1 1 x"}, "ElementSpacing"),
        ({"ElementSpacing": "1 1 0"}, "without length"),
        ({"ElementType": "MET_OTHER"}, "MET_OTHER"),
        ({"ElementType": None}, "ElementType"),
        ({"ElementNumberOfChannels": "3"}, "3 values"),
        ({"HeaderSize": "-2"}, "HeaderSize"),
        ({"ElementDataFile": None}, "ElementDataFile"),
        ({"ObjectType": "Tube"}, "Tube"),
    ],
)
def test_fields_of_metaimage_are_named(path: Path, fields: dict, says: str) -> None:
    assert says in refusal(metaimage(path, **fields))


def test_a_hundred_thousand_lines_are_no_header(path: Path) -> None:
    lines = "".join(f"Comment{n} = x\n" for n in range(100_000)).encode()
    path.write_bytes(b"ObjectType = Image\nNDims = 3\n" + lines)
    assert "does not end within" in refusal(path)
    path.write_bytes(b"NRRD0004\n" + b"a:=b\n" * 100_000 + b"\n")
    assert "lines" in refusal(path)
    path.write_bytes(b"NRRD0004\n" + b"x" * (17 << 20))
    assert "no end" in refusal(path)


def test_a_small_compressed_file_can_not_hold_a_huge_image(path: Path) -> None:
    """1000^3 voxels from 13 KB; a stream that unpacks to more than was claimed."""
    packed = gzip.compress(bytes(13_000_000))
    assert len(packed) < 14_000
    claim = {"sizes": "1000 1000 1000", "encoding": "gzip"}
    assert "more than a compressed file" in refusal(nrrd(path, packed, **claim))
    claim = {"DimSize": "1000 1000 1000", "CompressedData": "True"}
    assert "more than a compressed file" in refusal(metaimage(path, packed, **claim))
    nifti(path, dim=(3, 1000, 1000, 1000, 1, 1, 1, 1))
    path.write_bytes(gzip.compress(path.read_bytes()[:352]))
    assert "more than a compressed file" in refusal(path)
    bomb = gzip.compress(bytes(200 << 20), 9)
    assert "far more" in refusal(nrrd(path, bomb, encoding="gzip"))


@pytest.mark.parametrize("kind", ["nii.gz", "nrrd gzip", "nrrd bzip2", "mha"])
def test_a_flipped_bit_in_compressed_voxels_is_found(path: Path, kind: str) -> None:
    """A checksum ends every such stream; ITK does not look at that of MetaImage."""
    raw = ARRAY.astype("<i2").tobytes()
    if kind == "nii.gz":
        path.write_bytes(gzip.compress(nifti(path).read_bytes()))
    elif kind == "mha":
        metaimage(path, zlib.compress(raw), CompressedData="True")
    else:
        pack = {"gzip": gzip.compress, "bzip2": bz2.compress}[kind.split()[1]]
        nrrd(path, pack(raw), encoding=kind.split()[1])
    whole = path.read_bytes()
    assert np.array_equal(read_volume(path).array, ARRAY)
    header = 0 if kind == "nii.gz" else len(whole) - len(whole.split(b"\n\n", 1)[-1])
    header = whole.index(b"LOCAL\n") + 6 if kind == "mha" else header
    found = 0
    for at in np.linspace(header + 12, len(whole) - 10, 40).astype(int):
        broken = bytearray(whole)
        broken[at] ^= 0x10
        path.write_bytes(broken)
        words = refused(path)
        found += bool(re.search("damaged|can't be read", words))
        # A few bits of such a stream have no meaning.
        assert words or np.array_equal(read_volume(path).array, ARRAY)
    assert found >= 36


@given(
    make=st.sampled_from([nifti, nrrd, metaimage]),
    at=st.integers(0, 400),
    value=st.integers(0, 255),
    cut=st.integers(0, 420) | st.none(),
)
@settings(max_examples=300, deadline=None)
def test_any_header_is_read_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, make: object, at: int, value: int, cut: int | None
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed"
    content = bytearray(make(path).read_bytes())  # type: ignore[operator]
    content[at % len(content)] = value
    path.write_bytes(content[:cut])
    words = refused(path)
    if words:
        assert str(path) in words
        assert words.isprintable()
    else:
        assert read_volume(path).array.nbytes <= 8 * len(content)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("ascii", " ".join(map(str, ARRAY.flatten()))),
        ("hex", ARRAY.astype("<i2").tobytes().hex("\n", 20)),
    ],
)
def test_values_as_text_are_read_and_counted(path: Path, encoding: str, text: str) -> None:
    nrrd(path, text.encode(), encoding=encoding)
    assert np.array_equal(read_volume(path).array, ARRAY)
    nrrd(path, text[:-40].encode(), encoding=encoding)
    assert "incomplete" in refusal(path)
    nrrd(path, b"x" + text.encode(), encoding=encoding)
    assert "damaged" in refusal(path)
    if encoding == "ascii":
        metaimage(path, text.encode(), BinaryData="False")
        assert np.array_equal(read_volume(path).array, ARRAY)


def test_what_a_file_leaves_open_is_told(path: Path) -> None:
    assert read_volume(nrrd(path)).notes == ()
    silent = read_volume(nrrd(path, space=None, space_directions=None, space_origin=None))
    assert "1 x 1 x 1 mm" in silent.notes[0]
    assert "1 x 1 x 1 mm" in read_volume(metaimage(path, ElementSpacing=None)).notes[0]
    assert "how the patient lies" in read_volume(nifti(path, sform=0)).notes[0]


def test_one_time_point_is_a_volume_and_two_are_not(path: Path) -> None:
    nrrd(path, dimension="4", sizes="7 6 5 1", space_directions="(1,0,0) (0,1,0) (0,0,3) none")
    assert read_volume(path).array.shape == (5, 6, 7)
    twice = ARRAY.astype("<i2").tobytes() * 2
    four = {"dimension": "4", "sizes": "7 6 5 2"}
    nrrd(path, twice, space_directions="(1,0,0) (0,1,0) (0,0,3) none", **four)
    assert "4D, 7 x 6 x 5 x 2" in refusal(path)
    assert read_volume(nifti(path, dim=(4, 7, 6, 5, 1, 1, 1, 1))).array.shape == (5, 6, 7)


def test_two_sizes_of_one_voxel_are_told(path: Path) -> None:
    affine = [[0, 2, 0, 5], [-2, 0, 0, 6], [0, 0, 3, 7]]
    (note,) = read_volume(nifti(path, affine=affine)).notes
    assert "2 x 2 x 3 mm by its position matrix (sform), 1 x 1 x 3 mm" in note
    assert np.allclose(read_volume(path).geometry.spacing, (2, 2, 3))
    assert read_volume(nifti(path, affine=affine, pixdim=(1, 2, 2, 3, 0, 0, 0, 0))).notes == ()


@pytest.mark.parametrize(("slope", "factor"), [(1e-40, 1), (-1e-20, 1), (1e-10, 1e-10), (2, 2)])
def test_a_slope_that_no_scanner_writes_is_none(
    tmp_path: Path, slope: float, factor: float
) -> None:
    path = tmp_path / "scan.nii"  # ITK goes by the ending
    content = bytearray(nifti(path).read_bytes())
    struct.pack_into("<2f", content, 112, slope, 0)
    path.write_bytes(content)
    expected = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    assert np.allclose(read_volume(path).array, expected, rtol=1e-6, atol=0)
    assert np.allclose(read_volume(path).array, ARRAY * factor, rtol=1e-6, atol=0)


@pytest.mark.parametrize("magic", [b"n+1 ", b"n+1\x01", b"ni1x"])
def test_a_magic_that_is_damaged_is_no_nifti(path: Path, magic: bytes) -> None:
    assert "Analyze" in refusal(nifti(path, magic=magic))


def test_an_axis_of_metaimage_that_runs_backwards_does_so_here(tmp_path: Path) -> None:
    path = metaimage(tmp_path / "a.mha", ElementSpacing="-1 1 3")
    found, expected = read_volume(path), sitk.ReadImage(str(path))
    for index in ([0.0, 0.0, 0.0], [6.0, 5.0, 4.0]):
        place = expected.TransformContinuousIndexToPhysicalPoint(index)
        assert np.allclose(found.geometry.lps_from_ijk([index])[0], place)


@pytest.mark.parametrize(("less", "taken"), [(0, True), (1, False), (300, False), (-5, True)])
def test_a_stream_ends_where_the_header_says(path: Path, less: int, taken: bool) -> None:
    packed = zlib.compress(ARRAY.astype("<i2").tobytes())
    size = str(len(packed) - less)
    metaimage(path, packed + bytes(9), CompressedData="True", CompressedDataSize=size)
    if taken:
        assert np.array_equal(read_volume(path).array, ARRAY)
    else:
        assert f"its header says {size}" in refusal(path)


def test_what_a_compressed_file_claims_takes_no_memory_before_it_is_there(path: Path) -> None:
    """bzip2 may hold a million times its size, so that the claim alone refuses nothing."""
    nrrd(path, bz2.compress(bytes(1000)), encoding="bzip2", sizes="300 300 300")
    tracemalloc.start()
    try:
        assert "1000 of 54000000 bytes" in refusal(path)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
