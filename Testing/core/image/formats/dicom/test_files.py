"""Files as they come: names, character sets, slopes, bits, compression, damage."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom import dcmread
from pydicom.dataset import Dataset

from masam_core.errors import VolumeError
from masam_core.image.formats.dicom import list_series
from masam_core.image.volume import read_volume
from Testing.core.image.formats.dicom.making import ARRAY, enhanced, image, save, series

REPORT = "1.2.840.10008.5.1.4.1.1.88.11"  # Basic Text SR Storage


def test_slopes_that_change_from_slice_to_slice_keep_their_fractions(tmp_path: Path) -> None:
    """As of PET, whose first slice may have a whole number."""
    series(tmp_path, RescaleSlope=lambda k: 1 if k == 0 else 0.01 * (k + 1))
    slopes = np.array([1, *(0.01 * np.arange(2, 9))])[:, None, None]
    np.testing.assert_allclose(read_volume(tmp_path).array, ARRAY * slopes, rtol=1e-6)


def test_whole_slopes_stay_whole_numbers_and_do_not_overflow(tmp_path: Path) -> None:
    stored = (ARRAY.astype(np.int32) + 1000).astype(np.uint16)
    tags = {"PixelRepresentation": 0, "RescaleIntercept": -1024}
    series(tmp_path / "a", stored, BitsStored=12, HighBit=11, **tags)
    found = read_volume(tmp_path / "a").array
    assert found.dtype == np.int16
    assert np.array_equal(found, ARRAY - 24)
    stored[0, 0, 0] = 65535
    series(tmp_path / "b", stored, **tags)
    assert read_volume(tmp_path / "b").array.max() == 65535 - 1024


def test_bits_beyond_the_stored_ones_are_no_voxels(tmp_path: Path) -> None:
    """Old files keep overlays there; the sign lies in the highest stored bit."""
    values = (ARRAY // 2).astype(np.int16)
    stored = (values.astype(np.uint16) & 0x0FFF) | 0x3000
    series(tmp_path, stored, BitsStored=12, HighBit=11)
    assert np.array_equal(read_volume(tmp_path).array, values)


@pytest.mark.parametrize("compressor", ["JPEG2000", "JPEGLS", "JPEG"])
def test_compressed_slices_are_read_as_the_others(tmp_path: Path, compressor: str) -> None:
    series(tmp_path / "plain", RescaleSlope=0.5)
    for path in (tmp_path / "plain").iterdir():
        writer = sitk.ImageFileWriter()
        writer.KeepOriginalImageUIDOn()
        writer.UseCompressionOn()
        writer.SetCompressor(compressor)
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        (tmp_path / "packed").mkdir(exist_ok=True)
        writer.SetFileName(str(tmp_path / "packed" / path.name))
        writer.Execute(reader.Execute())
    size = sum(p.stat().st_size for p in (tmp_path / "packed").iterdir())
    plain, packed = read_volume(tmp_path / "plain"), read_volume(tmp_path / "packed")
    assert size
    np.testing.assert_allclose(packed.array, plain.array)
    assert packed.geometry.same_grid(plain.geometry)
    victim = next((tmp_path / "packed").iterdir())
    victim.write_bytes(victim.read_bytes()[:-120])
    with pytest.raises(VolumeError, match=r"damaged|incomplete"):
        read_volume(tmp_path / "packed")


@pytest.mark.parametrize("ending", [".dcm", "", ".ima", ".IMG.1"])
def test_files_need_no_ending_and_a_path_may_be_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    series(tmp_path / "a")
    save(image(ARRAY[0], SeriesInstanceUID="1.2.3.5"), tmp_path / "a" / "other")
    for number, path in enumerate(sorted((tmp_path / "a").glob("*.dcm"))):
        path.rename(path.with_name(f"IM{number}{ending}"))
    monkeypatch.chdir(tmp_path / "a")
    for given in (Path(f"IM3{ending}"), Path("..") / "a" / f"IM0{ending}"):
        assert np.array_equal(read_volume(given).array, ARRAY)


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("ISO_IR 100", "Schädel"),
        ("ISO_IR 192", "Schädel 頭"),
        ("ISO_IR 144", "Череп"),
        (None, "Skull"),
    ],
)
def test_descriptions_are_read_by_their_character_set(
    tmp_path: Path, charset: str | None, text: str
) -> None:
    save(image(ARRAY[0], SeriesDescription=text, SpecificCharacterSet=charset), tmp_path / "a")
    assert list_series(tmp_path) == [("1.2.3.4", f"CT, {text}, 1 slices")]


@pytest.mark.parametrize("charset", [b"", b"ISO_IR 999", b"ISO_IR 192"])
def test_no_half_characters_leave_the_reader(tmp_path: Path, charset: bytes) -> None:
    """Bytes that the stated character set does not have, and control characters."""
    path = save(
        image(ARRAY[0], SeriesDescription="S" * 8, SpecificCharacterSet="ISO_IR 100"),
        tmp_path / "a",
    )
    content = path.read_bytes().replace(b"S" * 8, b"Sch\xe4\x1b[2J")
    path.write_bytes(content.replace(b"ISO_IR 100", charset.ljust(10)))
    ((_, words),) = list_series(tmp_path)
    words.encode("utf-8")
    assert words.isprintable()


def test_what_is_no_image_does_not_count_and_is_told_by_itself(tmp_path: Path) -> None:
    series(tmp_path)
    report = image(ARRAY[0], Rows=None, Columns=None, PixelData=None, SOPClassUID=REPORT)
    save(report, tmp_path / "report.dcm")
    save(image(ARRAY[0], Modality="SEG", SeriesInstanceUID="8"), tmp_path / "seg.dcm")
    (tmp_path / "._00.dcm").write_bytes(b"\0\5\x16\7Mac OS X")
    (tmp_path / "notes.txt").write_text("no slice")
    assert np.array_equal(read_volume(tmp_path).array, ARRAY)
    with pytest.raises(VolumeError, match="without an image"):
        read_volume(tmp_path / "report.dcm")
    with pytest.raises(VolumeError, match="segmentation, not an image"):
        read_volume(tmp_path / "seg.dcm")


@pytest.mark.parametrize("left", [-2, -200, 500, 200])
def test_a_slice_that_was_cut_off_is_refused(tmp_path: Path, left: int) -> None:
    series(tmp_path)
    victim = tmp_path / "00.dcm"
    victim.write_bytes(victim.read_bytes()[:left])
    with pytest.raises(VolumeError, match=r"00\.dcm"):
        read_volume(tmp_path)


def test_a_claim_beyond_the_files_size_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    claim = {"Rows": 32767, "Columns": 32767}
    path = save(image(ARRAY[0], **claim), tmp_path / "a.dcm")
    with pytest.raises(VolumeError, match="more than a file"):
        read_volume(path)
    path = enhanced(tmp_path / "b" / "b.dcm", list(range(8)))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(VolumeError, match="incomplete"):
        read_volume(path)


def test_a_single_slice_needs_its_thickness(tmp_path: Path) -> None:
    path = save(image(ARRAY[0]), tmp_path / "a.dcm")
    assert read_volume(path).geometry.spacing.tolist() == [0.75, 1.5, 3.0]
    save(image(ARRAY[0], SliceThickness=None), path)
    with pytest.raises(VolumeError, match="how thick"):
        read_volume(path)


def test_tags_that_are_missing_altogether_leave_words_and_no_traceback(tmp_path: Path) -> None:
    made = image(ARRAY[0], Modality=None, SeriesInstanceUID=None, BitsStored=None, HighBit=None)
    path = save(made, tmp_path / "a" / "a.dcm")
    assert read_volume(path).modality is None
    shutil.copy(path, tmp_path / "b.dcm")
    made = image(ARRAY[0], BitsAllocated=12)
    with pytest.raises(VolumeError, match="12 bits"):
        read_volume(save(made, tmp_path / "c" / "c.dcm"))
    assert isinstance(made, Dataset)


def _part(source: Path, target: Path, number: int, total: int = 2) -> Path:
    """One of the files into which an enhanced image was divided."""
    dataset = dcmread(source)
    size = len(ARRAY) // total
    mine = slice((number - 1) * size, number * size)
    pixels = np.frombuffer(dataset.PixelData, np.int16).reshape(ARRAY.shape)
    dataset.PixelData = pixels[mine].tobytes()
    dataset.NumberOfFrames = size
    dataset.PerFrameFunctionalGroupsSequence = dataset.PerFrameFunctionalGroupsSequence[mine]
    dataset.SOPInstanceUID = f"1.2.{number}"
    dataset.ConcatenationUID = "1.2.99"
    dataset.InConcatenationNumber, dataset.InConcatenationTotalNumber = number, total
    return save(dataset, target)


def test_an_image_in_several_files_is_read_whole_by_any_of_them(tmp_path: Path) -> None:
    whole = enhanced(tmp_path / "whole", [3, 1, 0, 2, 7, 6, 5, 4])
    one = _part(whole, tmp_path / "parts" / "one", 1)
    with pytest.raises(VolumeError, match="1 of 2 files of one image"):
        read_volume(one)
    _part(whole, tmp_path / "parts" / "two", 2)
    for path in (one, one.parent):
        assert np.array_equal(read_volume(path).array, ARRAY)


def test_a_file_that_is_there_twice_is_read_once_and_told(tmp_path: Path) -> None:
    first = sorted(series(tmp_path).iterdir())[0]
    shutil.copy(first, tmp_path / "00 (1).dcm")
    found = read_volume(tmp_path)
    assert np.array_equal(found.array, ARRAY)
    (note,) = found.notes
    assert "1 file is there twice" in note
    other = dcmread(first)  # of the same name, but not the same
    other.PixelData = bytes(len(other.PixelData))
    save(other, tmp_path / "00 (1).dcm")
    with pytest.raises(VolumeError, match="several at one"):
        read_volume(tmp_path)


@pytest.mark.parametrize("ending", [".dcm", "", ".7"])
@pytest.mark.parametrize("content", [b"", bytes(300)])
def test_a_slice_whose_content_is_lost_is_named_also_at_the_end(
    tmp_path: Path, ending: str, content: bytes
) -> None:
    for number, path in enumerate(sorted(series(tmp_path / "a").iterdir())):
        shutil.copy(path, tmp_path / f"IM{number}{ending}")
    last = max(tmp_path.glob("IM*"), key=lambda path: dcmread(path).ImagePositionPatient[2])
    last.write_bytes(content)
    if content and ending != ".dcm":  # as good as any other file
        assert len(read_volume(tmp_path).array) == len(ARRAY) - 1
        return
    with pytest.raises(VolumeError, match=f"{last.name} is (empty|damaged)"):
        read_volume(tmp_path)


def test_files_without_a_preamble_are_read(tmp_path: Path) -> None:
    for path in sorted(series(tmp_path / "a").iterdir()):
        (tmp_path / path.stem).write_bytes(path.read_bytes()[132:])
    assert np.array_equal(read_volume(tmp_path).array, ARRAY)


@pytest.mark.parametrize(
    "tags", [{"Columns": 5}, {"Columns": 9}, {"Rows": 1}, {"BitsAllocated": 8}]
)
def test_more_pixels_than_the_tags_say_are_a_contradiction(tmp_path: Path, tags: dict) -> None:
    bits = {"BitsStored": 8, "HighBit": 7} if "BitsAllocated" in tags else {}
    series(tmp_path, **tags, **bits)
    with pytest.raises(VolumeError, match=r"\.dcm contradicts itself: it holds 240 bytes"):
        read_volume(tmp_path)


def test_pixels_may_be_filled_up(tmp_path: Path) -> None:
    series(tmp_path, PixelData=lambda k: ARRAY[k].tobytes() + bytes(2))
    assert np.array_equal(read_volume(tmp_path).array, ARRAY)


def test_a_file_that_leaves_its_encoding_empty_is_read_as_dicom_begins(tmp_path: Path) -> None:
    """Implicit little endian is what DICOM takes where nothing is said (PS3.5, section 10)."""
    series(tmp_path)
    for path in tmp_path.iterdir():
        made = dcmread(path)
        made.file_meta.TransferSyntaxUID = ""
        made.save_as(path, implicit_vr=True, little_endian=True, enforce_file_format=False)
    assert np.array_equal(read_volume(tmp_path).array, ARRAY)


def test_pixels_that_a_damaged_tag_calls_numbers_are_told(tmp_path: Path) -> None:
    path = save(image(ARRAY[0]), tmp_path / "a.dcm")
    content = path.read_bytes()
    # Element 7fe0,0010 as a text of 32-bit length (UT) in place of words (OW).
    path.write_bytes(content.replace(b"\xe0\x7f\x10\x00OW", b"\xe0\x7f\x10\x00UT"))
    with pytest.raises(VolumeError, match=r"a\.dcm is damaged"):
        read_volume(path)
