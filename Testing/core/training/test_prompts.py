"""Simulated boxes: how far their sides are off, and that they stay boxes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from masam_core.errors import ConfigError
from masam_core.training.prompts import (
    Offset,
    PromptConfig,
    box_of_mask,
    cut_box,
    diameter_box,
)

BOX = torch.tensor([10.0, 20.0, 50.0, 40.0])


def test_the_box_of_a_mask_is_its_outer_edges() -> None:
    mask = torch.zeros(9, 9, dtype=torch.bool)
    assert box_of_mask(mask) is None
    mask[5, 3] = True
    box = box_of_mask(mask)
    assert box is not None
    assert box.tolist() == [2.5, 4.5, 3.5, 5.5]
    mask[7, 6] = True
    box = box_of_mask(mask)
    assert box is not None
    assert box.tolist() == [2.5, 4.5, 6.5, 7.5]


def test_jitter_moves_each_side_by_at_most_its_share() -> None:
    rng = np.random.default_rng(0)
    moved = torch.stack([Offset(-0.1, 0.1).move_box(BOX, rng) for _ in range(300)])
    shift = (moved - BOX).abs().max(dim=0).values
    assert (shift <= torch.tensor([4.0, 2.0, 4.0, 2.0]) + 1e-5).all()
    assert (shift > torch.tensor([3.5, 1.7, 3.5, 1.7])).all()
    assert torch.equal(Offset(0.0, 0.0).move_box(BOX, rng), BOX)


def test_a_loose_box_holds_the_tight_one() -> None:
    rng = np.random.default_rng(1)
    moved = torch.stack([Offset(0.0, 0.25).move_box(BOX, rng) for _ in range(100)])
    assert (moved[:, :2] <= BOX[:2]).all()
    assert (moved[:, 2:] >= BOX[2:]).all()
    assert (moved[:, 2] - 50).max() <= 10.0
    for _ in range(50):
        low, high = Offset(0.0, 0.25).move_slices(10, 29, rng)
        assert 5 <= low <= 10
        assert 29 <= high <= 34


def test_moved_slices_keep_at_least_one() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        low, high = Offset(-0.1, 0.1).move_slices(10, 29, rng)
        assert low <= high
        assert abs(low - 10) <= 2
        assert abs(high - 29) <= 2
    assert Offset(-0.4, 0.4).move_slices(4, 4, rng) == (4, 4)


def test_kinds_of_boxes_come_as_often_as_asked() -> None:
    rng = np.random.default_rng(2)
    prompts = PromptConfig(jitter=0.1, tight=0.3, loose=0.2, loosen=0.25)
    drawn = [prompts.draw(rng) for _ in range(4000)]
    assert drawn.count(Offset(0.0, 0.0)) / 4000 == pytest.approx(0.3, abs=0.03)
    assert drawn.count(Offset(0.0, 0.25)) / 4000 == pytest.approx(0.2, abs=0.03)
    assert drawn.count(Offset(-0.1, 0.1)) / 4000 == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"jitter": 0.5}, "jitter is 0.5"),
        ({"loosen": -1}, "loosen is -1"),
        ({"tight": 0.8, "loose": 0.4}, "shares"),
        ({"per_slice": 2}, "shares"),
    ],
)
def test_bad_shares_and_amounts_are_refused(bad: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PromptConfig(**bad)


def test_a_box_that_cuts_loses_one_or_two_sides_and_keeps_a_voxel() -> None:
    rng = np.random.default_rng(0)
    whole = (10, 20, 5, 49, 29, 6)
    for _ in range(200):
        cut = np.array(cut_box(whole, 0.5, rng))
        inwards = (cut - np.array(whole)) * np.array([1, 1, 1, -1, -1, -1])
        assert (inwards >= 0).all()
        assert 0 <= (inwards > 0).sum() <= 2
        assert (inwards <= np.array([20, 5, 1, 20, 5, 1])).all()
        assert (cut[:3] <= cut[3:]).all()
    assert cut_box((3, 3, 3, 3, 3, 3), 0.8, rng) == (3, 3, 3, 3, 3, 3)


def test_the_box_of_a_diameter_is_that_of_the_ellipse_around_it() -> None:
    y, x = np.mgrid[:100, :100]
    along, across = (x - 50 + y - 50) / np.sqrt(2), (x - 50 - y + 50) / np.sqrt(2)
    slanted = (along / 30) ** 2 + (across / 15) ** 2 <= 1
    rows, cols = (np.flatnonzero(slanted.any(axis=axis)) for axis in (1, 0))
    tight = [cols[0] - 0.5, rows[0] - 0.5, cols[-1] + 0.5, rows[-1] + 0.5]
    boxes = np.array([diameter_box(slanted, np.random.default_rng(seed)) for seed in range(12)])
    with_across = boxes[np.abs(boxes - tight).max(axis=1) < 2]
    assert 0 < len(with_across) < 12
    # Without: the short axis is taken to be three quarters of the long one, here it is half.
    half = np.sqrt((30**2 + 22.5**2) / 2)
    without = boxes[np.abs(boxes - tight).max(axis=1) >= 2]
    assert np.abs(without - [50 - half, 50 - half, 50 + half, 50 + half]).max() < 2
    assert diameter_box(np.zeros((5, 5), bool), np.random.default_rng(0)) is None
