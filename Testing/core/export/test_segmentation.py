"""Files on disk, read back with SimpleITK and with this package's own reader."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.errors import SegmentationError
from masam_core.export.formats import label_image as label_image_module
from masam_core.export.formats import slicer_segmentation
from masam_core.export.formats.label_image import label_image
from masam_core.export.segmentation import write_probability, write_segmentation
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume, read_labels
from masam_core.lesion.terminology import MASS, TUMOUR_TYPES


@pytest.fixture
def apart(oblique_volume, make_lesion):
    return [
        make_lesion(oblique_volume, (1, 2, 3), (3, 4, 6), name="Primary"),
        make_lesion(oblique_volume, (5, 7, 2), (6, 9, 4), name="Métastase: foie | S\\8\nseconde"),
    ]


@pytest.fixture
def overlapping(oblique_volume, make_lesion):
    return [
        make_lesion(oblique_volume, (1, 2, 3), (3, 4, 6), name="A"),
        make_lesion(oblique_volume, (3, 4, 6), (5, 6, 8), name="B"),
        make_lesion(oblique_volume, (6, 7, 8), (7, 8, 9), name="C"),
    ]


def header(path):
    text = path.read_bytes().split(b"\n\n", 1)[0].decode("utf-8")
    return dict(line.split(":=", 1) for line in text.splitlines() if ":=" in line)


def centroid_lps(image, value, component=None):
    """Centroid of a label in mm by ITK alone."""
    if component is not None:
        image = sitk.VectorIndexSelectionCast(image, component)
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.Execute(image)
    return shape.GetCentroid(value)


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".nrrd", ".mha"])
def test_a_label_image_lies_on_the_images_own_grid(oblique_volume, apart, tmp_path, suffix):
    path = tmp_path / f"labels{suffix}"
    assert write_segmentation(path, apart, oblique_volume) == ()
    image = sitk.ReadImage(str(path))
    assert image.GetPixelID() == sitk.sitkUInt8
    labels, geometry = read_labels(path)
    assert geometry.same_grid(oblique_volume.geometry)
    expected = 1 * apart[0].mask_on_volume() + 2 * apart[1].mask_on_volume()
    np.testing.assert_array_equal(labels, expected)
    for value, lesion in enumerate(apart, start=1):
        assert centroid_lps(image, value) == pytest.approx(
            lesion.measurements.centroid_lps, abs=1e-4
        )
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_shared_voxels_stay_with_the_earlier_lesion_and_are_reported(
    oblique_volume, overlapping, tmp_path
):
    path = tmp_path / "labels.nii.gz"
    (message,) = write_segmentation(path, overlapping, oblique_volume)
    assert message.startswith("'B' shares 1 voxels with 'A'")
    assert ".seg.nrrd" in message
    labels, _ = read_labels(path)
    assert labels[3, 4, 6] == 1
    assert np.bincount(labels.ravel())[1:].tolist() == [36, 26, 8]


def test_more_lesions_than_a_byte_can_count(oblique_volume, make_lesion, tmp_path):
    spots = [(k, j, i) for k in range(9) for j in range(14) for i in range(3)][:300]
    lesions = [make_lesion(oblique_volume, spot, spot) for spot in spots]
    labels, _ = label_image(lesions, oblique_volume.geometry.shape)
    assert labels.dtype == np.uint16
    assert labels[spots[299]] == 300
    write_segmentation(tmp_path / "out.seg.nrrd", lesions, oblique_volume)
    image = sitk.ReadImage(str(tmp_path / "out.seg.nrrd"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), labels)


def test_a_slicer_segmentation_read_with_simpleitk(oblique_volume, apart, tmp_path):
    path = tmp_path / "out.seg.nrrd"
    assert write_segmentation(path, apart, oblique_volume) == ()
    image = sitk.ReadImage(str(path))
    np.testing.assert_array_equal(
        sitk.GetArrayFromImage(image), 1 * apart[0].mask_on_volume() + 2 * apart[1].mask_on_volume()
    )
    assert Geometry.from_sitk(image).same_grid(oblique_volume.geometry, 1e-9)
    fields = header(path)
    assert fields["Segment0_Name"] == "Primary"
    assert fields["Segment1_Name"] == "Métastase: foie | S/8 seconde"
    assert fields["Segment0_Extent"] == "3 6 2 4 1 3"
    assert (fields["Segment1_Layer"], fields["Segment1_LabelValue"]) == ("0", "2")
    assert f"TerminologyEntry:{MASS.entry}|" in fields["Segment0_Tags"]
    assert len({fields["Segment0_ID"], fields["Segment1_ID"]}) == 2


def test_where_a_mask_came_from_is_kept_with_it(oblique_volume, apart, tmp_path):
    path = tmp_path / "out.seg.nrrd"
    write_segmentation(path, apart, oblique_volume, kind=TUMOUR_TYPES["primary"])
    pairs = header(path)["Segment0_Tags"].strip("|").split("|")
    tags = dict(pair.split(":", 1) for pair in pairs)
    assert tags["TerminologyEntry"].split("~")[2] == "SCT^86049000^Neoplasm, Primary"
    assert tags["MASAM.Model"] == "test-model"
    assert tags["MASAM.Confidence"] == "0.8750"
    assert tags["MASAM.Version"]
    corners = np.array(tags["MASAM.BoxCornersLPS"].split(), float).reshape(8, 3)
    back = oblique_volume.geometry.ijk_from_lps(corners)
    np.testing.assert_allclose(back, apart[0].box.corners_ijk, atol=1e-3)


def test_overlapping_lesions_stay_whole_in_layers(oblique_volume, overlapping, tmp_path):
    path = tmp_path / "out.seg.nrrd"
    assert write_segmentation(path, overlapping, oblique_volume) == ()
    fields = header(path)
    assert [fields[f"Segment{n}_Layer"] for n in range(3)] == ["0", "1", "0"]
    image = sitk.ReadImage(str(path))
    assert image.GetNumberOfComponentsPerPixel() == 2
    layers = sitk.GetArrayFromImage(image)
    for number, (layer, lesion) in enumerate(zip((0, 1, 0), overlapping, strict=True), start=1):
        np.testing.assert_array_equal(layers[..., layer] == number, lesion.mask_on_volume())
        assert centroid_lps(image, number, layer) == pytest.approx(
            lesion.measurements.centroid_lps, abs=1e-6
        )


def test_the_same_lesions_make_the_same_bytes(oblique_volume, overlapping, tmp_path):
    for name in ("a.seg.nrrd", "b.seg.nrrd"):
        write_segmentation(tmp_path / name, overlapping, oblique_volume)
    assert (tmp_path / "a.seg.nrrd").read_bytes() == (tmp_path / "b.seg.nrrd").read_bytes()


def test_no_lesion_and_an_empty_lesion_can_be_written(oblique_volume, make_lesion, tmp_path):
    empty = make_lesion(oblique_volume, (1, 1, 1), (2, 2, 2), mask=np.zeros((2, 2, 2), dtype=bool))
    for name, lesions in (("none", []), ("empty", [empty])):
        for suffix in (".seg.nrrd", ".nii.gz"):
            path = tmp_path / (name + suffix)
            write_segmentation(path, lesions, oblique_volume)
            assert not sitk.GetArrayFromImage(sitk.ReadImage(str(path))).any()
    assert header(tmp_path / "empty.seg.nrrd")["Segment0_Extent"] == "0 -1 0 -1 0 -1"


def test_probabilities_of_several_lesions_are_joined_by_the_highest(
    oblique_volume, overlapping, tmp_path
):
    overlapping[1].probability[:] = 0.95
    path = tmp_path / "p.nii.gz"
    write_probability(path, overlapping, oblique_volume)
    image = sitk.ReadImage(str(path))
    assert image.GetPixelID() == sitk.sitkFloat32
    expected = np.max([lesion.probability_on_volume() for lesion in overlapping], axis=0)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), expected)
    assert Geometry.from_sitk(image).same_grid(oblique_volume.geometry)


@pytest.mark.parametrize("name", ["out.stl", "out", ".nrrd"])
def test_a_name_ending_that_means_nothing_is_refused(oblique_volume, apart, tmp_path, name):
    with pytest.raises(SegmentationError, match=r"\.seg\.nrrd, \.nii\.gz, \.nii, \.nrrd, \.mha"):
        write_segmentation(tmp_path / name, apart, oblique_volume)


def test_a_probability_map_is_no_segmentation(oblique_volume, apart, tmp_path):
    with pytest.raises(SegmentationError, match="is an image"):
        write_probability(tmp_path / "p.seg.nrrd", apart, oblique_volume)


def test_lesions_of_another_image_are_refused(oblique_volume, apart, tmp_path):
    geometry = oblique_volume.geometry
    moved = Geometry.from_spacing(
        geometry.shape, geometry.spacing, geometry.origin + 5, geometry.direction
    )
    other = Volume(oblique_volume.array, moved, "CT", "another")
    for write in (write_segmentation, write_probability):
        with pytest.raises(SegmentationError, match="another image"):
            write(tmp_path / "out.nii.gz", apart, other)


def test_colours_must_match_the_lesions(oblique_volume, apart, tmp_path):
    path = tmp_path / "out.seg.nrrd"
    write_segmentation(path, apart, oblique_volume, colors=[(1, 0, 0), (0, 0.5, 1)])
    assert header(path)["Segment1_Color"] == "0 0.5 1"
    with pytest.raises(SegmentationError, match="received 1 for 2"):
        write_segmentation(path, apart, oblique_volume, colors=[(1, 0, 0)])


@pytest.mark.parametrize("name", ["out.seg.nrrd", "out.nii.gz"])
def test_a_failed_write_leaves_the_old_file_and_no_litter(
    oblique_volume, apart, tmp_path, monkeypatch, name
):
    path = tmp_path / name
    path.write_bytes(b"old")

    def full_disk(file, *_args, **_kwargs):
        with open(file, "wb") as opened:
            opened.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(slicer_segmentation, "write_seg_nrrd", full_disk)
    monkeypatch.setattr(
        label_image_module.sitk, "WriteImage", lambda _image, file, **_options: full_disk(file)
    )
    with pytest.raises(SegmentationError, match="the disk is full"):
        write_segmentation(path, apart, oblique_volume)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_named(oblique_volume, apart, tmp_path):
    with pytest.raises(SegmentationError, match=r"folder .* does not exist"):
        write_segmentation(tmp_path / "no" / "out.seg.nrrd", apart, oblique_volume)
