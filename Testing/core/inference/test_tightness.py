"""The promise of a tight box: when it is kept, when the box's shape steps in."""

from __future__ import annotations

import numpy as np
import pytest

from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.inference.job import Job, job_crop
from masam_core.inference.segmenter import Segmenter
from masam_core.inference.tightness import MOST_SHARE, REACH, job_radius, respect_box
from masam_core.model.config import ModelConfig
from masam_core.prompts.boxes import BoxPrompt
from masam_core.scoring.metrics import dice, inscribed_ellipsoid

from .conftest import BuildModel

BOX = (6, 25, 8, 31, 3, 12)
GEOMETRY = Geometry.from_spacing((16, 40, 36), (1.0, 1.0, 3.0))


@pytest.fixture
def job() -> Job:
    frame = GEOMETRY.canonical_frame()
    prompt = BoxPrompt.from_voxels(*BOX).slice_boxes(frame)
    config = ModelConfig(backbone="vit_s14", image_size=56, field_of_view="prompt")
    return Job(frame, prompt, prompt, job_crop(prompt, prompt, frame, config))


def filled(job: Job, rows: int) -> np.ndarray:
    """Probability 0.9 in the first rows of the box, 0.05 elsewhere."""
    out = np.full(job.region().shape, 0.05, dtype=np.float32)
    out[:, :rows] = 0.9
    return out


def test_the_radius_is_that_of_the_inscribed_ellipsoid(job: Job) -> None:
    i0, i1, j0, j1, k0, k1 = BOX
    expected = inscribed_ellipsoid((16, 40, 36), BOX)[k0 : k1 + 1, j0 : j1 + 1, i0 : i1 + 1]
    assert np.array_equal(job_radius(job) <= 1, expected)


@pytest.mark.parametrize("rows", [15, 20, 24])
def test_a_mask_that_reaches_over_most_of_the_box_stays_as_it_is(job: Job, rows: int) -> None:
    probability = filled(job, rows)  # of 24 rows
    assert rows / 24 >= REACH[1]
    got, share = respect_box(probability, job, 0.5)
    assert share == 0.0
    assert got is probability


def test_a_mask_in_a_corner_grows_towards_the_boxes_shape(job: Job) -> None:
    probability = filled(job, 6)
    got, share = respect_box(probability, job, 0.5)
    assert 0 < share <= MOST_SHARE
    ellipsoid = job_radius(job) <= 1
    assert dice(got >= 0.5, ellipsoid) > dice(probability >= 0.5, ellipsoid) + 0.2
    assert np.ptp(np.flatnonzero((got >= 0.5).any(axis=(0, 2)))) + 1 >= REACH[1] * 24
    # What the image says for certain stays where the box's shape does not contradict it.
    assert (got >= 0.5)[(probability > 0.8) & ellipsoid].all()


def test_nothing_found_stays_nothing(job: Job) -> None:
    probability = np.full(job.region().shape, 0.1, dtype=np.float32)
    got, share = respect_box(probability, job, 0.5)
    assert share == 0.0
    assert not (got >= 0.5).any()


def test_the_user_is_told_and_models_without_the_prior_are_left_alone(
    build_model: BuildModel, volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    from masam_core.inference.job import RunningMean

    box = BoxPrompt.from_voxels(12, 32, 9, 29, 5, 13)

    def corner(total: RunningMean) -> np.ndarray:
        out = np.full(total.sum.shape, 0.05, dtype=np.float32)
        inner = out[total.job.inner()]
        inner[:, :4, :4] = 0.9
        return out

    monkeypatch.setattr(RunningMean, "mean", corner)
    notes = {}
    for prior in ("ellipsoid", "none"):
        segmenter = Segmenter(build_model(shape_prior=prior), device="cpu")
        segmenter.set_volume(volume)
        lesion = segmenter.segment(box)
        notes[prior] = (lesion.messages, int(lesion.mask.sum()))
    assert any("fills little of this box" in m for m in notes["ellipsoid"][0])
    assert not any("fills little" in m for m in notes["none"][0])
    assert notes["ellipsoid"][1] > notes["none"][1]
