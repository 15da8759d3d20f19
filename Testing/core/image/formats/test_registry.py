"""The reader is chosen by content, and what names other files leads nowhere."""

from __future__ import annotations

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.errors import VolumeError
from masam_core.image.volume import read_labels, read_volume
from Testing.core.image.formats.making import ARRAY, metaimage, nifti, nrrd

ENDINGS = ["", ".nii", ".nrrd", ".mha", ".tif", ".dcm", ".gipl"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_content_chooses_the_reader(tmp_path: Path, ending: str) -> None:
    for make in (nifti, nrrd, metaimage):
        path = make(tmp_path / f"scan{ending}")
        assert np.array_equal(read_volume(path).array, ARRAY)


@pytest.mark.parametrize(
    ("start", "names"),
    [
        (b"II*\0", "TIFF"),
        (b"\x89PNG\r\n", "PNG"),
        (b"\x89HDF\r\n", "HDF5"),
        (b"# vtk DataFile Version 3.0", "VTK"),
        (b"\0" * 208 + b"MAP " + b"\0" * 200, "MRC"),
        (b"\0" * 252 + struct.pack(">I", 0x2AE389B8), "GIPL"),
        (struct.pack("<i", 348) + bytes(344), "Analyze"),
        (b"numDim: 3\nfidName: /etc/passwd\n", "Stimulate"),
        (b"PK\x03\x04", "zip"),
        (b"text", "can't be read as an image"),
    ],
)
@pytest.mark.parametrize("ending", [".nii", ".mha", ".tif"])
def test_other_kinds_are_refused_by_name(
    tmp_path: Path, start: bytes, names: str, ending: str
) -> None:
    path = tmp_path / f"scan{ending}"
    path.write_bytes(start)
    with pytest.raises(VolumeError, match=names) as caught:
        read_volume(path)
    assert "NIfTI, NRRD, MetaImage and DICOM" in str(caught.value)


@pytest.mark.parametrize("ending", [".tif", ".vtk", ".gipl", ".mrc", ".hdf5", ".nrrd.gz"])
def test_images_that_can_not_be_checked_are_refused_though_itk_reads_them(
    tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"scan{ending}"
    if ending == ".nrrd.gz":
        path.write_bytes(gzip.compress(nrrd(tmp_path / "scan.nrrd").read_bytes()))
    else:
        sitk.WriteImage(sitk.GetImageFromArray(ARRAY), str(path))
    with pytest.raises(VolumeError, match="can't be read"):
        read_volume(path)


def test_a_pipe_and_a_folder_without_slices_are_no_image(tmp_path: Path) -> None:
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.nii")
        with pytest.raises(VolumeError, match="no file"):
            read_volume(tmp_path / "pipe.nii")
    with pytest.raises(VolumeError, match="no DICOM"):
        read_volume(tmp_path)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that no header may show, as long as an image."""
    path = tmp_path / "secret.raw"
    path.write_bytes(b"S" * ARRAY.nbytes)
    return path


def detached(folder: Path, make: object, name: str) -> Path:
    field = {"ElementDataFile": name} if make is metaimage else {"data_file": name}
    return make(folder / "scan.hd", b"", **field)  # type: ignore[operator, no-any-return]


@pytest.mark.parametrize("make", [nrrd, metaimage])
def test_voxels_in_a_second_file_are_read_from_the_headers_folder_alone(
    tmp_path: Path, secret: Path, make: object
) -> None:
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "voxels.raw").write_bytes(ARRAY.astype("<i2").tobytes())
    (folder / "link.raw").symlink_to(secret)
    (tmp_path / "inside").symlink_to(folder)
    for name in ("voxels.raw", "./voxels.raw"):
        assert np.array_equal(read_volume(detached(folder, make, name)).array, ARRAY)
    assert np.array_equal(read_volume(tmp_path / "inside" / "scan.hd").array, ARRAY)
    for name in (
        str(secret),
        "../secret.raw",
        "..\\secret.raw",
        "link.raw",
        "../case/../secret.raw",
        "/dev/zero",
        "/etc/passwd",
        f"file://{secret}",
        "voxels.raw\0",
        "%s.raw 1 5 1",
        "LIST",
        ".",
        "",
        "missing.raw",
        "C:\\secret.raw",
    ):
        path = detached(folder, make, name)
        for read in (read_volume, read_labels):
            with pytest.raises(VolumeError) as caught:
                read(path)
            assert "S" * 20 not in str(caught.value)


@pytest.mark.parametrize("make", [nrrd, metaimage])
def test_an_upload_may_not_name_a_second_file_at_all(tmp_path: Path, make: object) -> None:
    (tmp_path / "voxels.raw").write_bytes(ARRAY.astype("<i2").tobytes())
    path = detached(tmp_path, make, "voxels.raw")
    with pytest.raises(VolumeError, match="as one file"):
        read_volume(path, detached=False)


@pytest.mark.parametrize("make", [nrrd, metaimage])
@pytest.mark.parametrize("left", [0, 1, ARRAY.nbytes - 1])
def test_a_second_file_that_was_cut_off_is_incomplete(
    tmp_path: Path, make: object, left: int
) -> None:
    (tmp_path / "voxels.raw").write_bytes(ARRAY.astype("<i2").tobytes()[:left])
    with pytest.raises(VolumeError, match=r"voxels.raw is incomplete"):
        read_volume(detached(tmp_path, make, "voxels.raw"))


def test_a_pair_of_header_and_image_is_read_by_either_name_and_checked(tmp_path: Path) -> None:
    image = sitk.GetImageFromArray(ARRAY)
    sitk.WriteImage(image, str(tmp_path / "scan.img"))
    voxels = tmp_path / "scan.img"
    for name in ("scan.hdr", "scan.img"):
        assert np.array_equal(read_volume(tmp_path / name).array, ARRAY)
    with pytest.raises(VolumeError, match="as one file"):
        read_volume(tmp_path / "scan.hdr", detached=False)
    voxels.write_bytes(voxels.read_bytes()[:-2])
    with pytest.raises(VolumeError, match="incomplete"):
        read_volume(tmp_path / "scan.hdr")
    voxels.unlink()
    with pytest.raises(VolumeError, match="not there"):
        read_volume(tmp_path / "scan.hdr")
