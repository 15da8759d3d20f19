"""DICOM SEG: checked by the validator, and placed again by other means than ours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

import masam_core
from masam_core.errors import SegmentationError
from masam_core.export.segmentation import write_lesions
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume, read_volume
from masam_core.lesion.organs import term_of
from masam_core.lesion.terminology import TUMOUR_TYPES
from Testing.core.export.dicom.making import PATIENT, faults, lesion_of, read, two_masks
from Testing.core.image.formats.dicom.making import ARRAY, enhanced


def placed(path: Path, volume: Volume, number: int) -> np.ndarray:
    """A segment on the image's voxels, by the positions of its frames and ITK's arithmetic."""
    dataset = pydicom.dcmread(path)
    grid = sitk.Image(*volume.geometry.size_ijk, sitk.sitkUInt8)
    volume.geometry.apply_to_sitk(grid)
    found = np.zeros(volume.array.shape, bool)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    axes = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
    row_mm, column_mm = map(float, shared.PixelMeasuresSequence[0].PixelSpacing)
    frames = dataset.pixel_array.reshape(-1, *found.shape[1:])
    for group, frame in zip(dataset.PerFrameFunctionalGroupsSequence, frames, strict=True):
        holder = group if "SegmentIdentificationSequence" in group else shared
        if holder.SegmentIdentificationSequence[0].ReferencedSegmentNumber != number:
            continue
        start = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        for row, column in np.argwhere(frame):
            point = start + column * column_mm * axes[:3] + row * row_mm * axes[3:]
            i, j, k = grid.TransformPhysicalPointToIndex(point.tolist())
            found[k, j, i] = True
    return found


def test_each_lesion_is_a_segment_voxel_for_voxel(tmp_path: Path) -> None:
    volume = read(tmp_path / "s")
    masks = two_masks(volume.array.shape)
    lesions = [lesion_of(m, volume, f"Liver {n}") for n, m in enumerate(masks, 1)]
    path = tmp_path / "out.seg.dcm"
    assert write_lesions(path, lesions, volume, kind=TUMOUR_TYPES["metastasis"]) == ()
    assert faults(path) == []
    for number, mask in enumerate(masks, 1):
        assert np.array_equal(placed(path, volume, number), mask)
    # highdicom's own reader puts the frames where the images named in them are.
    order = [name.uid for name in volume.geometry.images.slices]
    segments = hd.seg.segread(path)
    by_source = segments.get_pixels_by_source_instance(order, assert_missing_frames_are_empty=True)
    assert np.array_equal(np.moveaxis(by_source, -1, 0).astype(bool), masks)


def test_classes_of_a_model_keep_their_terms_and_what_was_not_found_is_no_segment(
    tmp_path: Path,
) -> None:
    volume = read(tmp_path / "s")
    left, right = two_masks(volume.array.shape)
    masks = {"left kidney": left, "spleen": left, "liver": right}
    lesions = [replace(lesion_of(m, volume, n), term=term_of(n)) for n, m in masks.items()]
    lesions[1] = replace(lesions[1], mask=np.zeros_like(lesions[1].mask))
    path = tmp_path / "organs.seg.dcm"
    write_lesions(path, lesions, volume)
    assert faults(path) == []
    found = pydicom.dcmread(path).SegmentSequence
    assert [one.SegmentLabel for one in found] == ["left kidney", "liver"]
    kinds = [one.SegmentedPropertyTypeCodeSequence[0] for one in found]
    assert [kind.CodeValue for kind in kinds] == ["64033007", "10200004"]
    assert {one.SegmentedPropertyCategoryCodeSequence[0].CodeValue for one in found} == {
        "123037004"
    }
    (side,) = kinds[0].SegmentedPropertyTypeModifierCodeSequence
    assert (side.CodeValue, side.CodeMeaning) == ("7771000", "Left")
    assert "SegmentedPropertyTypeModifierCodeSequence" not in kinds[1]
    # The structure set takes the same ones.
    write_lesions(tmp_path / "organs.rt.dcm", lesions, volume)
    names = pydicom.dcmread(tmp_path / "organs.rt.dcm").StructureSetROISequence
    assert [one.ROIName for one in names] == ["left kidney", "liver"]


def test_itk_finds_the_frames_where_the_image_has_them(tmp_path: Path) -> None:
    """A single lesion on every slice is a volume for ITK, which knows nothing of segments."""
    volume = read(tmp_path / "s")
    mask = np.zeros(volume.array.shape, bool)
    mask[:, 3:7, 2:6] = True
    mask[0, 3, 2] = mask[-1, 6, 5] = False
    path = tmp_path / "out.seg.dcm"
    write_lesions(path, [lesion_of(mask, volume)], volume)
    found = sitk.ReadImage(str(path))
    onto = sitk.Image(*volume.geometry.size_ijk, sitk.sitkUInt8)
    volume.geometry.apply_to_sitk(onto)
    back = sitk.Resample(found, onto, sitk.Transform(), sitk.sitkNearestNeighbor)
    assert np.array_equal(sitk.GetArrayFromImage(back) > 0, mask)


def test_patient_study_codes_and_maker_are_named(tmp_path: Path) -> None:
    volume = read(tmp_path / "s")
    (mask, _) = two_masks(volume.array.shape)
    for name in ("a.seg.dcm", "b.seg.dcm"):
        write_lesions(tmp_path / name, [lesion_of(mask, volume, "Leber\\ä\n" + "x" * 80)], volume)
    one, other = (hd.seg.segread(tmp_path / name) for name in ("a.seg.dcm", "b.seg.dcm"))
    for keyword, value in PATIENT.items():
        if keyword not in ("SeriesNumber", "SpecificCharacterSet"):
            assert str(one[keyword].value) == str(value)
    assert one.SOPInstanceUID != other.SOPInstanceUID
    assert one.SeriesInstanceUID not in (other.SeriesInstanceUID, "1.2.3.4")
    (description,) = one.SegmentSequence
    assert description.SegmentLabel == f"Leber/ä {'x' * 55}"
    assert description.segmented_property_type.value == "4147007"
    assert description.algorithm_identification.version == masam_core.__version__
    assert description.algorithm_identification.parameters == {"model": "tiny"}
    # The same box in the same study is the same lesion.
    assert description.tracking_uid == other.SegmentSequence[0].tracking_uid
    (referenced,) = one.ReferencedSeriesSequence
    assert referenced.SeriesInstanceUID == "1.2.3.4"
    named = {i.ReferencedSOPInstanceUID for i in referenced.ReferencedInstanceSequence}
    assert named == {name.uid for name in volume.geometry.images.slices}


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("ISO_IR 144", "Муромец^Илья"),
        ("ISO_IR 100", "Müller^Jörg"),
    ],
)
def test_names_in_other_character_sets_stay_what_they_are(
    tmp_path: Path, charset: object, name: str
) -> None:
    tags = {"SpecificCharacterSet": charset, "PatientName": name, "StudyDescription": "ascii"}
    volume = read(tmp_path / "s", **tags)
    write_lesions(
        tmp_path / "a.seg.dcm", [lesion_of(two_masks(volume.array.shape)[0], volume)], volume
    )
    assert str(pydicom.dcmread(tmp_path / "a.seg.dcm").PatientName) == name
    assert faults(tmp_path / "a.seg.dcm") == []


def test_frames_of_one_file_are_named_by_their_numbers(tmp_path: Path) -> None:
    order = [3, 1, 0, 2, 7, 6, 5, 4]
    path = enhanced(tmp_path / "s" / "e.dcm", order)
    dataset = pydicom.dcmread(path)
    for keyword, value in PATIENT.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)
    volume = read_volume(path)
    masks = two_masks(volume.array.shape)
    target = tmp_path / "out.seg.dcm"
    write_lesions(target, [lesion_of(mask, volume) for mask in masks], volume)
    assert faults(target) == []
    assert np.array_equal(placed(target, volume, 1), masks[0])
    made = pydicom.dcmread(target)
    assert len(made.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == 1
    for group in made.PerFrameFunctionalGroupsSequence:
        z = float(group.PlanePositionSequence[0].ImagePositionPatient[2])
        (source,) = group.DerivationImageSequence[0].SourceImageSequence
        assert source.ReferencedSOPInstanceUID == dataset.SOPInstanceUID
        assert order[source.ReferencedFrameNumber - 1] == round(z / 3)


def test_an_empty_mask_is_left_out_and_told_and_nothing_alone_is_refused(tmp_path: Path) -> None:
    volume = read(tmp_path / "s")
    full = lesion_of(two_masks(volume.array.shape)[0], volume, "Full")
    empty = lesion_of(full.mask_on_volume(), volume, "None")
    empty.mask[:] = False
    (note,) = write_lesions(tmp_path / "a.seg.dcm", [empty, full], volume)
    assert note.startswith("'None' has no voxel")
    (description,) = pydicom.dcmread(tmp_path / "a.seg.dcm").SegmentSequence
    assert (description.SegmentNumber, description.SegmentLabel) == (1, "Full")
    with pytest.raises(SegmentationError, match="no voxel to write"):
        write_lesions(tmp_path / "b.seg.dcm", [empty], volume)
    assert not (tmp_path / "b.seg.dcm").exists()


def test_more_lesions_than_a_byte_counts(tmp_path: Path) -> None:
    volume = read(tmp_path / "s", array=np.zeros((4, 20, 20), np.int16))
    lesions = []
    for number in range(300):
        mask = np.zeros(volume.array.shape, bool)
        mask[number % 4, number // 20, number % 20] = True
        lesions.append(lesion_of(mask, volume, f"L{number}"))
    write_lesions(tmp_path / "a.seg.dcm", lesions, volume)
    segments = hd.seg.segread(tmp_path / "a.seg.dcm")
    assert segments.number_of_segments == 300
    for number in (1, 255, 256, 257, 300):
        assert np.array_equal(
            placed(tmp_path / "a.seg.dcm", volume, number), lesions[number - 1].mask_on_volume()
        )
    uids = {d.tracking_uid for d in segments.SegmentSequence}
    assert len(uids) == 300


def test_an_image_that_is_no_dicom_is_refused_by_name(tmp_path: Path) -> None:
    grid = Geometry.from_spacing(ARRAY.shape)
    volume = Volume(ARRAY, grid)
    lesion = lesion_of(two_masks(ARRAY.shape)[0], volume)
    with pytest.raises(SegmentationError, match=r"'a\.seg\.dcm'.*no DICOM series.*\.seg\.nrrd"):
        write_lesions(tmp_path / "a.seg.dcm", [lesion], volume)


def test_what_the_images_lack_is_named(tmp_path: Path) -> None:
    volume = read(tmp_path / "s", StudyInstanceUID=None)
    lesion = lesion_of(two_masks(ARRAY.shape)[0], volume)
    with pytest.raises(SegmentationError, match="Study Instance UID"):
        write_lesions(tmp_path / "a.seg.dcm", [lesion], volume)
    volume = read(tmp_path / "t", FrameOfReferenceUID=None, PatientName=None, PatientSex="?")
    lesion = lesion_of(two_masks(ARRAY.shape)[0], volume)
    (note,) = write_lesions(tmp_path / "a.seg.dcm", [lesion], volume)
    assert "frame of reference" in note
    assert np.array_equal(placed(tmp_path / "a.seg.dcm", volume, 1), lesion.mask_on_volume())


def test_the_patient_stays_out_of_words(tmp_path: Path) -> None:
    volume = read(tmp_path / "s")
    shown = repr(volume) + repr(volume.geometry) + repr(volume.geometry.images)
    assert "Муромец" not in shown
    assert "MRN-4711" not in shown
