"""Tight boxes of masks, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from masam_core.lesion.crops import tight_box


def test_the_tight_box_is_in_ijk_with_both_ends() -> None:
    mask = np.zeros((9, 8, 7), dtype=bool)
    mask[2:5, 3, 1:6] = True
    assert tight_box(mask) == (1, 5, 3, 3, 2, 4)
    with pytest.raises(ValueError, match="empty"):
        tight_box(np.zeros((2, 2, 2)))
