"""The follow-up as DICOM from the panel: written beside Slicer, read back by others' libraries."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pydicom
import pytest

from masam_core.image.volume import Volume, read_volume
from Testing.core.followup.patients import STUDIES, write_studies
from Testing.core.followup.test_dicom import items, told
from Testing.slicer.scene.conftest import Scene, block

from .conftest import Person

pytest.importorskip("highdicom")
SHAPE = (8, 12, 10)
BOXES = [((1, 4), (2, 6), (1, 4)), ((1, 5), (2, 7), (1, 6)), ((2, 5), (2, 8), (1, 6))]


@pytest.fixture
def days(person: Person, scene: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Three studies as Slicer's DICOM module loads them; a lesion carried from one to the next."""
    import slicer

    found = SimpleNamespace(nodes=[], volumes=[], masks=[], files={})
    known = SimpleNamespace(fileForInstance=lambda uid: found.files.get(uid, ""))
    monkeypatch.setattr(slicer, "dicomDatabase", known, raising=False)
    before = ""
    for number, folder in enumerate(write_studies(tmp_path / "scans", 3)):
        volume = read_volume(folder)
        files = {str(pydicom.dcmread(p).SOPInstanceUID): str(p) for p in folder.iterdir()}
        found.files |= files
        node = Scene(scene).volume(volume.array, volume.geometry.ijk_to_ras, f"day {number + 1}")
        node.SetAttribute("DICOM.instanceUIDs", " ".join(files))
        mask = block(*BOXES[number], shape=SHAPE)
        before = drawn(person, node, volume, mask, before)
        found.nodes.append(node)
        found.volumes.append(volume)
        found.masks.append(mask)
    found.target = tmp_path / "out"
    found.target.mkdir()
    panel = person.panel.context
    monkeypatch.setattr(panel, "askForFolder", lambda *_: str(found.target), raising=False)
    return found


def drawn(person: Person, node: Any, volume: Volume, mask: np.ndarray, before: str) -> str:
    """A lesion with a segment, carried over from another; its id."""
    from MASAMSlicerLib.scene.followup import FOLLOWS
    from MASAMSlicerLib.scene.segments import Look, newSegmentation, writeSegment

    lesions = person.session.lesions
    lesion = lesions.add(node, name="Liver")
    lesion.roi.SetAttribute(FOLLOWS, before)
    segmentation = newSegmentation(node, node.GetName())
    tags = {"MASAM.Lesion": lesion.id}
    look = Look("Liver", (0.1, 0.2, 0.9))
    identity = writeSegment(segmentation, None, node, mask, (0, 0, 0), look, tags)
    lesions.recordSegment(lesion, segmentation, identity)
    return str(lesion.id)


def opened(person: Person) -> None:
    """The frame of the next study."""
    person.ui.advancedCollapsibleButton.collapsed = False
    person.wait()
    person.ui.followUpButton.click()
    person.wait()


def said(person: Person) -> str:
    return str(person.ui.followUpLabel.text).replace("\u200b", "")


def pressed(person: Person) -> None:
    """Save, and wait for the end."""
    button = person.ui.followUpDicomButton
    assert button.enabled, button.toolTip
    button.click()
    assert button.text == "Cancel"
    assert not person.ui.followUpStartButton.enabled
    person.wait(lambda: not person.panel.followUp.dicom.running, 60.0)
    person.wait()


def test_the_course_is_saved_beside_slicer(person: Person, days: Any) -> None:
    import highdicom as hd

    person.choose(days.nodes[2])
    opened(person)
    pressed(person)
    assert said(person).startswith("Saved in"), said(person)
    assert person.ui.followUpProgressBar.isHidden()
    folder = days.target / "followup"
    names = {f"study{n}.{kind}.dcm" for n in (2, 3) for kind in ("seg", "sr")}
    assert {path.name for path in folder.iterdir()} == names | {"followup.sr.dcm"}
    for number in (2, 3):
        made = hd.seg.segread(folder / f"study{number}.seg.dcm")
        assert made.StudyInstanceUID == STUDIES[number - 1]
        # Image by image, by their own names: highdicom's reader knows nothing of our grid.
        images = days.volumes[number - 1].geometry.images.slices
        pixels = made.get_pixels_by_source_instance(
            [name.uid for name in images],
            segment_numbers=[1],
            ignore_spatial_locations=True,
            assert_missing_frames_are_empty=True,
        )
        assert np.array_equal(pixels[..., 0] > 0, days.masks[number - 1])
    course = pydicom.dcmread(folder / "followup.sr.dcm")
    groups = [told(group) for group in items(course, "Measurement Group")]
    assert {point for point, *_ in groups} == {"1", "2", "3"}
    assert len({uid for _, uid, _ in groups}) == 1  # one lesion all along


def test_a_study_that_did_not_come_from_dicom_is_told(person: Person, days: Any) -> None:
    days.nodes[0].RemoveAttribute("DICOM.instanceUIDs")
    person.choose(days.nodes[1])
    opened(person)
    button = person.ui.followUpDicomButton
    assert not button.isHidden()
    assert not button.enabled
    assert "'day 1' was not loaded from Slicer's DICOM database" in button.toolTip
    # Of the first study alone nothing is followed.
    person.choose(days.nodes[0])
    assert button.isHidden()


def test_files_that_are_gone_and_patients_that_differ(
    person: Person, days: Any, harness: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer

    person.choose(days.nodes[1])
    opened(person)
    lost = days.volumes[0].geometry.images.slices[0].uid
    kept = days.files.pop(lost)
    person.ui.followUpDicomButton.click()
    assert "1 of the 8 DICOM files of 'day 1'" in said(person)
    days.files[lost] = kept
    for path in (path for name, path in days.files.items() if name.startswith(STUDIES[0])):
        other = pydicom.dcmread(path)
        other.PatientID = "B-2"
        other.save_as(path)
    asked: list[str] = []
    answers = iter((False, True))
    monkeypatch.setattr(
        slicer.util,
        "confirmOkCancelDisplay",
        lambda text, *_, **__: (asked.append(text), next(answers))[1],
    )
    pressed(person)
    assert "different patient IDs" in said(person)
    assert os.listdir(days.target) == []
    person.ui.followUpDicomButton.click()
    person.wait(lambda: len(asked) == 2, 60.0)
    person.wait(lambda: not person.panel.followUp.dicom.running, 60.0)
    assert len(os.listdir(days.target / "followup")) == 3
    assert "B-2" not in "".join(asked)


def test_cancelled_and_closed_it_writes_nothing(person: Person, days: Any) -> None:
    import slicer

    person.choose(days.nodes[1])
    opened(person)
    button = person.ui.followUpDicomButton
    button.click()
    button.click()
    person.wait(lambda: not person.panel.followUp.dicom.running, 60.0)
    assert "nothing was written" in said(person)
    button.click()
    assert person.panel.followUp.dicom.running
    slicer.mrmlScene.Clear()
    person.wait()
    assert not person.panel.followUp.dicom.running
    assert os.listdir(days.target) == []
