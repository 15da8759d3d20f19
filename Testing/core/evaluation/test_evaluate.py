"""Evaluation against a stand-in segmenter whose masks are known."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.errors import SegmentationError, VolumeError
from masam_core.evaluation.evaluate import Score, evaluate_cases, summarise, summary_rows
from masam_core.evaluation.scores import write_scores
from masam_core.training.cases import Case


def write_case(folder: Path, name: str, spacing: float = 1.0) -> Case:
    mask = np.zeros((6, 9, 10), dtype=np.uint8)
    mask[1:5, 2:7, 3:9] = 1
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

    def set_volume(self, volume: Any, modality: str | None = None) -> None:
        self.shape = volume.geometry.shape
        self.modalities.append(modality)

    def segment(self, box: Any, options: Any) -> Any:
        low = np.ceil(box.corners_ijk.min(axis=0)).astype(int)
        high = np.floor(box.corners_ijk.max(axis=0)).astype(int)
        mask = np.zeros(self.shape, dtype=np.uint8)
        mask[low[2] : low[2] + 2, low[1] : high[1] + 1, low[0] : high[0] + 1] = 1
        return SimpleNamespace(full_mask=lambda: mask, confidence=0.5)


def test_each_case_is_prompted_with_its_tight_box_and_scored(tmp_path: Path) -> None:
    segmenter = BoxFiller()
    seen: list[str] = []
    case = write_case(tmp_path, "sts001")
    scores = evaluate_cases([case], segmenter, progress=lambda n, count, name: seen.append(name))  # type: ignore[arg-type]
    assert seen == ["sts001"]
    assert segmenter.modalities == ["CT"]
    (score,) = scores
    assert score.dice == pytest.approx(2 * 60 / (60 + 120))
    k, j, i = np.indices((4, 5, 6))
    squared = ((i - 2.5) / 3) ** 2 + ((j - 2) / 2.5) ** 2 + ((k - 1.5) / 2) ** 2
    inside = (squared <= 1).sum()
    assert score.ellipsoid == pytest.approx(2 * inside / (inside + 120))


def test_a_label_on_another_grid_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VolumeError, match="same grid"):
        evaluate_cases([write_case(tmp_path, "a", spacing=2.0)], BoxFiller())  # type: ignore[arg-type]


def test_scores_are_written_one_line_a_case(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    write_scores(path, [Score("a", "MR", 0.5, 0.25, 0.75)])
    assert path.read_text().split() == [
        "case,modality,dice,ellipsoid,confidence",
        "a,MR,0.5,0.25,0.75",
    ]
    with pytest.raises(SegmentationError, match="Can't write"):
        write_scores(tmp_path / "none" / "scores.csv", [])


def test_the_summary_groups_by_source_and_modality() -> None:
    scores = [
        Score("sts001_t1", "MR", 0.9, 0.8, 1),
        Score("sts002_t1", "MR", 0.7, 0.8, 1),
        Score("radiomics_lung1", "CT", 0.5, 0.4, 1),
    ]
    rows = {row["cases"]: row for row in summary_rows(scores)}
    assert set(rows) == {"all", "sts MR", "radiomics CT"}
    assert rows["sts MR"]["dice"] == pytest.approx(0.8)
    assert rows["sts MR"]["worst"] == 0.7
    assert (rows["all"]["n"], rows["all"]["better"]) == (3, 2)
    assert "radiomics CT 0.500 (ellipsoid 0.400, n=1)" in summarise(scores)
