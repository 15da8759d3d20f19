"""DICOM series folders, written slice by slice with SimpleITK."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.errors import VolumeError
from masam_core.image.volume import read_volume
from Testing.core.image.formats.dicom.making import ARRAY, image, save, series

UID = "1.2.826.0.1.3680043.2.1125."


def write_series(
    folder: Path,
    series: str = "1",
    slices: int = 6,
    skip: int | None = None,
    modality: str = "CT",
    spacing: float = 2.5,
) -> np.ndarray:
    """Write slices in shuffled file order, the feet first in file names last; returns KJI."""
    rng = np.random.default_rng(int(series))
    array = rng.integers(-900, 900, size=(slices, 8, 9)).astype(np.int16)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for k in range(slices):
        if k == skip:
            continue
        image = sitk.GetImageFromArray(array[k])
        image.SetSpacing((0.8, 0.8))
        tags = {
            "0008|0060": modality,
            "0008|103e": f"series {series}",
            "0020|000d": UID + "9",
            "0020|000e": UID + series,
            "0008|0018": f"{UID}{series}.{k + 1}",
            "0020|0013": str(k + 1),
            "0020|0032": f"-20\\-30\\{100 + k * spacing}",
            "0020|0037": "1\\0\\0\\0\\1\\0",
            "0028|0030": "0.8\\0.8",
            "0018|0050": str(spacing),
        }
        for tag, value in tags.items():
            image.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"s{series}_{(k * 5) % 7}.dcm"))
        writer.Execute(image)
    return array


def test_a_series_becomes_a_volume_in_patient_order(tmp_path: Path) -> None:
    array = write_series(tmp_path)
    volume = read_volume(tmp_path)
    assert np.array_equal(volume.array, array)
    assert volume.modality == "CT"
    assert np.allclose(volume.geometry.spacing, (0.8, 0.8, 2.5))
    assert np.allclose(volume.geometry.lps_from_ijk([[0, 0, 5]])[0], (-20, -30, 112.5))


def test_several_series_are_listed_and_chosen_by_uid(tmp_path: Path) -> None:
    write_series(tmp_path, "1")
    array = write_series(tmp_path, "2", modality="MR")
    with pytest.raises(VolumeError, match="2 series") as caught:
        read_volume(tmp_path)
    assert UID + "1 (CT, series 1, 6 slices)" in str(caught.value)
    assert UID + "2 (MR, series 2, 6 slices)" in str(caught.value)
    volume = read_volume(tmp_path, series=UID + "2")
    assert np.array_equal(volume.array, array)
    assert volume.modality == "MR"
    with pytest.raises(VolumeError, match=r"has no series 1\.2\.3"):
        read_volume(tmp_path, series="1.2.3")


def test_one_file_stands_for_its_series(tmp_path: Path) -> None:
    write_series(tmp_path, "1")
    array = write_series(tmp_path, "2")
    volume = read_volume(tmp_path / "s2_0.dcm")
    assert np.array_equal(volume.array, array)


def test_a_missing_slice_is_found_and_located(tmp_path: Path) -> None:
    write_series(tmp_path, skip=3)
    with pytest.raises(VolumeError, match=r"5\.00 mm between slices 3 and 4 of 5"):
        read_volume(tmp_path)


@pytest.mark.parametrize("name", ["empty", "missing"])
def test_a_folder_without_dicom_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    if name == "empty":
        folder.mkdir()
        (folder / "notes.txt").write_text("no slices here")
    with pytest.raises(VolumeError):
        read_volume(folder if name == "empty" else folder / "x.dcm")


@pytest.mark.parametrize("uid", [None, ""])
def test_one_file_of_a_series_without_uid_stands_for_those_beside_it(
    tmp_path: Path, uid: str | None
) -> None:
    series(tmp_path, SeriesInstanceUID=uid)
    for given in (tmp_path, sorted(tmp_path.iterdir())[0]):
        assert np.array_equal(read_volume(given).array, ARRAY)
    save(image(ARRAY[0], SeriesInstanceUID="1.2.9"), tmp_path / "other.dcm")
    assert np.array_equal(read_volume(sorted(tmp_path.iterdir())[0]).array, ARRAY)
