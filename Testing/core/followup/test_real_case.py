"""A real sarcoma, its patient turned and moved and the tumour grown by a known map; real model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.followup.masks import cropped
from masam_core.followup.proposing import propose
from masam_core.followup.quality import Trust
from masam_core.followup.result import follow_up
from masam_core.followup.study import Study
from masam_core.followup.track import How
from masam_core.followup.work import Work
from masam_core.image.volume import Volume, read_labels, read_volume
from masam_core.inference.options import SegmentOptions
from masam_core.inference.quality import Quality
from masam_core.inference.segmenter import Segmenter

ndimage = pytest.importorskip("scipy.ndimage")
GROWTH = 1.2  # of the tumour's diameter


def later(volume: Volume, label: np.ndarray) -> tuple[Volume, np.ndarray]:
    """The next study, and where the tumour is in it."""
    geometry = volume.geometry
    kji = np.argwhere(label)
    tumour = geometry.lps_from_ijk(kji[:, ::-1].astype(float))
    centre, radius = tumour.mean(axis=0), np.ptp(tumour, axis=0).max() / 2
    middle = geometry.lps_from_ijk([(np.array(geometry.size_ijk) - 1) / 2])[0]
    turn = sitk.Euler3DTransform(middle.tolist(), 0.05, -0.08, 0.1, (12.0, -8.0, 6.0))
    matrix = np.array(turn.GetMatrix()).reshape(3, 3)
    every = geometry.lps_from_ijk(np.indices(label.shape).reshape(3, -1).T[:, ::-1].astype(float))
    away = (every - middle) @ matrix.T + middle + np.array(turn.GetTranslation()) - centre
    far = np.linalg.norm(away, axis=1)
    edge = radius * GROWTH
    fade = np.clip((far - edge) / (1.2 * edge), 0, 1)  # beyond, nothing has grown
    source = centre + away * (1 / GROWTH + (1 - 1 / GROWTH) * fade)[:, None]
    points = geometry.ijk_from_lps(source)[:, ::-1].T

    def moved(array: np.ndarray, outside: float) -> np.ndarray:
        out = ndimage.map_coordinates(array.astype(np.float32), points, order=1, cval=outside)
        return np.asarray(out).reshape(label.shape)

    values = moved(volume.array, float(volume.array.min()))
    values += np.random.default_rng(0).normal(0, 0.03 * values.std(), values.shape)
    return replace(volume, array=values.astype(np.float32)), moved(label, 0.0) >= 0.5


def test_a_grown_sarcoma_is_found_again_and_measured(tumours_dir: Path) -> None:
    folder = tumours_dir / "sts002_ct"
    if not folder.is_dir():
        pytest.skip(f"The case is not there: {folder}")
    volume = read_volume(folder / "image.nii.gz").with_modality("CT")
    label = read_labels(folder / "label.nii.gz")[0] > 0
    after, truth = later(volume, label)
    mask = cropped(label, "thigh")
    assert mask is not None
    options = SegmentOptions(quality=Quality.FAST)
    with Segmenter(device="cpu") as segmenter:
        studies = [Study(volume, lesions=(mask,)), Study(after)]
        tracks = propose(studies, Work(lambda: segmenter, options, elastic=False))
    finding = tracks[0].findings[1]
    assert finding.how is How.CARRIED
    assert finding.quality is not None
    assert finding.quality.trust is Trust.GOOD
    whole = np.zeros(truth.shape, dtype=bool)
    for part in finding.parts:
        whole[part.where()] |= part.mask
    assert 2 * (whole & truth).sum() / (whole.sum() + truth.sum()) > 0.8
    found = follow_up(tracks, studies)
    change = found.assessments[1].from_baseline
    assert change is not None
    assert change == pytest.approx(GROWTH - 1, abs=0.12)
