"""Known motions are found again, and what can't be compared is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from masam_core.errors import Cancelled
from masam_core.followup.carrying import Carried, Pair, place_lps
from masam_core.followup.likeness import coefficient
from masam_core.followup.quality import Trust, judge
from masam_core.followup.registration import register_whole
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume

from .phantoms import GEOMETRY, STILL, TURNED, Ball, inside, masks, volume

LESION = Ball((-20.0, 5.0, 0.0), 9.0)


def dice(carried: Carried, truth: np.ndarray) -> float:
    """Overlap of a carried mask with where the lesion is in truth."""
    whole = np.zeros(truth.shape, dtype=bool)
    assert carried.mask is not None
    where = tuple(
        slice(o, o + n) for o, n in zip(carried.offset_kji, carried.mask.shape, strict=True)
    )
    whole[where] = carried.mask
    return float(2 * (whole & truth).sum() / (whole.sum() + truth.sum()))


@pytest.fixture(scope="module")
def pair() -> Pair:
    """A patient, and the same one turned and moved, with other noise."""
    return Pair(volume([LESION]), volume([LESION], TURNED, seed=2))


def test_a_known_motion_is_found_within_a_voxel(pair: Pair) -> None:
    places = np.array([[0.0, 0.0, 8.0], [-30.0, 20.0, 0.0], [25.0, -20.0, 40.0]])
    truth = np.array([TURNED.transform().TransformPoint(p.tolist()) for p in places])
    assert np.abs(pair.whole.to_earlier(places) - truth).max() < 2.0
    # There and back again, by iteration.
    assert np.abs(pair.whole.to_later(pair.whole.to_earlier(places)) - places).max() < 0.02


def test_a_lesion_is_carried_to_where_it_is(pair: Pair) -> None:
    (mask,) = masks([LESION])
    carried = pair.carry(mask.mask, mask.offset_kji, "Liver")
    truth = inside(LESION, TURNED)
    assert carried.quality.trust is Trust.GOOD
    assert dice(carried, truth) > 0.85
    assert carried.box is not None
    assert carried.box.name == "Liver"
    # The box holds the whole lesion, and is not much larger.
    kji = np.argwhere(truth)
    low, high = carried.box.corners_ijk.min(axis=0)[::-1], carried.box.corners_ijk.max(axis=0)[::-1]
    assert (low <= kji.min(axis=0)).all()
    assert (high >= kji.max(axis=0)).all()
    assert ((high - low) <= kji.max(axis=0) - kji.min(axis=0) + 1 + 5).all()


def test_contrasts_may_be_others(pair: Pair) -> None:
    """Dark for bright, as between two sequences."""
    turned = pair.later
    other = replace(turned, array=(500.0 - np.sqrt(np.abs(turned.array)) * 12), modality="MR")
    (mask,) = masks([LESION])
    carried = Pair(pair.earlier, other, elastic=False).carry(mask.mask, mask.offset_kji)
    assert carried.quality.trust is not Trust.FAILED
    assert dice(carried, inside(LESION, TURNED)) > 0.75


def test_another_patient_is_never_carried_over_with_confidence() -> None:
    (mask,) = masks([LESION])
    other = volume([], TURNED, patient=5, seed=3)
    carried = Pair(volume([LESION]), other, elastic=False).carry(mask.mask, mask.offset_kji)
    assert carried.quality.trust is not Trust.GOOD
    assert carried.quality.words


def test_noise_is_refused() -> None:
    (mask,) = masks([LESION])
    rng = np.random.default_rng(1)
    noise = Volume(rng.normal(0, 50, GEOMETRY.shape).astype(np.float32), GEOMETRY, "CT")
    carried = Pair(volume([LESION]), noise, elastic=False).carry(mask.mask, mask.offset_kji)
    assert carried.quality.trust is Trust.FAILED
    assert carried.mask is None
    assert carried.box is None


def test_a_place_outside_the_later_image_is_told() -> None:
    whole = volume([LESION], STILL, seed=2)
    # Only the patient's left half, whereas the lesion is on the right.
    half = Geometry(
        (GEOMETRY.shape[0], GEOMETRY.shape[1], 24),
        np.array(GEOMETRY.ijk_to_lps)
        + np.outer(np.array(GEOMETRY.ijk_to_lps) @ [34, 0, 0, 0], [0, 0, 0, 1]),
    )
    cut = Volume(np.ascontiguousarray(whole.array[:, :, 34:]), half, "CT")
    (mask,) = masks([LESION])
    carried = Pair(volume([LESION]), cut, elastic=False).carry(mask.mask, mask.offset_kji)
    assert carried.quality.trust is Trust.FAILED
    assert "outside the later image" in carried.quality.words


def test_the_same_again_gives_the_same(pair: Pair) -> None:
    again = register_whole(pair.earlier, pair.later)
    assert np.allclose(
        again.to_later(np.zeros((1, 3))), pair.whole.to_later(np.zeros((1, 3))), atol=0.05
    )


def test_it_can_be_stopped() -> None:
    with pytest.raises(Cancelled):
        register_whole(volume([LESION]), volume([LESION], TURNED), lambda: True)


def test_the_place_of_a_mask_is_that_of_its_voxels_outer_faces() -> None:
    geometry = Geometry.from_spacing((5, 5, 5), (1.0, 2.0, 3.0), (10.0, 20.0, 30.0))
    mask = np.zeros((2, 2, 2), dtype=bool)
    mask[0, 1, 1] = True  # k, j, i = 1, 2, 3 with the offset
    low, high = place_lps(mask, (1, 1, 2), geometry)
    assert low.tolist() == [10 + 2.5, 20 + 3.0, 30 + 1.5]
    assert high.tolist() == [10 + 3.5, 20 + 5.0, 30 + 4.5]


def test_the_coefficient_of_gaussian_pairs_is_their_correlation() -> None:
    rng = np.random.default_rng(0)
    for wanted in (0.0, 0.5, -0.8):
        a = rng.normal(size=200_000)
        b = wanted * a + np.sqrt(1 - wanted**2) * rng.normal(size=a.size)
        assert coefficient(a, b) == pytest.approx(abs(wanted), abs=0.03)
    assert coefficient(np.zeros(1000), rng.normal(size=1000)) == 0.0
    assert coefficient(np.arange(10.0), np.arange(10.0)) == 0.0  # too few to say


@pytest.mark.parametrize(
    ("figures", "trust", "words"),
    [
        ((0.9, 0.5, 0.5, 1.0), Trust.GOOD, ""),
        ((0.9, 0.5, 6.0, 1.0), Trust.DOUBTFUL, "there and back"),
        ((0.9, 0.5, 16.0, 1.0), Trust.FAILED, "there and back"),
        ((0.5, 0.5, 0.5, 1.0), Trust.FAILED, "no better than when shifted"),
        ((0.51, 0.5, 0.5, 1.0), Trust.DOUBTFUL, "hardly better"),
        ((0.2, 0.1, 0.5, 1.0), Trust.FAILED, "not alike"),
        ((0.4, 0.1, 0.5, 1.0), Trust.DOUBTFUL, "little alike"),
        ((0.9, 0.5, 0.5, 0.9), Trust.DOUBTFUL, "10% of the lesion's place"),
        ((0.9, 0.5, 0.5, 0.4), Trust.FAILED, "60% of the lesion's place"),
    ],
)
def test_each_sign_counts(
    figures: tuple[float, float, float, float], trust: Trust, words: str
) -> None:
    found = judge(*figures)
    assert found.trust is trust
    assert words in found.words
    assert bool(found.words) == (trust is not Trust.GOOD)
    assert judge(0.5, 0.2, 0.5, 1.0, both_ct=True).trust is Trust.DOUBTFUL
    assert judge(0.9, 0.2, 0.5, 1.0, moved_mm=25).trust is Trust.DOUBTFUL
