"""Reading images: values and positions as stored, and refusals that say what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from masam_core.errors import VolumeError
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume, read_labels, read_volume

DIRECTION = Rotation.from_euler("xyz", (20, -35, 140), degrees=True).as_matrix()


def oblique_image(dtype: str = "int16") -> sitk.Image:
    rng = np.random.default_rng(0)
    image = sitk.GetImageFromArray(rng.integers(0, 100, size=(4, 5, 6)).astype(dtype))
    image.SetSpacing((0.7, 1.3, 4.0))
    image.SetOrigin((-120.5, 33.25, 800.0))
    image.SetDirection(DIRECTION.flatten().tolist())
    return image


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".nrrd", ".mha", ".mhd"])
def test_values_and_positions_come_back_as_stored(tmp_path: Path, suffix: str) -> None:
    image = oblique_image()
    path = tmp_path / f"scan{suffix}"
    sitk.WriteImage(image, str(path))
    volume = read_volume(path)
    assert np.array_equal(volume.array, sitk.GetArrayFromImage(image))
    assert volume.name == "scan"
    assert volume.modality is None
    for index in ((0, 0, 0), (5, 4, 3), (2, 1, 3)):
        expected = image.TransformIndexToPhysicalPoint(index)
        assert np.allclose(volume.geometry.lps_from_ijk([index])[0], expected, atol=1e-3)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "uint16", "int32", "float32", "float64"])
def test_every_scalar_type_is_read(tmp_path: Path, dtype: str) -> None:
    path = tmp_path / "scan.nrrd"
    sitk.WriteImage(oblique_image(dtype), str(path))
    assert read_volume(path).array.dtype == np.dtype(dtype)


def _four_dimensional() -> sitk.Image:
    return sitk.JoinSeries([oblique_image(), oblique_image()])


def _colour() -> sitk.Image:
    return sitk.Compose([oblique_image("uint8")] * 3)


def _flat() -> sitk.Image:
    return oblique_image()[:, :, 2]


def _complex() -> sitk.Image:
    return sitk.RealAndImaginaryToComplex(oblique_image("float32"), oblique_image("float32"))


@pytest.mark.parametrize(
    ("make", "suffix", "message"),
    [
        (_four_dimensional, ".nii.gz", "4D.*file of its own"),
        (_four_dimensional, ".nrrd", "4D"),
        (_colour, ".nrrd", "3 values per voxel.*grey"),
        (_flat, ".mha", "2D image.*stack of slices"),
        (_complex, ".nii", "complex.*magnitude"),
    ],
)
def test_other_images_are_refused_with_what_to_do(
    tmp_path: Path, make: object, suffix: str, message: str
) -> None:
    path = tmp_path / f"scan{suffix}"
    sitk.WriteImage(make(), str(path))  # type: ignore[operator]
    with pytest.raises(VolumeError, match=message):
        read_volume(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "empty"), (b"these are no voxels", "can't be read"), (b"\x1f\x8b broken", "can't be")],
)
def test_damaged_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "scan.nii.gz"
    path.write_bytes(content)
    with pytest.raises(VolumeError, match=message):
        read_volume(path)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scan.nrrd"
    sitk.WriteImage(oblique_image(), str(path), useCompression=False)
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(VolumeError, match="incomplete"):
        read_volume(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(VolumeError, match=r"no image at .*nothing\.nii"):
        read_volume(tmp_path / "nothing.nii")


def test_labels_are_whole_numbers_even_when_stored_as_floats(tmp_path: Path) -> None:
    path = tmp_path / "labels.nrrd"
    sitk.WriteImage(oblique_image("float32"), str(path))
    labels, geometry = read_labels(path)
    assert labels.dtype == np.int64
    assert np.array_equal(labels, sitk.GetArrayFromImage(oblique_image()))
    assert geometry.same_grid(Geometry.from_sitk(oblique_image()))
    sitk.WriteImage(oblique_image("float32") + 0.25, str(path))
    with pytest.raises(VolumeError, match="whole numbers"):
        read_labels(path)


def test_a_segmentation_in_layers_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "lesions.seg.nrrd"
    sitk.WriteImage(sitk.Compose([oblique_image("uint8")] * 2), str(path))
    with pytest.raises(VolumeError, match="overlap, in 2 layers"):
        read_labels(path)


def test_the_content_hash_follows_values_position_and_type() -> None:
    geometry = Geometry.from_spacing((2, 3, 4))
    array = np.zeros((2, 3, 4), dtype=np.int16)
    same = Volume(array, geometry, name="one").content_hash
    assert Volume(np.asfortranarray(array), geometry, name="two").content_hash == same
    changed = array.copy()
    changed[1, 1, 1] = 1
    moved = Geometry.from_spacing((2, 3, 4), origin_lps=(0, 0, 1))
    others = {
        Volume(changed, geometry).content_hash,
        Volume(array, moved).content_hash,
        Volume(array.astype(np.int32), geometry).content_hash,
        Volume(array.reshape(4, 3, 2), Geometry.from_spacing((4, 3, 2))).content_hash,
    }
    assert len(others | {same}) == 5


def test_what_the_file_says_wins_over_a_modality_that_is_given() -> None:
    array = np.full((2, 3, 4), 40, dtype=np.int16)
    silent = Volume(array, Geometry.from_spacing(array.shape, (1.0, 1.0, 1.0)))
    assert silent.kind == "MR"
    assert silent.with_modality("CT").kind == "CT"
    assert silent.with_modality(None) is silent
    said = silent.with_modality("MR")
    assert said.with_modality("CT") is said


def test_values_and_grid_must_agree() -> None:
    with pytest.raises(VolumeError, match="differ in shape"):
        Volume(np.zeros((2, 3, 4)), Geometry.from_spacing((2, 3, 5)))
    with pytest.raises(VolumeError, match="3D"):
        Volume(np.zeros((3, 4)), Geometry.from_spacing((2, 3, 4)))
