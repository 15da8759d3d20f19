"""The literal procedure and the Segmenter at its best give one probability."""

from __future__ import annotations

import numpy as np

from masam_core.bench.inputs import lesion_volume, random_model
from masam_core.bench.literal import LiteralMASAM
from masam_core.bench.procedure import LiteralProcedure
from masam_core.inference.options import SegmentOptions
from masam_core.inference.segmenter import Segmenter


def test_best_quality_is_the_literal_procedure(backbone: str) -> None:
    volume, box = lesion_volume(12, 4)
    procedure = LiteralProcedure(LiteralMASAM(random_model(backbone, 56)), volume, box)
    steps: list[tuple[int, int]] = []
    literal = procedure.run(lambda done, of: steps.append((done, of)))
    rows, cols = procedure.job.in_crop()
    segmenter = Segmenter(random_model(backbone, 56), "cpu", "float32")
    segmenter.set_volume(volume)
    ours = segmenter.segment(box, SegmentOptions(quality="best")).probability
    assert np.abs(literal[:, rows, cols] - ours).max() < 2e-3  # embeddings in half precision
    assert steps == [(n, 8) for n in range(1, 9)]  # four slices, windows of five, stride 1
    assert literal.std() > 1e-3
