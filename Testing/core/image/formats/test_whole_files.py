"""A NIfTI file of which a part is missing is refused, not filled with zeros."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.errors import VolumeError
from masam_core.image.volume import read_labels, read_volume


@pytest.fixture
def array() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 1000, (7, 11, 13)).astype(np.int16)


def written(path: Path, array: np.ndarray) -> bytes:
    sitk.WriteImage(sitk.GetImageFromArray(array), str(path))
    return path.read_bytes()


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("share", [0.4, 0.9, 0.9995])
def test_a_file_that_was_cut_off_is_refused(
    tmp_path: Path, array: np.ndarray, ending: str, share: float
) -> None:
    path = tmp_path / f"scan{ending}"
    content = written(path, array)
    assert np.array_equal(read_volume(path).array, array)
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(VolumeError, match=r"incomplete|damaged"):
        read_volume(path)
    with pytest.raises(VolumeError):
        read_labels(path)


def test_a_compressed_file_of_several_members_is_read(tmp_path: Path, array: np.ndarray) -> None:
    path = tmp_path / "scan.nii"
    content = written(path, array)
    packed = tmp_path / "scan.nii.gz"
    packed.write_bytes(gzip.compress(content[:900]) + gzip.compress(content[900:]))
    assert np.array_equal(read_volume(packed).array, array)


def test_a_compressed_file_whose_last_member_is_missing_is_refused(
    tmp_path: Path, array: np.ndarray
) -> None:
    content = written(tmp_path / "scan.nii", array)
    packed = tmp_path / "scan.nii.gz"
    packed.write_bytes(gzip.compress(content[:900]))
    with pytest.raises(VolumeError, match=f"900 of {352 + array.nbytes} bytes"):
        read_volume(packed)


@pytest.mark.parametrize("dtype", [np.uint8, np.float64, ">i4"])
def test_other_types_and_bytes_after_the_image_do_not_matter(
    tmp_path: Path, array: np.ndarray, dtype: str
) -> None:
    path = tmp_path / "scan.nii"
    values = (array % 200).astype(dtype)
    path.write_bytes(written(path, values.astype(np.dtype(dtype).newbyteorder("="))) + b"more")
    assert np.array_equal(read_volume(path).array, values)


@pytest.mark.parametrize("ending", [".mha", ".mhd", ".nrrd"])
def test_the_dictionary_that_itk_puts_into_a_header_is_passed_over(
    tmp_path: Path, ending: str
) -> None:
    image = sitk.GetImageFromArray(np.arange(24, dtype=np.int16).reshape(2, 3, 4))
    image.SetMetaData("0008|0005", "ISO_IR 100")
    image.SetMetaData("a note", "x = y")
    sitk.WriteImage(image, str(tmp_path / f"a{ending}"))
    found = read_volume(tmp_path / f"a{ending}")
    assert np.array_equal(found.array, sitk.GetArrayFromImage(image))
