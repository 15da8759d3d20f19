"""Parts of a resampled axis against PyTorch's interpolation of the whole."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from masam_core.inference.resample import averaging, bilinear_part


@given(st.integers(1, 60), st.integers(1, 90), st.integers(1, 7), st.data())
@settings(deadline=None, max_examples=200)
def test_a_part_is_what_interpolating_the_whole_gives(
    have: int, want: int, multiple: int, data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, want - 1))
    part = slice(first, data.draw(st.integers(first + 1, want)))
    values = torch.randn(have)
    whole = F.interpolate(values[None, None, None], size=(1, want), mode="bilinear")[0, 0, 0]
    samples, weights = bilinear_part(have, want, part, multiple)
    assert np.allclose(weights @ values[samples].numpy(), whole[part], atol=1e-4)
    assert samples.start % multiple == 0
    assert samples.stop % multiple == 0 or samples.stop == have


def test_only_the_samples_needed_are_asked_for() -> None:
    # 512 logits over 512 voxels: one for each; doubled, the two neighbours' middle.
    assert bilinear_part(512, 512, slice(100, 120))[0] == slice(100, 121)
    assert bilinear_part(512, 512, slice(100, 120), 16)[0] == slice(96, 128)
    samples, weights = bilinear_part(256, 512, slice(4, 6))
    assert samples == slice(1, 4)
    assert np.allclose(weights, [[0.25, 0.75, 0.0], [0.0, 0.75, 0.25]])


@given(st.integers(1, 90), st.integers(1, 90))
@settings(deadline=None, max_examples=100)
def test_averaging_is_pytorchs_interpolation_without_aliases(have: int, want: int) -> None:
    whole = torch.eye(have)[None, None]
    expected = F.interpolate(whole, size=(want, have), mode="bilinear", antialias=True)[0, 0]
    assert np.allclose(averaging(have, want), expected, atol=1e-5)
