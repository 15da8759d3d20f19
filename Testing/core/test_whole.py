"""Files that other libraries wrote: taken when whole, refused when a byte is missing or changed."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from PIL import Image
from safetensors.torch import save_file

from masam_core.whole import Incomplete, require_whole

VALUES = np.random.default_rng(0).integers(0, 9, (5, 6, 7))
IMAGES = ("a.nii", "a.nii.gz", "a.nrrd", "a.mha", "raw.nrrd", "raw.mha", "four.seg.nrrd")


def _write(path):
    name = path.name
    if name in IMAGES:
        array = VALUES.astype(np.float32 if name == "a.mha" else np.uint16)
        image = sitk.GetImageFromArray(
            np.stack([array] * 2, -1) if name.startswith("four") else array
        )
        sitk.WriteImage(image, str(path), useCompression=not name.startswith("raw"))
    elif name.endswith(".png"):
        Image.fromarray(VALUES[0].astype(np.uint8)).save(path)
    elif name.endswith(".pth"):
        torch.save({"a": torch.arange(100)}, path)
    elif name.endswith(".npz"):
        np.savez_compressed(path, a=VALUES)
    elif name.endswith(".npy"):
        np.save(path, VALUES)
    else:
        save_file({"a": torch.arange(100), "b": torch.ones(3)}, path, metadata={"x": "y"})


ALL = (*IMAGES, "a.png", "a.pth", "a.npz", "a.npy", "a.safetensors")


@pytest.mark.parametrize("name", ALL)
def test_a_whole_file_is_taken(tmp_path, name):
    _write(tmp_path / name)
    require_whole(tmp_path / name)


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.99])
@pytest.mark.parametrize("name", ALL)
def test_a_stump_is_refused(tmp_path, name, kept):
    path = tmp_path / name
    _write(path)
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(Incomplete):
        require_whole(path)


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nrrd", "a.mha", "a.png", "a.npz"])
def test_a_changed_byte_of_a_compressed_file_is_refused(tmp_path, name):
    path = tmp_path / name
    _write(path)
    data = bytearray(path.read_bytes())
    data[-30] ^= 0x10
    path.write_bytes(data)
    with pytest.raises(Incomplete):
        require_whole(path)


def test_an_image_that_was_cut_off_before_it_was_packed_is_refused(tmp_path):
    _write(tmp_path / "a.nrrd")
    image = (tmp_path / "a.nrrd").read_bytes()
    for part, whole in ((image, True), (image[:-9], False)):
        scene = io.BytesIO()
        with zipfile.ZipFile(scene, "w") as packed:
            packed.writestr("Scene/Data/a.nrrd", part)
        (tmp_path / "scene.mrb").write_bytes(scene.getvalue())
        if whole:
            require_whole(tmp_path / "scene.mrb")
        else:
            with pytest.raises(Incomplete):
                require_whole(tmp_path / "scene.mrb")


def test_other_endings_are_left_alone(tmp_path):
    (tmp_path / "a.txt").write_text("anything")
    require_whole(tmp_path / "a.txt")


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32])
@pytest.mark.parametrize("ending", [".nrrd", ".mha"])
def test_a_whole_file_of_any_type_is_taken_and_its_stump_is_not(tmp_path, dtype, ending):
    _check_type(tmp_path / f"a{ending}", dtype)


@pytest.mark.parametrize("dtype", [np.int64, np.uint64, np.float32, np.float64])
def test_types_of_64_bits_have_long_names_in_nrrd(tmp_path, dtype):
    _check_type(tmp_path / "a.nrrd", dtype)  # "long long int"


def _check_type(path, dtype):
    sitk.WriteImage(sitk.GetImageFromArray(VALUES.astype(dtype)), str(path))
    require_whole(path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Incomplete):
        require_whole(path)
