"""The bundled model on validation volumes, where the data set is there."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from masam_core.catalog.bundled import bundled_model_path
from masam_core.data.reading import read_cases
from masam_core.image.volume import read_labels, read_volume
from masam_core.inference.options import SegmentOptions
from masam_core.inference.quality import Quality
from masam_core.inference.segmenter import Segmenter
from masam_core.model.checkpoint import inspect_checkpoint, load_model
from masam_core.prompts.boxes import BoxPrompt
from masam_core.scoring.evaluate import evaluate_cases
from masam_core.scoring.metrics import dice

CASES = ("sts030_t1", "sts030_ct", "sts005_t1", "sts003_ct", "radiomics_breast1")


def test_it_beats_the_inscribed_ellipsoid_on_unseen_patients(tumours_dir: Path) -> None:
    cases = [c for c in read_cases(tumours_dir) if c.name in CASES]
    assert {c.split for c in cases} == {"val"}
    scores = evaluate_cases(cases, Segmenter(load_model(bundled_model_path())), quality="fast")
    assert len(scores) == len(CASES)
    for score in scores:
        assert score.dice > score.ellipsoid, score.case
        # None where the box is thought to cut the lesion off.
        assert math.isnan(score.confidence) or 0 < score.confidence <= 1
    assert sum(math.isnan(score.confidence) for score in scores) <= 1


def test_it_says_what_it_is_and_fits_the_size_limit() -> None:
    path = bundled_model_path()
    info = inspect_checkpoint(path)
    assert (info.kind, info.backbone) == ("delta", "vit_s14")
    assert "Not for clinical" in info.details["research_use"]
    base = path.with_name(info.details["base_file"])
    assert path.stat().st_size + base.stat().st_size < 60_000_000


def test_qualities_agree_on_the_samples_middle(sample_data: Path) -> None:
    volume = read_volume(sample_data / "sarcoma_mr" / "image.nii.gz")
    expert = read_labels(sample_data / "sarcoma_mr" / "expert.nii.gz")[0] > 0
    first, last = np.flatnonzero(expert.any(axis=(1, 2)))[[0, -1]]
    middle = (first + last) // 2
    part = np.zeros_like(expert)
    part[middle - 3 : middle + 4] = expert[middle - 3 : middle + 4]
    (k0, j0, i0), (k1, j1, i1) = (edge(np.argwhere(part), axis=0) for edge in (np.min, np.max))
    segmenter = Segmenter(load_model(bundled_model_path()))
    segmenter.set_volume(volume)
    box = BoxPrompt.from_voxels(i0, i1, j0, j1, k0, k1)
    fast, *others = (
        segmenter.segment(box, SegmentOptions(quality=quality)).mask_on_volume()
        for quality in (Quality.FAST, Quality.BALANCED, Quality.BEST)
    )
    assert dice(fast, part) > 0.8
    assert [dice(fast, other) > 0.95 for other in others] == [True, True]
