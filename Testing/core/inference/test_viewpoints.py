"""Views that are averaged: mirrored ones see the same voxels, and come back to where they were."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from masam_core.image.volume import Volume
from masam_core.inference.engine import Ask, Run
from masam_core.inference.job import Job, job_crop
from masam_core.inference.options import SegmentOptions
from masam_core.inference.quality import Quality
from masam_core.inference.segmenter import Segmenter
from masam_core.inference.viewpoints import averages_views, mirrored, viewpoints
from masam_core.model.config import ModelConfig
from masam_core.prompts.boxes import BoxPrompt

from .conftest import BuildModel

CONFIG = ModelConfig(backbone="vit_s14", image_size=56, field_of_view="prompt")
BOX = BoxPrompt.from_voxels(12, 30, 9, 29, 5, 13)


@pytest.fixture
def job(volume: Volume) -> Job:
    frame = volume.geometry.canonical_frame()
    prompt = BOX.slice_boxes(frame)
    return Job(frame, prompt, prompt, job_crop(prompt, prompt, frame, CONFIG))


@pytest.mark.parametrize("halo", [False, True])
def test_each_view_shows_the_box_and_comes_back(volume: Volume, job: Job, halo: bool) -> None:
    job = job.with_halo(0.1, 2) if halo else job
    expected = job.frame.to_canonical(volume.array)[job.extent()]
    views = viewpoints(job, CONFIG)
    assert len({view.job.key(0) for view in views}) == 4  # embeddings of their own
    for view in views:
        own = view.job.frame.to_canonical(volume.array)[view.job.extent()]
        assert np.array_equal(view.back(own), expected)
        assert view.job.crop.holds(view.job.prompt.bounds)


def test_mirroring_twice_is_the_job_itself(job: Job) -> None:
    for axis in (1, 2):
        again = mirrored(mirrored(job, axis), axis)
        assert again.crop == job.crop
        assert np.allclose(again.prompt.xyxy, job.prompt.xyxy)
        assert again.frame.flips == job.frame.flips


def test_only_a_model_that_sees_crops_averages_views_and_only_at_its_best() -> None:
    whole = ModelConfig(backbone="vit_s14", image_size=56, field_of_view="slice")
    assert averages_views(Quality.BEST, CONFIG)
    assert not averages_views(Quality.BALANCED, CONFIG)
    assert not averages_views(Quality.BEST, whole)


def test_the_best_quality_is_the_mean_of_four_views(
    build_model: BuildModel, volume: Volume, job: Job
) -> None:
    segmenter = Segmenter(build_model(), device="cpu")
    segmenter.set_volume(volume)
    run = Run(SegmentOptions(quality="best"))
    views = viewpoints(job, segmenter.config)
    each = [
        view.back(segmenter._slide(view.job, run, asked(view.job, segmenter.config)).mean())
        for view in views
    ]
    assert np.allclose(segmenter.predict(job, run).mean(), np.mean(each, axis=0), atol=1e-6)
    # The mirrored view is what a mirrored image gives: same pixels, same box, other way round.
    turned = Volume(np.ascontiguousarray(volume.array[:, :, ::-1]), volume.geometry, "MR")
    segmenter.set_volume(turned)
    view = mirrored(job, 2)
    plain = Job(
        job.frame, *(replace(b, frame=job.frame) for b in (view.prompt, view.allowed)), view.crop
    )
    seen = segmenter._slide(plain, run, asked(plain, segmenter.config)).mean()
    assert np.allclose(seen[:, :, ::-1], each[1], atol=1e-5)


def asked(job: Job, config: ModelConfig) -> Ask:
    """The job's own box."""
    return lambda slices: job.ask(slices, config)
