"""Lines of reports and presentation states, on the slices that they were drawn on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from masam_core.errors import BoxError
from masam_core.export.segmentation import write_files
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume, read_volume
from masam_core.prompts.first import LinePrompt, PointPrompt, SliceBoxPrompt
from masam_core.prompts.readers.registry import read_prompts
from masam_core.prompts.record import PromptRecord
from masam_core.prompts.together import records_of_files
from Testing.core.export.dicom.making import lesion_of, patient_series, read, two_masks
from Testing.core.image.formats.dicom.making import ARRAY, enhanced
from Testing.core.prompts.dicom.making import drawn, group, number, presentation, report

LONG, SHORT = ("103339001", "Long axis", "SCT"), ("G-A186", "Short Axis", "SRT")
LENGTH = ("410668003", "Length", "SCT")


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    return read(tmp_path / "scan")


def on_image(folder: Path, uid: str, data: list[float]) -> np.ndarray:
    """LPS of (column, row) pairs, by the tags of the very image that they are drawn on."""
    (found,) = [d for d in map(pydicom.dcmread, folder.iterdir()) if d.SOPInstanceUID == uid]
    axes = np.array(found.ImageOrientationPatient, float)
    row_mm, column_mm = map(float, found.PixelSpacing)
    start = np.array(found.ImagePositionPatient, float)
    return np.array(
        [
            start + (x - 0.5) * column_mm * axes[:3] + (y - 0.5) * row_mm * axes[3:]
            for x, y in np.reshape(data, (-1, 2))
        ]
    )


def test_a_long_and_a_short_axis_are_one_lesion_with_its_tracking(
    volume: Volume, tmp_path: Path
) -> None:
    uid = volume.geometry.images.slices[5].uid
    long, short = [2.5, 4.5, 7.5, 4.5], [5.0, 3.0, 5.0, 7.0]
    made = report(
        tmp_path / "sr.dcm",
        group(
            number(LONG, 3.75, drawn("POLYLINE", long, uid)),
            number(SHORT, 6.0, drawn("POLYLINE", short, uid)),
            name="Liver 1",
            uid="1.2.77",
        ),
    )
    (line,) = read_prompts(made, volume.geometry)
    assert isinstance(line, LinePrompt)
    assert (line.name, line.tracking_uid) == ("Liver 1", "1.2.77")
    np.testing.assert_allclose(line.ends_lps, on_image(tmp_path / "scan", uid, long), atol=1e-6)
    np.testing.assert_allclose(line.across_lps, on_image(tmp_path / "scan", uid, short), atol=1e-6)
    assert volume.geometry.ijk_from_lps(line.ends_lps)[:, 2] == pytest.approx(5)
    # What is stored with a result knows the lesion again.
    stored = PromptRecord(line).to_dict(volume.geometry)
    assert PromptRecord.from_dict(stored, volume.geometry).first.tracking_uid == "1.2.77"


def test_each_group_is_a_lesion_and_shapes_are_taken_for_what_they_are(
    volume: Volume, tmp_path: Path
) -> None:
    uid = volume.geometry.images.slices[2].uid
    line = drawn("POLYLINE", [1, 1, 4, 1], uid)
    outline = drawn("POLYLINE", [1, 1, 6, 1, 6, 5, 1, 5, 1, 1], uid)
    made = report(
        tmp_path / "sr.dcm",
        group(number(LENGTH, 2.25, line), number(LENGTH, 2.25, line), name="twice"),
        group(drawn("ELLIPSE", [1, 4, 5, 4, 3, 1, 3, 7], uid), name="ellipse"),
        group(drawn("CIRCLE", [4, 4, 4, 6], uid), name="circle"),
        group(outline, name="outline"),
        group(drawn("POINT", [3, 3], uid), name="point"),
        group(number(("118565006", "Volume", "SCT"), 3.0), name="number alone"),
    )
    found = read_prompts(made, volume.geometry)
    assert [prompt.name for prompt in found] == ["twice", "ellipse", "circle", "outline"]
    twice, ellipse, circle, box = found  # a point beside them is a marker
    assert twice.length_mm == pytest.approx(3 * 0.75)
    assert ellipse.length_mm == pytest.approx(6 * 1.5)  # the longer axis, though the second
    assert np.linalg.norm(np.diff(ellipse.across_lps, axis=0)) == pytest.approx(4 * 0.75)
    assert circle.length_mm == pytest.approx(4 * 1.5)
    assert isinstance(box, SliceBoxPrompt)
    ijk = volume.geometry.ijk_from_lps(box.corners_lps)
    assert ijk.min(axis=0) == pytest.approx([0.5, 0.5, 2])
    assert ijk.max(axis=0) == pytest.approx([5.5, 4.5, 2])


def test_points_alone_are_lesions(volume: Volume, tmp_path: Path) -> None:
    uid = volume.geometry.images.slices[2].uid
    made = report(tmp_path / "sr.dcm", group(drawn("POINT", [3, 3], uid), name="point"))
    (point,) = read_prompts(made, volume.geometry)
    assert isinstance(point, PointPrompt)


def test_lines_on_frames_of_one_file(tmp_path: Path) -> None:
    order = [3, 1, 0, 2, 7, 6, 5, 4]
    volume = read_volume(enhanced(tmp_path / "s" / "e.dcm", order))
    uid = volume.geometry.images.slices[0].uid
    made = report(
        tmp_path / "sr.dcm",
        group(number(LENGTH, 2, drawn("POLYLINE", [1, 1, 4, 1], uid, frame=5))),
    )
    (line,) = read_prompts(made, volume.geometry)
    assert line.ends_lps[:, 2] == pytest.approx(3.0 * order[4])


def test_a_presentation_states_lines_are_lesions(volume: Volume, tmp_path: Path) -> None:
    first, second = (volume.geometry.images.slices[k].uid for k in (1, 6))
    made = presentation(
        tmp_path / "gsps",  # no ending, as files of a PACS have none
        (first, "POLYLINE", "PIXEL", [2, 2, 8, 2]),
        (first, "POLYLINE", "PIXEL", [5, 1, 5, 4]),  # crosses it
        (second, "POLYLINE", "PIXEL", [2, 8, 2, 3]),
        (second, "POLYLINE", "DISPLAY", [0.1, 0.1, 0.2, 0.2]),
    )
    records = records_of_files([made], volume.geometry)
    assert len(records) == 2
    np.testing.assert_allclose(
        records[0].first.ends_lps, on_image(tmp_path / "scan", first, [2, 2, 8, 2]), atol=1e-6
    )
    assert records[0].first.across_lps is not None
    assert volume.geometry.ijk_from_lps(records[1].first.ends_lps)[:, 2] == pytest.approx(6)


def test_our_own_report_asks_for_the_same_lesion(volume: Volume, tmp_path: Path) -> None:
    lesion = lesion_of(two_masks(volume.array.shape)[0], volume, "Liver 1")
    write_files([tmp_path / "a.sr.dcm", tmp_path / "a.seg.dcm"], [lesion], volume)
    (line,) = read_prompts(tmp_path / "a.sr.dcm", volume.geometry)
    np.testing.assert_allclose(line.ends_lps, lesion.measurements.diameter_endpoints_lps, atol=1e-3)
    again = lesion_of(lesion.mask_on_volume(), volume, prompts=PromptRecord(line))
    write_files([tmp_path / "b.seg.dcm"], [again], volume)
    uids = [pydicom.dcmread(tmp_path / f"{n}.seg.dcm").SegmentSequence[0].TrackingUID for n in "ab"]
    assert uids[0] == uids[1] == line.tracking_uid


def test_what_is_drawn_elsewhere_is_told(volume: Volume, tmp_path: Path) -> None:
    made = report(
        tmp_path / "sr.dcm",
        group(number(LENGTH, 2, drawn("POLYLINE", [1, 1, 4, 1], "1.2.3.4.5.6"))),
    )
    with pytest.raises(BoxError, match=r"sr\.dcm is drawn on other images"):
        read_prompts(made, volume.geometry)
    plain = Geometry.from_spacing(ARRAY.shape)
    with pytest.raises(BoxError, match="Give the DICOM series itself"):
        read_prompts(made, plain)
    with pytest.raises(BoxError, match="holds no line"):
        read_prompts(report(tmp_path / "empty.dcm", group(name="nothing")), volume.geometry)
    slice_file = next(patient_series(tmp_path / "other").iterdir())
    with pytest.raises(BoxError, match="holds no prompts; expected a DICOM report"):
        read_prompts(slice_file, volume.geometry)


def test_damaged_objects_leave_words(volume: Volume, tmp_path: Path) -> None:
    uid = volume.geometry.images.slices[2].uid
    whole = report(
        tmp_path / "sr.dcm", group(number(LENGTH, 2, drawn("POLYLINE", [1, 1, 4, 1], uid)))
    ).read_bytes()
    path = tmp_path / "cut.dcm"
    errors = []
    for length in range(300, len(whole), 11):
        path.write_bytes(whole[:length])
        try:
            assert len(read_prompts(path, volume.geometry)) == 1  # nothing, or all of it
        except BoxError as error:
            errors.append(str(error))
    assert errors
    assert all("cut.dcm" in error for error in errors)
