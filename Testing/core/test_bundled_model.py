"""The bundled model on validation volumes, where the data set is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from masam_core.catalog.bundled import bundled_model_path
from masam_core.data.reading import read_cases
from masam_core.inference.segmenter import Segmenter
from masam_core.model.checkpoint import inspect_checkpoint, load_model
from masam_core.scoring.evaluate import evaluate_cases

CASES = ("sts030_t1", "sts030_ct", "sts005_t1", "sts003_ct", "radiomics_breast1")


def test_it_beats_the_inscribed_ellipsoid_on_unseen_patients(tumours_dir: Path) -> None:
    cases = [c for c in read_cases(tumours_dir) if c.name in CASES]
    assert {c.split for c in cases} == {"val"}
    scores = evaluate_cases(cases, Segmenter(load_model(bundled_model_path())), quality="fast")
    assert len(scores) == len(CASES)
    for score in scores:
        assert score.dice > score.ellipsoid, score.case
        assert 0 < score.confidence <= 1


def test_it_says_what_it_is_and_fits_the_size_limit() -> None:
    path = bundled_model_path()
    info = inspect_checkpoint(path)
    assert (info.kind, info.backbone) == ("delta", "vit_s14")
    assert "Not for clinical" in info.details["research_use"]
    base = path.with_name(info.details["base_file"])
    assert path.stat().st_size + base.stat().st_size < 60_000_000


@pytest.mark.parametrize("quality", ["balanced", "best"])
def test_qualities_agree_on_the_sample(sample_data: Path, quality: str) -> None:
    from masam_core.image.volume import read_volume
    from masam_core.inference.segmenter import SegmentOptions
    from masam_core.prompts.roi import read_roi
    from masam_core.scoring.metrics import dice

    folder = sample_data / "sarcoma_mr"
    volume = read_volume(folder / "image.nii.gz")
    (box,) = read_roi(folder / "box.mrk.json", volume.geometry)
    segmenter = Segmenter(load_model(bundled_model_path()))
    segmenter.set_volume(volume)
    fast = segmenter.segment(box, SegmentOptions(quality="fast")).mask_on_volume()
    other = segmenter.segment(box, SegmentOptions(quality=quality)).mask_on_volume()  # type: ignore[arg-type]
    assert dice(fast, other) > 0.95
