"""What panel and workbench have written: masks of the scene as DICOM of the patient's studies."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from masam_core.errors import Cancelled, ConfigError, SegmentationError
from masam_core.export.segmentation import write_lesions
from masam_core.followup.dicom_given import DicomJob
from masam_core.followup.dicom_job import OtherPatient, write_course
from masam_core.image.plain_nrrd import write_plain_nrrd
from masam_core.image.volume import read_volume
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.dicom.regions import read_regions
from masam_core.prompts.record import first_to_dict
from Testing.core.export.dicom.making import lesion_of
from Testing.core.followup.patients import STUDIES, write_studies
from Testing.core.followup.test_dicom import items, told

pytest.importorskip("highdicom")
BOXES = [(1, 4, 2, 6, 1, 4), (1, 5, 2, 7, 1, 6), (2, 4, 3, 6, 2, 5)]  # k, j, i: first, behind last


class Given:
    """A job as a front end writes it, on images stored the other way round than DICOM has them."""

    def __init__(self, folder: Path, count: int = 2, **tags: Any) -> None:
        self.folder, self.target = folder, folder / "out"
        self.target.mkdir()
        self.series = write_studies(folder, count, **tags)
        self.volumes = [read_volume(each) for each in self.series]
        self.masks = [
            _block(each.array.shape, box) for each, box in zip(self.volumes, BOXES, strict=False)
        ]
        studies, findings = [], []
        for n, (volume, mask) in enumerate(zip(self.volumes, self.masks, strict=True)):
            turn = np.diag([1.0, 1.0, -1.0, 1.0])
            turn[2, 3] = len(volume.array) - 1
            matrix = volume.geometry.ijk_to_lps @ turn
            geometry = type(volume.geometry)(volume.array.shape, matrix)
            write_plain_nrrd(folder / f"{n}.nrrd", volume.array[::-1], geometry)
            np.save(folder / f"{n}.npy", mask[::-1])
            files = sorted(map(str, self.series[n].iterdir()))
            studies.append(
                {"image": str(folder / f"{n}.nrrd"), "name": f"day {n + 1}", "files": files}
            )
            findings.append({"state": "measured", "mask": str(folder / f"{n}.npy")})
        track = {"name": "Liver", "color": [0.2, 0.4, 0.8], "findings": findings}
        self.values: dict[str, Any] = {
            "target": str(self.target),
            "studies": studies,
            "tracks": [track],
            "kind": "metastasis",
        }
        self.events: list[dict[str, Any]] = []

    def write(self, cancelled: Any = lambda: False) -> dict[str, Any]:
        """Write it in this process; the last event."""
        write_course(DicomJob.from_dict(self.values), self.events.append, cancelled)
        return self.events[-1]

    @property
    def nothing(self) -> bool:
        return list(self.target.iterdir()) == []


def _block(shape: tuple[int, ...], box: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[box[0] : box[1], box[2] : box[3], box[4] : box[5]] = True
    return mask


def test_masks_of_a_scene_lie_on_the_images_they_were_drawn_on(tmp_path: Path) -> None:
    given = Given(tmp_path)
    end = given.write()
    folder = Path(end["folder"])
    assert (folder, end["notes"]) == (given.target / "followup", [])
    assert end["files"] == ["study2.seg.dcm", "study2.sr.dcm", "followup.sr.dcm"]
    assert sorted(end["files"]) == sorted(each.name for each in folder.iterdir())
    (region,) = read_regions(folder / "study2.seg.dcm", given.volumes[1].geometry)
    assert np.array_equal(region.mask(), given.masks[1])
    made = pydicom.dcmread(folder / "study2.seg.dcm")
    assert (made.StudyInstanceUID, made.PatientID) == (STUDIES[1], "MRN-4711")
    (segment,) = made.SegmentSequence
    assert segment.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Neoplasm, Secondary"
    course = pydicom.dcmread(folder / "followup.sr.dcm")
    volumes = {}
    for group in items(course, "Measurement Group"):
        point, uid, numbers = told(group)
        assert uid == segment.TrackingUID
        volumes[point] = numbers.get("Volume", volumes.get(point))
    voxel_ml = 0.75 * 1.5 * 3 / 1000
    assert volumes["1"] == pytest.approx(given.masks[0].sum() * voxel_ml, abs=1e-4)
    assert volumes["2"] == pytest.approx(given.masks[1].sum() * voxel_ml, abs=1e-4)
    fractions = [each["fraction"] for each in given.events[:-1]]
    assert fractions == sorted(fractions)
    # Once more: beside what is there, which stays.
    assert Path(given.write()["folder"]).name == "followup 2"


def test_a_lesion_is_known_by_what_the_first_studys_own_results_call_it(tmp_path: Path) -> None:
    given = Given(tmp_path)
    first = given.volumes[0]
    lesion = lesion_of(given.masks[0], first)
    write_lesions(tmp_path / "alone.seg.dcm", [lesion], first)
    (alone,) = pydicom.dcmread(tmp_path / "alone.seg.dcm").SegmentSequence
    box = BoxPrompt.from_voxels(1, 3, 2, 5, 1, 3)  # the same tight box, as the scene's tags have it
    finding = given.values["tracks"][0]["findings"][0]
    finding["first"] = json.dumps(first_to_dict(box, first.geometry))
    folder = Path(given.write()["folder"])
    (followed,) = pydicom.dcmread(folder / "study2.seg.dcm").SegmentSequence
    assert followed.TrackingUID == alone.TrackingUID
    tracked = {**json.loads(finding["first"]), "tracking_uid": "1.2.77.9"}
    given.values["tracks"][0]["findings"][1]["first"] = json.dumps(tracked)
    folder = Path(given.write()["folder"])
    (followed,) = pydicom.dcmread(folder / "study2.seg.dcm").SegmentSequence
    assert followed.TrackingUID == "1.2.77.9"  # what a file has stated goes before ours


def test_three_studies_have_three_time_points(tmp_path: Path) -> None:
    given = Given(tmp_path, 3)
    # What the images were is told by name, as a server keeps it whose files are gone.
    for n, volume in enumerate(given.volumes):
        (tmp_path / f"{n}.json").write_text(json.dumps(volume.geometry.images.to_dict()))
        write_plain_nrrd(tmp_path / f"{n}.nrrd", volume.array, volume.geometry)
        np.save(tmp_path / f"{n}.npy", given.masks[n])
        given.values["studies"][n] |= {"files": [], "images": str(tmp_path / f"{n}.json")}
    end = given.write()
    assert [name for name in end["files"] if name.startswith("study3")]
    course = pydicom.dcmread(Path(end["folder"]) / "followup.sr.dcm")
    assert course.StudyInstanceUID == STUDIES[2]
    points = {told(group)[0] for group in items(course, "Measurement Group")}
    assert points == {"1", "2", "3"}
    (region,) = read_regions(Path(end["folder"]) / "study3.seg.dcm", given.volumes[2].geometry)
    assert np.array_equal(region.mask(), given.masks[2])


def test_two_patients_are_no_course_unless_somebody_is_sure(tmp_path: Path) -> None:
    given = Given(tmp_path, PatientID=("A-1", "B-2"))
    with pytest.raises(OtherPatient) as refused:
        given.write()
    assert "A-1" not in str(refused.value)
    assert given.nothing
    given.values["same_patient"] = True
    assert len(given.write()["files"]) == 3


def test_what_is_no_course_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    given = Given(tmp_path)
    studies = given.values["studies"]
    studies[1]["date"] = "2023-12-31"
    with pytest.raises(ConfigError, match="'day 2' is of 2023-12-31, which is before 'day 1'"):
        given.write()
    studies[1]["date"] = ""
    given.values["studies"] = [studies[0], studies[0]]
    with pytest.raises(ConfigError, match="the same DICOM series"):
        given.write()
    given.values["studies"] = [studies[0], dict(studies[1])]
    volume = given.volumes[1]
    shifted = volume.geometry.ijk_to_lps.copy()
    shifted[0, 3] += 0.4
    moved = type(volume.geometry)(volume.array.shape, shifted)
    write_plain_nrrd(tmp_path / "moved.nrrd", volume.array, moved)
    given.values["studies"][1]["image"] = str(tmp_path / "moved.nrrd")
    with pytest.raises(SegmentationError, match="'day 2' can't be written as DICOM"):
        given.write()
    given.values["studies"] = studies
    given.values["tracks"][0]["findings"][1] = {"state": "absent"}
    with pytest.raises(SegmentationError, match="'Liver' is gone in study 2"):
        given.write()
    assert given.nothing


@pytest.mark.parametrize("after", range(1, 6))
def test_cancelled_at_any_step_it_leaves_nothing(tmp_path: Path, after: int) -> None:
    given = Given(tmp_path)
    asked = iter(range(100))
    with pytest.raises(Cancelled):
        given.write(lambda: next(asked) >= after)
    assert given.nothing


def test_the_process_says_what_it_does_and_what_it_doubts(tmp_path: Path) -> None:
    given = Given(tmp_path, PatientID=("A-1", "B-2"))

    def run() -> tuple[int, list[dict[str, Any]]]:
        (tmp_path / "job.json").write_text(json.dumps(given.values))
        command = [sys.executable, "-m", "masam_core.followup.dicom_job", tmp_path / "job.json"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            events = [json.loads(line) for line in process.stdout]  # stdin stays open meanwhile
            assert process.stdin is not None
            process.stdin.close()
            return process.wait(60), events

    code, events = run()
    assert (code, events[-1]["event"]) == (0, "doubt")
    given.values |= {"same_patient": True, "target": str(tmp_path / "nowhere")}
    code, events = run()
    assert (code, events[-1]["event"]) == (1, "error")
    assert "does not exist" in events[-1]["message"]
