"""The demonstration and the sample volumes, and the bundled model on one of them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from masam_core import demo
from masam_core.catalog.bundled import bundled_model_path
from masam_core.image.volume import Volume, read_labels, read_volume
from masam_core.inference.segmenter import Segmenter, SegmentOptions
from masam_core.lesion.crops import tight_box
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.measure import measure
from masam_core.model.checkpoint import load_model
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.roi import read_roi
from masam_core.scoring.metrics import dice, inscribed_ellipsoid


@pytest.mark.parametrize("name", demo.SAMPLES)
def test_a_samples_roi_is_the_tight_box_of_its_expert_mask(sample_data: Path, name: str) -> None:
    volume = read_volume(sample_data / name / "image.nii.gz")
    labels, geometry = read_labels(sample_data / name / "expert.nii.gz")
    assert volume.geometry.same_grid(geometry)
    (roi,) = read_roi(sample_data / name / "box.mrk.json", volume.geometry)
    (tight,) = BoxPrompt.from_labels(labels)
    assert np.abs(roi.corners_ijk - tight.corners_ijk).max() < 0.01


def test_the_samples_licence_stands_beside_them(sample_data: Path) -> None:
    text = (sample_data / "ATTRIBUTION.md").read_text("utf-8")
    assert "CC BY 3.0" in text
    assert "10.7937/K9/TCIA.2015.7GO2GSKS" in text


@pytest.mark.parametrize("clever", [True, False])
def test_the_demo_writes_its_files_and_knows_whether_the_model_is_of_use(
    tmp_path: Path,
    sample_data: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    clever: bool,
) -> None:
    """With the expert's own masks for an answer, and with the boxes themselves."""

    def segment(self: Segmenter, box: BoxPrompt) -> Lesion:
        volume = self._volume
        assert isinstance(volume, Volume)
        assert volume.source is not None
        expert = read_labels(Path(volume.source).with_name("expert.nii.gz"))[0] > 0
        i0, i1, j0, j1, k0, k1 = tight_box(expert)
        mask = expert[k0 : k1 + 1, j0 : j1 + 1, i0 : i1 + 1]
        mask = mask if clever else np.ones_like(mask)
        measured = measure(mask, (k0, j0, i0), volume)
        probability = mask.astype(np.float32)
        return Lesion(
            "x", mask, (k0, j0, i0), probability, 1.0, box, volume.geometry, measured, (), "stub"
        )

    monkeypatch.setattr(Segmenter, "segment", segment)
    out = tmp_path / "demo output"
    monkeypatch.setattr("sys.argv", ["demo", str(out)])
    assert demo.main() == (0 if clever else 1)
    names = sorted(demo.SAMPLES)
    assert sorted(p.name for p in out.iterdir()) == sorted(
        ["measurements.csv", *(f"{n}{s}" for n in names for s in (".png", ".seg.nrrd"))]
    )
    rows = list(csv.DictReader((out / "measurements.csv").read_text("utf-8-sig").splitlines()))
    assert sorted(row["image"] for row in rows) == names
    assert ("1.000" in capsys.readouterr().out) == clever


def test_the_bundled_model_beats_the_inscribed_ellipsoid(sample_data: Path) -> None:
    folder = sample_data / "sarcoma_mr"
    volume = read_volume(folder / "image.nii.gz")
    expert = read_labels(folder / "expert.nii.gz")[0] > 0
    segmenter = Segmenter(load_model(bundled_model_path()), device="cpu")
    segmenter.set_volume(volume, "MR")
    (box,) = read_roi(folder / "box.mrk.json", volume.geometry)
    mask = segmenter.segment(box, SegmentOptions(quality="fast")).mask_on_volume()
    ellipsoid = inscribed_ellipsoid(volume.geometry.shape, tight_box(expert))
    assert dice(mask, expert) > dice(ellipsoid, expert)
