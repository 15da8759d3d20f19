"""DICOM SR: checked by the validator, read by highdicom, its numbers compared with the lesion's."""

from __future__ import annotations

from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest

from masam_core.export.segmentation import write_files, write_lesions
from masam_core.lesion.diameter_plane import DiameterPlane
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.measure import measure
from Testing.core.export.dicom.making import faults, lesion_of, read, two_masks


def numbers(group: hd.sr.templates.Template) -> dict[tuple[str, str], tuple[float, str]]:
    """Values and units of a group, by code and derivation."""
    found = {}
    for item in group.get_measurements():
        derivation = item.derivation.meaning if item.derivation is not None else ""
        found[item.name.meaning, derivation] = (float(item.value), item.unit.value)
    return found


def test_a_report_beside_a_segmentation_names_its_segments(tmp_path: Path) -> None:
    volume = read(tmp_path / "s")
    masks = two_masks(volume.array.shape)
    lesions = [lesion_of(m, volume, f"Liver {n}") for n, m in enumerate(masks, 1)]
    report, segments = tmp_path / "r.sr.dcm", tmp_path / "s.seg.dcm"
    assert write_files([report, segments], lesions, volume) == ()
    assert faults(report) == []
    made, seg = hd.sr.srread(report), hd.seg.segread(segments)
    assert made.StudyInstanceUID == "1.2.3.99"
    assert str(made.PatientName) == "Муромец^Илья"
    regions = made.content.get_volumetric_roi_measurement_groups()
    assert len(regions) == 2
    for number, (region, lesion) in enumerate(zip(regions, lesions, strict=True), 1):
        assert region.tracking_uid == seg.SegmentSequence[number - 1].tracking_uid
        assert region.tracking_identifier == lesion.name
        reference = region.referenced_segment
        assert reference.referenced_sop_instance_uid == seg.SOPInstanceUID
        values = volume.array[lesion.mask_on_volume()]
        expected = {
            ("Volume", ""): (masks[number - 1].sum() * 0.75 * 1.5 * 3 / 1000, "mL"),
            ("Attenuation Coefficient", "Mean"): (values.mean(), "[hnsf'U]"),
            ("Attenuation Coefficient", "Standard Deviation"): (values.std(), "[hnsf'U]"),
        }
        found = numbers(region)
        assert set(found) == set(expected)
        for key, (value, unit) in expected.items():
            assert found[key][1] == unit
            assert found[key][0] == pytest.approx(value, abs=1e-3)


def lines(path: Path) -> list[tuple[str, float, str, np.ndarray, pydicom.Dataset]]:
    """Every number with coordinates in a report: what, value, kind, coordinates, item."""
    found = []

    def look(item: pydicom.Dataset) -> None:
        for child in item.get("ContentSequence", []):
            for inner in child.get("ContentSequence", []):
                if child.ValueType == "NUM" and inner.ValueType in ("SCOORD", "SCOORD3D"):
                    found.append(
                        (
                            child.ConceptNameCodeSequence[0].CodeMeaning,
                            float(child.MeasuredValueSequence[0].NumericValue),
                            inner.ValueType,
                            np.array(inner.GraphicData, float),
                            inner,
                        )
                    )
            look(child)

    look(pydicom.dcmread(path))
    return found


def test_diameters_are_drawn_on_their_image(tmp_path: Path) -> None:
    """Lengths again, from pixels and the named image's own spacing."""
    folder = tmp_path / "s"
    volume = read(folder)
    lesion = lesion_of(two_masks(volume.array.shape)[0], volume)
    path = tmp_path / "a.sr.dcm"
    (note,) = write_lesions(path, [lesion], volume)
    assert "no .seg.dcm" in note
    assert faults(path) == []
    sources = {d.SOPInstanceUID: d for d in map(pydicom.dcmread, folder.iterdir())}
    drawn = lines(path)
    assert [what for what, *_ in drawn] == ["Long axis", "Short axis"]
    expected = lesion.measurements
    for (_, value, kind, data, item), ends in zip(
        drawn, (expected.diameter_endpoints_lps, expected.perpendicular_endpoints_lps), strict=True
    ):
        assert kind == "SCOORD"
        source = sources[item.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID]
        row_mm, column_mm = map(float, source.PixelSpacing)
        axes = np.array(source.ImageOrientationPatient, float)
        start = np.array(source.ImagePositionPatient, float)
        points = [
            start + (x - 0.5) * column_mm * axes[:3] + (y - 0.5) * row_mm * axes[3:]
            for x, y in data.reshape(-1, 2)
        ]
        assert np.linalg.norm(points[1] - points[0]) == pytest.approx(value, abs=1e-3)
        np.testing.assert_allclose(points, ends, atol=1e-3)


def test_diameters_across_the_slices_are_drawn_in_space(tmp_path: Path) -> None:
    volume = read(tmp_path / "s")
    lesion: Lesion = lesion_of(two_masks(volume.array.shape)[0], volume)
    lesion.measurements = measure(
        lesion.mask, lesion.offset_kji, volume, plane=DiameterPlane.CORONAL
    )
    write_files([tmp_path / "a.sr.dcm", tmp_path / "a.seg.dcm"], [lesion], volume)
    assert faults(tmp_path / "a.sr.dcm") == []
    for (_, value, kind, data, item), ends in zip(
        lines(tmp_path / "a.sr.dcm"),
        (
            lesion.measurements.diameter_endpoints_lps,
            lesion.measurements.perpendicular_endpoints_lps,
        ),
        strict=True,
    ):
        assert kind == "SCOORD3D"
        assert item.ReferencedFrameOfReferenceUID == "1.2.3.5"
        np.testing.assert_allclose(data.reshape(2, 3), ends, atol=1e-3)
        assert np.linalg.norm(np.diff(data.reshape(2, 3), axis=0)) == pytest.approx(value, abs=1e-3)


@pytest.mark.parametrize(
    ("modality", "tags", "unit"),
    [("MR", {}, "1"), ("PT", {"Units": "BQML"}, "Bq/ml"), ("PT", {"Units": "GML"}, "1")],
)
def test_values_have_the_unit_that_the_images_say(
    tmp_path: Path, modality: str, tags: dict[str, str], unit: str
) -> None:
    volume = read(tmp_path / "s", Modality=modality, **tags)
    lesion = lesion_of(two_masks(volume.array.shape)[0], volume)
    write_lesions(tmp_path / "a.sr.dcm", [lesion], volume)
    assert faults(tmp_path / "a.sr.dcm") == []
    (group,) = hd.sr.srread(tmp_path / "a.sr.dcm").content.get_image_measurement_groups()
    assert {u for (_, derivation), (_, u) in numbers(group).items() if derivation} == {unit}
