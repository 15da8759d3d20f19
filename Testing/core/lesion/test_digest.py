"""A mask is known again by its digest, in any crop and with axes that run the other way."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from masam_core.lesion.digest import is_digest_of, mask_digest


@given(st.integers(0, 2**31), st.integers(0, 2), st.integers(0, 3), st.integers(0, 1))
def test_a_crop_has_the_digest_of_the_whole(seed: int, k: int, j: int, i: int) -> None:
    mask = np.zeros((7, 9, 8), bool)
    part = np.random.default_rng(seed).random((4, 5, 6)) < 0.3
    mask[k : k + 4, j : j + 5, i : i + 6] = part
    assert mask_digest(part, (k, j, i)) == mask_digest(mask)
    moved = np.zeros_like(mask)
    moved[k + 1 : k + 5, j : j + 5, i : i + 6] = part
    assert (mask_digest(moved) == mask_digest(mask)) is not part.any()


def test_axes_may_run_the_other_way_and_one_voxel_may_not_differ() -> None:
    mask = np.random.default_rng(3).random((4, 5, 6)) < 0.2
    digest = mask_digest(mask)
    for flips in product((1, -1), repeat=3):
        turned = mask[:: flips[0], :: flips[1], :: flips[2]]
        assert is_digest_of(digest, turned)
        other = turned.copy()
        other[0, 0, 0] ^= True
        assert not is_digest_of(digest, other)
    assert not is_digest_of(digest, np.zeros_like(mask))
