"""Evaluation against a stand-in model whose masks are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.data.cases import Case, Target
from masam_core.errors import SegmentationError, VolumeError
from masam_core.evaluation.scores import plain, write_scores
from masam_core.lesion.lesion import Lesion
from masam_core.scoring.evaluate import BoxError3D, Score, draw_boxes, evaluate_cases


def write_case(folder: Path, name: str, spacing: float = 1.0, empty: bool = False) -> Case:
    mask = np.zeros((6, 9, 10), dtype=np.uint8)
    mask[1:5, 2:7, 3:9] = not empty
    paths = []
    for kind, array, step in (("image", mask * 100, 1.0), ("label", mask, spacing)):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((1.0, 1.0, step))
        paths.append(folder / f"{name}_{kind}.nii.gz")
        sitk.WriteImage(image, str(paths[-1]))
    return Case(name, name, "CT", "val", paths[0], paths[1])


class BoxFiller:
    """Answers with the lower half of the box."""

    def __init__(self) -> None:
        self.modalities: list[str | None] = []
        self.boxes: list[np.ndarray] = []

    def set_volume(self, volume: Any, modality: str | None = None) -> None:
        self.volume = volume
        self.modalities.append(modality)

    def forget_volume(self) -> None:
        del self.volume

    def segment(
        self, box: Any, options: Any = None, progress: Any = None, cancelled: Any = None
    ) -> Lesion:
        self.boxes.append(box.corners_ijk)
        low = np.ceil(box.corners_ijk.min(axis=0)).astype(int)
        high = np.floor(box.corners_ijk.max(axis=0)).astype(int)
        mask = np.zeros(self.volume.geometry.shape, dtype=bool)
        mask[low[2] : low[2] + 2, low[1] : high[1] + 1, low[0] : high[0] + 1] = 1
        return Lesion.from_mask(mask, self.volume, box, confidence=0.5)


def test_each_case_is_prompted_with_its_tight_box_and_scored(tmp_path: Path) -> None:
    segmenter = BoxFiller()
    seen: list[str] = []
    case = write_case(tmp_path, "sts001")
    scores = evaluate_cases([case], segmenter, progress=lambda n, count, name: seen.append(name))
    assert seen == ["sts001"]
    assert segmenter.modalities == ["CT"]
    (score,) = scores
    assert (score.patient, score.lesion, score.source) == ("sts001", 1, "sts")
    assert score.dice == pytest.approx(2 * 60 / (60 + 120))
    assert score.iou == pytest.approx(60 / 120)
    assert score.hd95_mm is None
    k, j, i = np.indices((4, 5, 6))
    squared = ((i - 2.5) / 3) ** 2 + ((j - 2) / 2.5) ** 2 + ((k - 1.5) / 2) ** 2
    inside = (squared <= 1).sum()
    assert score.ellipsoid == pytest.approx(2 * inside / (inside + 120))


def test_surface_distances_are_measured_where_asked_for(tmp_path: Path) -> None:
    (score,) = evaluate_cases([write_case(tmp_path, "a")], BoxFiller(), surfaces=True)
    assert score.hd95_mm == pytest.approx(2.0)  # two of four slices are missing
    assert score.asd_mm is not None
    assert 0 < score.asd_mm < 2.0


def test_separate_lesions_get_boxes_and_scores_of_their_own(tmp_path: Path) -> None:
    case = write_case(tmp_path, "two")
    label = sitk.ReadImage(str(case.label))
    array = sitk.GetArrayFromImage(label)
    array[0:3, 0:1, 0:8] = 1
    array[:, 1, :] = 0
    changed = sitk.GetImageFromArray(array)
    changed.CopyInformation(label)
    sitk.WriteImage(changed, str(case.label))
    model = BoxFiller()
    scores = evaluate_cases([case], model, target=Target(instances=True))
    assert [s.lesion for s in scores] == [1, 2]
    assert model.boxes[1].min(axis=0).tolist() == [-0.5, -0.5, -0.5]
    assert model.boxes[1].max(axis=0).tolist() == [7.5, 0.5, 2.5]


def test_boxes_that_are_off_stay_within_the_share_and_are_the_same_for_every_model(
    tmp_path: Path,
) -> None:
    case, wanted = write_case(tmp_path, "a"), BoxError3D(0.1, repeats=20)
    first, second = BoxFiller(), BoxFiller()
    scores = evaluate_cases([case], first, boxes=wanted)
    evaluate_cases([case], second, boxes=wanted)
    assert len(scores) == 20
    assert all(np.array_equal(a, b) for a, b in zip(first.boxes, second.boxes, strict=True))
    lows = np.array([b.min(axis=0) for b in first.boxes])
    highs = np.array([b.max(axis=0) for b in first.boxes])
    size = np.array([6.0, 5.0, 4.0])
    for got, tight in ((lows, [2.5, 1.5, 0.5]), (highs, [8.5, 6.5, 4.5])):
        off = np.abs(got - tight)
        assert (off <= 0.1 * size + 1e-9).all()
        assert (off.max(axis=0) > 0.07 * size).all()


def test_a_very_thin_box_stays_a_box() -> None:
    for box in draw_boxes((3, 3, 0, 9, 5, 5), BoxError3D(0.4, repeats=50), "thin"):
        assert box[0] <= box[1]
        assert box[4] <= box[5]


def test_a_label_on_another_grid_or_without_lesion_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VolumeError, match="is not on the image's grid"):
        evaluate_cases([write_case(tmp_path, "a", spacing=2.0)], BoxFiller())
    with pytest.raises(VolumeError, match="no lesion"):
        evaluate_cases([write_case(tmp_path, "b", empty=True)], BoxFiller())


def test_scores_are_written_one_line_a_model_and_case(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    score = Score("a", "MR", 0.5, 0.25, 0.75, "p", 2, 1 / 3, 4.0, None, 0.5)
    write_scores(path, {"ours": [score], "theirs": [score]})
    header, first, second = path.read_text().split()
    assert header == (
        "model,case,modality,dice,ellipsoid,confidence,patient,lesion,iou,hd95_mm,asd_mm,seconds"
    )
    assert first == "ours,a,MR,0.5,0.25,0.75,p,2,0.3333333333333333,4.0,,0.5"
    assert second.startswith("theirs,")
    with pytest.raises(SegmentationError, match="was not written"):
        write_scores(tmp_path / "none" / "scores.csv", {})


def test_plain_values_have_no_nan() -> None:
    made = plain({"scores": [Score("a", "MR", 0.5, 0.25, float("nan"))]})
    assert made["scores"][0]["confidence"] is None
    assert made["scores"][0]["dice"] == 0.5
