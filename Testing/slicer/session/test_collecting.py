"""A scene of Slicer's own core, saved and gathered from the file alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from masam_core.collect.run import collect
from masam_core.data.reading import read_cases
from masam_core.image.volume import read_labels, read_volume
from masam_core.spreadsheet import read_table
from Testing.slicer.answering import answering, boxIn, segment
from Testing.slicer.scene.conftest import Scene


def test_lesions_that_were_put_right_in_a_scene_are_gathered_as_they_were(
    scene: Any, make: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, masam_home: Path
) -> None:
    import slicer
    from MASAMSlicerLib.scene.scenefile import saveScene
    from MASAMSlicerLib.scene.volumes import geometryOf, volumeFromNode
    from MASAMSlicerLib.session.handwork import Brush, HandWork

    session = answering(monkeypatch, scene)
    volume = make.volume(name="Müller, Jörg | 1")
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Müller^Jörg")
    hierarchy.SetItemAttribute(patient, "DICOM.PatientID", "PID 77")
    names = ("plain", "locked", "touched", "completed")
    ids = [session.lesions.add(volume, None, boxIn(make, volume, n)).id for n in names]
    segment(session, ids)
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    _, locked, touched, completed = (session.lesions.lesion(each) for each in ids)
    session.lesions.setLocked(locked, True)
    logic.SetSegmentStatus(completed.segment, logic.Completed)
    geometry = geometryOf(volume)
    HandWork(session).paint(touched.id, Brush(radius=2.0), geometry.ras_from_ijk([[2.0, 2.0, 2.0]]))
    expected = {}
    for lesion in (locked, touched, completed):
        now = session.lesions.lesion(lesion.id)
        mask, (k, j, i) = session.lesions.maskOf(now)
        whole = np.zeros(geometry.shape, bool)
        whole[k : k + mask.shape[0], j : j + mask.shape[1], i : i + mask.shape[2]] = mask
        expected[now.name] = whole
    saveScene(scene, tmp_path / "scene.mrb")

    found = collect([tmp_path / "scene.mrb"], tmp_path / "data")
    assert found.counts == {"added": 3}
    (left,) = found.left_out
    assert "'plain'" in left.what
    table = read_table(tmp_path / "data" / "index.csv")
    why = [row["corrected"] for row in table]
    assert [why[0], why[2]] == ["locked", "locked"]
    assert why[1] in ("touched up", "corrected or confirmed")  # as the brush leaves it
    for case, row, whole in zip(
        read_cases(tmp_path / "data"), table, expected.values(), strict=True
    ):
        labels, grid = read_labels(case.label)
        assert np.array_equal(labels > 0, whole)
        assert grid.same_grid(geometry, 1e-2)
        assert np.array_equal(read_volume(case.image).array, volumeFromNode(volume).array)
        assert (tmp_path / "data" / row["prompts"]).is_file()
    everything = "\n".join(
        file.read_text("utf-8", "replace") + file.name
        for file in (tmp_path / "data").rglob("*")
        if file.is_file()
    )
    for secret in ("ller", "PID", "scene.mrb", str(tmp_path)):
        assert secret not in everything
