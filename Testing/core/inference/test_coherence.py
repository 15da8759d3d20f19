"""A mask that jumps to a vessel is brought back; one that does not is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from masam_core.image.geometry import Geometry
from masam_core.inference.coherence import Coherent, hold_together, surest_slice
from masam_core.inference.job import Job, job_crop
from masam_core.inference.view import PRIOR_LOGIT
from masam_core.model.config import ModelConfig
from masam_core.prompts.boxes import BoxPrompt
from masam_core.scoring.metrics import dice

SHAPE = (11, 40, 40)
VESSEL_FROM = 7


def scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A node that tapers off upwards beside a bright vessel: node, vessel, image."""
    k, j, i = np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij")
    node = ((k - 4) / 7.0) ** 2 + ((j - 18) / 9.0) ** 2 + ((i - 16) / 9.0) ** 2 <= 1
    vessel = (j - 18) ** 2 + (i - 29) ** 2 <= 16
    rng = np.random.default_rng(1)
    image = np.select([vessel, node], [300.0, 60.0], -90.0) + rng.normal(0, 8, SHAPE)
    return node & ~vessel, vessel, image.astype(np.float32)


@pytest.fixture
def job() -> Job:
    geometry = Geometry.from_spacing(SHAPE, (0.8, 0.8, 3.0))
    frame = geometry.canonical_frame()
    prompt = BoxPrompt.from_voxels(6, 33, 8, 28, 0, 10).slice_boxes(frame)
    config = ModelConfig(backbone="vit_s14", image_size=56, field_of_view="prompt")
    return Job(frame, prompt, prompt, job_crop(prompt, prompt, frame, config))


def on_extent(job: Job, mask: np.ndarray) -> np.ndarray:
    return mask[job.extent()]


def prediction(
    job: Job, jumps: bool, least: float = 0.1
) -> tuple[Coherent, np.ndarray, np.ndarray]:
    """What a network says slice by slice: right, or from one slice on the vessel."""
    node, vessel, image = (on_extent(job, part) for part in scene())
    seen = np.where(node, 0.9, 0.05).astype(np.float32)
    if jumps:
        seen[VESSEL_FROM:] = np.where(vessel, 0.97, least)[VESSEL_FROM:]
    return Coherent(seen, np.full(len(seen), 0.9)), node, image


def test_a_mask_that_stays_is_not_touched(job: Job) -> None:
    first, _, image = prediction(job, jumps=False)

    def never(*_: object) -> tuple[np.ndarray, float]:
        raise AssertionError("no slice should be decoded again")

    assert hold_together(first, image, job, 0.5, never) is first


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5])
@pytest.mark.parametrize("listens", [True, False])
def test_a_jump_to_the_vessel_is_brought_back(job: Job, listens: bool, threshold: float) -> None:
    """Also where the network says the same when it is asked again, and at a low threshold."""
    first, node, image = prediction(job, jumps=True, least=min(0.1, threshold / 2))
    asked = []

    def again(index: int, prior: np.ndarray) -> tuple[np.ndarray, float]:
        asked.append(index)
        assert prior.min() >= -PRIOR_LOGIT
        assert prior.max() <= PRIOR_LOGIT
        told = np.where(node, 0.9, 0.05).astype(np.float32)[index]
        return (told if listens else first.probability[index]), 0.6

    out = hold_together(first, image, job, threshold, again)
    before, after = (
        dice(p.probability[VESSEL_FROM:] >= threshold, node[VESSEL_FROM:]) for p in (first, out)
    )
    assert before < 0.1
    assert after > (0.9 if listens else 0.6)
    assert not (out.probability[VESSEL_FROM:, :, 23:] >= threshold)[
        :, 10
    ].any()  # the vessel's middle
    assert out.again == tuple(asked) == tuple(range(VESSEL_FROM, len(node)))
    assert np.array_equal(out.probability[:VESSEL_FROM], first.probability[:VESSEL_FROM])


def test_the_prior_of_the_ellipsoids_own_cut_is_the_ellipsoid(job: Job) -> None:
    from masam_core.inference.coherence import _prior_of
    from masam_core.inference.tightness import job_radius

    radius = job_radius(job)
    known = radius[6] <= 1
    prior = _prior_of(known, 7, 6, job)
    ours, theirs = prior > 0, radius[7] <= 1
    assert dice(ours, theirs) > 0.9
    assert abs(float(prior.max()) - PRIOR_LOGIT * (1 - float(radius[7].min()))) < 0.3


@pytest.mark.parametrize("listens", [True, False])
def test_an_end_of_the_box_without_lesion_does_not_turn_the_mask_over(
    job: Job, listens: bool
) -> None:
    """On the first slice the network takes all that it is shown: the largest mask of all."""
    first, node, image = prediction(job, jumps=False)
    node[:2], image[:2] = False, -90.0
    node[1, 8:14, 6:12], image[1, 8:14, 6:12] = True, 60.0  # it tapers off
    first.probability[0], first.probability[1] = 0.95, np.where(node[1], 0.9, 0.05)

    def again(index: int, prior: np.ndarray) -> tuple[np.ndarray, float]:
        assert index == 0
        told = np.full_like(first.probability[0], 0.05)
        return (told if listens else first.probability[index]), 0.6

    out = hold_together(first, image, job, 0.5, again)
    assert out.again == (0,)
    assert (out.probability[0] >= 0.5).sum() == 0
    assert np.array_equal(out.probability[1:], first.probability[1:])


def test_the_surest_slice_has_most_of_the_certain_area(job: Job) -> None:
    shape = on_extent(job, scene()[0]).shape
    middle = shape[0] // 2
    probability = np.zeros(shape, dtype=np.float32)
    probability[middle - 1, :8] = 0.6
    probability[middle, :, :8] = 0.9
    probability[middle + 1, 0] = 1.0
    assert surest_slice(probability, probability >= 0.5, job) == middle
    assert surest_slice(probability, probability > 2, job) is None


def test_at_the_ends_of_the_box_an_area_counts_less(job: Job) -> None:
    shape = on_extent(job, scene()[0]).shape
    middle = shape[0] // 2
    probability = np.zeros(shape, dtype=np.float32)
    probability[0] = 0.95
    probability[middle, :15, :15] = 0.95
    # The box has 11 slices: the first one's cut is 1 - (5 / 5.5) ** 2 = 0.17 of the middle one's.
    assert 0.17 * probability[0].sum() < probability[middle].sum() < probability[0].sum()
    assert surest_slice(probability, probability >= 0.5, job) == middle
