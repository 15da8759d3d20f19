"""Agreement of labelled frames, against a count by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from masam_core.data.cases import Target
from masam_core.scoring.video import compare_frames
from masam_core.video.labels import open_label_frames


def test_the_challenges_mean_counts_the_classes_of_each_frame(tmp_path: Path) -> None:
    first = np.array([[0, 0, 1, 1], [0, 0, 1, 1]], np.uint8)  # classes 0 and 1
    second = np.array([[2, 2, 2, 2], [2, 2, 2, 2]], np.uint8)  # class 2 alone
    for name, classes in (("a", first), ("b", second)):
        Image.fromarray(classes).save(tmp_path / f"{name}.png")
    found_first = np.array([[0, 1, 1, 1], [0, 0, 1, 3]], np.uint8)
    found_second = np.array([[2, 2, 2, 2], [2, 2, 1, 1]], np.uint8)
    score = compare_frames(
        [(0, found_first), (1, found_second)],
        open_label_frames(tmp_path),
        Target(labels=(1, 2, 3)),
        3,
    )
    # Frame a: background 3 of 4, class 1 3 of 5; class 3, which is not there, does not count.
    assert score.frame_iou == pytest.approx(((3 / 4 + 3 / 5) / 2, 6 / 8))
    dices = {c.number: c.dice for c in score.classes}
    # Class 1 over both frames: 3 shared, 4 marked, 6 found. Class 2: 6 shared, 8 marked, 6 found.
    assert dices == pytest.approx({1: 2 * 3 / (4 + 6), 2: 2 * 6 / (8 + 6)})
    assert {c.number: c.iou for c in score.classes} == pytest.approx({1: 3 / 7, 2: 6 / 8})
