"""DICOM series in, DICOM objects out, by the words typed."""

from __future__ import annotations

import json
from pathlib import Path

import highdicom as hd
import pydicom
import SimpleITK as sitk

from masam_core.image.volume import read_volume
from masam_core.prompts.dicom.regions import read_regions
from Testing.core.cli.conftest import Masam
from Testing.core.cli.test_segment import whole
from Testing.core.export.dicom.making import SECRETS, faults, patient_series
from Testing.core.prompts.dicom.making import drawn, group, number, report

BOX = ("--box", 2, 6, 3, 8, 2, 5)


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def test_a_series_becomes_a_segmentation_of_its_patient(
    masam: Masam, tiny_model: Path, tmp_path: Path
) -> None:
    scan, target = patient_series(tmp_path / "scan"), tmp_path / "lesion.seg.dcm"
    result = masam("segment", scan, "-o", target, *BOX, *whole(tiny_model))
    assert result.exit_code == 0, result.output
    made = pydicom.dcmread(target)
    assert (made.PatientID, made.StudyInstanceUID) == ("MRN-4711", "1.2.3.99")
    assert made.pixel_array.sum() == 5 * 6 * 4
    assert not any(secret in result.output for secret in SECRETS)
    assert faults(target) == []


def test_a_file_made_of_a_series_gives_results_that_belong_to_it(
    masam: Masam, tiny_model: Path, tmp_path: Path
) -> None:
    scan = patient_series(tmp_path / "scan")
    volume = read_volume(scan)
    written = sitk.GetImageFromArray(volume.array)
    volume.geometry.apply_to_sitk(written)
    flipped = sitk.Flip(written, [False, True, False], False)  # rows as NIfTI has them
    image = tmp_path / "scan.nii.gz"
    sitk.WriteImage(flipped, str(image))
    targets = [tmp_path / f"x{ending}" for ending in (".seg.dcm", ".sr.dcm", ".nii.gz")]
    given = [word for path in targets for word in ("-o", path)]
    words = ("segment", image, *given, *BOX, "--modality", "CT", *whole(tiny_model))
    alone = masam(*words)
    assert alone.exit_code == 1
    assert "--reference" in alone.stderr
    result = masam(*words, "--reference", scan)
    assert result.exit_code == 0, result.output
    assert not any(secret in result.output for secret in SECRETS)
    made = pydicom.dcmread(targets[0])
    assert (made.PatientID, made.StudyInstanceUID) == ("MRN-4711", "1.2.3.99")
    assert pydicom.dcmread(targets[1]).StudyInstanceUID == "1.2.3.99"
    (region,) = read_regions(targets[0], volume.geometry)
    label = sitk.Flip(sitk.ReadImage(str(targets[2])), [False, True, False], False)
    assert (region.mask() == (sitk.GetArrayFromImage(label) > 0)).all()
    assert region.mask().any()
    for path in targets[:2]:
        assert faults(path) == []
    pointless = masam("segment", image, "-o", targets[2], *BOX, "--reference", scan)
    assert "--reference is for DICOM results" in pointless.stderr


def test_what_can_not_be_written_is_told_before_the_work(
    masam: Masam, image: Path, tmp_path: Path
) -> None:
    words = ("segment", image, "-o", tmp_path / "a.seg.dcm", *BOX, "--model", "no such model")
    result = masam(*words)
    assert result.exit_code == 1
    assert "no DICOM series" in result.stderr
    assert list(tmp_path.glob("*.dcm")) == []


