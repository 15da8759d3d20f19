"""Values and positions equal ITK's, whose readers are others than ours; written and read back."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from masam_core.image.geometry import Geometry
from masam_core.image.plain_nrrd import write_plain_nrrd
from masam_core.image.volume import read_volume

SETTINGS = settings(max_examples=25, deadline=None)
TYPES = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "float32", "float64"]


@st.composite
def images(draw: st.DrawFn) -> sitk.Image:
    """Any size, type, spacing and orientation."""
    shape = draw(st.tuples(*[st.integers(1, 5)] * 3))
    dtype = np.dtype(draw(st.sampled_from(TYPES)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    image = sitk.GetImageFromArray(rng.integers(0, 120, shape).astype(dtype))
    image.SetSpacing(draw(st.tuples(*[st.floats(0.2, 8)] * 3)))
    image.SetOrigin(draw(st.tuples(*[st.floats(-300, 300)] * 3)))
    angles = draw(st.tuples(*[st.sampled_from([0, 90, 180, 17.5, -123.25])] * 3))
    signs = draw(st.tuples(*[st.sampled_from([1.0, -1.0])] * 3))
    direction = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * signs
    image.SetDirection(direction.flatten().tolist())
    return image


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("images")


@pytest.mark.parametrize(
    ("ending", "packed"),
    [
        (".nii", False),
        (".nii.gz", True),
        (".img", False),
        (".nrrd", False),
        (".nrrd", True),
        (".nhdr", True),
        (".mha", False),
        (".mha", True),
        (".mhd", False),
        (".mhd", True),
    ],
)
@given(image=images())
@SETTINGS
def test_what_itk_writes_is_read_as_itk_reads_it(
    folder: Path, ending: str, packed: bool, image: sitk.Image
) -> None:
    # A name for each ending: of scan.nii and scan.nii.gz in one folder ITK reads the wrong one.
    path = folder / f"{ending.replace('.', '')}{ending}"
    sitk.WriteImage(image, str(path), useCompression=packed)
    expected = sitk.ReadImage(str(path))
    found = read_volume(path)
    np.testing.assert_array_equal(found.array, sitk.GetArrayFromImage(expected))
    assert found.array.dtype == sitk.GetArrayFromImage(expected).dtype
    far = [n - 1 for n in image.GetSize()]
    for index in ([0, 0, 0], far, [far[0], 0, far[2]]):
        place = expected.TransformContinuousIndexToPhysicalPoint([float(n) for n in index])
        np.testing.assert_allclose(found.geometry.lps_from_ijk([index])[0], place, atol=2e-3)


@given(image=images())
@SETTINGS
def test_what_we_hand_to_other_processes_is_read_by_itk(folder: Path, image: sitk.Image) -> None:
    array = sitk.GetArrayFromImage(image)
    write_plain_nrrd(folder / "plain.nrrd", array, Geometry.from_sitk(image))
    found = sitk.ReadImage(str(folder / "plain.nrrd"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(found), array)
    for part in ("GetSpacing", "GetOrigin", "GetDirection"):
        np.testing.assert_allclose(getattr(found, part)(), getattr(image, part)(), atol=1e-9)


FORMS = st.fixed_dictionaries(
    {
        "qform": st.sampled_from([0, 1, 2]),
        "sform": st.sampled_from([0, 1, 2, 4]),
        "apart": st.booleans(),
        "unit": st.sampled_from([0, 1, 2, 3]),
        "scale": st.sampled_from([(0.0, 0.0), (1.0, 0.0), (2.0, -1024.0), (0.1, 3.0)]),
        "order": st.sampled_from("<>"),
        "angle": st.sampled_from([0.0, 90.0, 33.0]),
    }
)


@given(form=FORMS)
@settings(max_examples=60, deadline=None)
def test_every_form_of_nifti_is_placed_where_itk_places_it(folder: Path, form: dict) -> None:
    """With sform, qform, both, neither; in other units, scaled, in the other byte order."""
    rotation = Rotation.from_euler("z", form["angle"], degrees=True)
    b, c, d = rotation.as_quat()[:3]
    pixdim = (2.0, 3.0, 4.0)
    affine = np.column_stack([rotation.as_matrix() * pixdim, (-5.0, 7.0, 9.0)])
    if form["apart"]:
        affine[:, 3] += 11.0
    header = bytearray(352)

    def put(fields: str, at: int, *values: float) -> None:
        struct.pack_into(form["order"] + fields, header, at, *values)

    put("i", 0, 348)
    put("8h", 40, 3, 2, 3, 4, 1, 1, 1, 1)
    put("hh", 70, 4, 16)
    put("8f", 76, 1, *pixdim, 0, 0, 0, 0)
    put("f", 108, 352)
    put("2f", 112, *form["scale"])
    header[123] = form["unit"]
    put("2h", 252, form["qform"], form["sform"])
    put("6f", 256, b, c, d, -5.0, 7.0, 9.0)
    put("12f", 280, *affine.flatten())
    header[344:348] = b"n+1\0"
    path = folder / "forms.nii"
    path.write_bytes(bytes(header) + np.arange(24).astype(form["order"] + "i2").tobytes())
    expected, found = sitk.ReadImage(str(path)), read_volume(path)
    np.testing.assert_allclose(found.array, sitk.GetArrayFromImage(expected), rtol=1e-6)
    for index in ([0, 0, 0], [1, 2, 3]):
        place = expected.TransformContinuousIndexToPhysicalPoint([float(n) for n in index])
        np.testing.assert_allclose(found.geometry.lps_from_ijk([index])[0], place, rtol=1e-5)
    assert bool(found.notes) == (form["qform"] == form["sform"] == 0)