def test_anonymous_results_hold_nothing_of_the_patient(
    masam: Masam, tiny_model: Path, tmp_path: Path
) -> None:
    scan = patient_series(tmp_path / "MRN-4711 Илья", SeriesDescription="Илья")
    targets = [tmp_path / f"out{ending}" for ending in (".seg.dcm", ".seg.nrrd")]
    written = [word for target in targets for word in ("-o", target)]
    further = ("--measurements", tmp_path / "out.csv", "--anonymous", "--json")
    result = masam("segment", scan, *written, *BOX, *further, *whole(tiny_model))
    assert result.exit_code == 0, result.output
    for path in (*targets, tmp_path / "out.csv"):
        assert not any(secret in text_of(path) for secret in SECRETS), path
    made = pydicom.dcmread(targets[0])
    assert made.PatientIdentityRemoved == "YES"
    assert made.PatientID.startswith("ANON")
    (referenced,) = made.ReferencedSeriesSequence
    sources = {pydicom.dcmread(path).SOPInstanceUID for path in scan.iterdir()}
    named = {i.ReferencedSOPInstanceUID for i in referenced.ReferencedInstanceSequence}
    assert len(named) == len(sources)
    assert not named & sources
    assert json.loads(result.stdout)["lesions"][0]["name"] == "Lesion 1"
    assert faults(targets[0]) == []
    again = masam("segment", scan, "-o", tmp_path / "b.seg.dcm", *BOX, *further, *whole(tiny_model))
    assert again.exit_code == 0, again.output
    other = pydicom.dcmread(tmp_path / "b.seg.dcm")
    assert other.StudyInstanceUID == made.StudyInstanceUID


def test_a_line_drawn_on_the_pacs_becomes_a_mask_and_stays_the_same_lesion(
    masam: Masam, tiny_model: Path, tmp_path: Path
) -> None:
    scan = patient_series(tmp_path / "scan")
    uid = read_volume(scan).geometry.images.slices[4].uid
    line = number(("410668003", "Length", "SCT"), 4, drawn("POLYLINE", [2, 5, 7, 5], uid))
    elsewhere = group(
        number(("410668003", "Length", "SCT"), 4, drawn("POLYLINE", [2, 5, 7, 5], "1.2.3.4.5"))
    )
    made = report(tmp_path / "sr.dcm", group(line, name="Илья 1", uid="1.2.77"), elsewhere)
    outputs = [tmp_path / f"x{ending}" for ending in (".seg.dcm", ".sr.dcm", ".rt.dcm")]
    written = [word for path in outputs for word in ("-o", path)]
    result = masam("segment", scan, "--prompts", made, *written, *whole(tiny_model))
    assert result.exit_code == 0, result.output
    assert "sr.dcm: 1 shape is drawn on other images" in " ".join(result.output.split())
    for path in outputs:
        assert faults(path) == []
    (segment,) = hd.seg.segread(outputs[0]).SegmentSequence
    assert (segment.SegmentLabel, segment.TrackingUID) == ("Илья 1", "1.2.77")
    (found,) = hd.sr.srread(outputs[1]).content.get_volumetric_roi_measurement_groups()
    assert found.tracking_uid == "1.2.77"
    # The mask is where the line is, and goes beyond its slice.
    dataset = pydicom.dcmread(outputs[0])
    assert dataset.NumberOfFrames > 1
    again = masam(
        *("segment", scan, "--prompts", made, "--only", "nobody"), *written, *whole(tiny_model)
    )
    assert again.exit_code == 1
    assert "no lesion 'nobody'" in again.stderr


def test_a_segment_is_a_mask_to_begin_with(masam: Masam, tiny_model: Path, tmp_path: Path) -> None:
    scan, first = patient_series(tmp_path / "scan"), tmp_path / "first.seg.dcm"
    two = (*BOX, "--box", 7, 9, 9, 11, 6, 7)
    assert masam("segment", scan, "-o", first, *two, *whole(tiny_model)).exit_code == 0
    words = ("segment", scan, "-o", tmp_path / "second.seg.dcm", *whole(tiny_model))
    several = masam(*words, "--mask", first)
    assert several.exit_code == 1
    assert "'lesion 1', 'lesion 2'" in several.stderr
    result = masam(*words, "--mask", first, "--only", "lesion 2", "--json")
    assert result.exit_code == 0, result.output
    (lesion,) = json.loads(result.stdout)["lesions"]
    assert lesion["name"] == "lesion 2"
    assert lesion["prompts"]["started_from_mask"]
    uids = [
        [s.TrackingUID for s in pydicom.dcmread(tmp_path / name).SegmentSequence]
        for name in ("first.seg.dcm", "second.seg.dcm")
    ]
    assert uids[1] == uids[0][1:]


def test_a_report_alone_holds_no_masks(masam: Masam, tmp_path: Path) -> None:
    scan = patient_series(tmp_path / "scan")
    result = masam("segment", scan, "-o", tmp_path / "a.sr.dcm", *BOX, "--model", "no such model")
    assert result.exit_code == 1
    assert "holds no masks" in result.stderr
