"""Attention against segment-anything's own, which adds the positions to the score matrix."""

from __future__ import annotations

import pytest
import torch
from segment_anything.modeling.image_encoder import Attention
from torch.nn import functional as F

from masam_core.model import attention as module
from masam_core.model.attention import (
    attend,
    attend_relative,
    resize_absolute,
    resize_relative,
)

from .conftest import shake


@pytest.mark.parametrize("grid", [(4, 4), (7, 7), (3, 5)])
def test_relative_attention_equals_the_naive_one(grid: tuple[int, int]) -> None:
    torch.manual_seed(0)
    naive = Attention(24, num_heads=3, use_rel_pos=True, input_size=grid).eval()
    shake(naive, 0.3)
    x = torch.randn(2, *grid, 24)
    qkv = naive.qkv(x).flatten(1, 2)
    got = naive.proj(attend_relative(qkv, 3, naive.rel_pos_h, naive.rel_pos_w, grid))
    assert torch.allclose(got.unflatten(1, grid), naive(x), atol=1e-5)


def test_relative_positions_matter() -> None:
    torch.manual_seed(0)
    naive = Attention(24, num_heads=3, use_rel_pos=True, input_size=(4, 4)).eval()
    shake(naive, 0.3)
    qkv = naive.qkv(torch.randn(1, 16, 24))
    with_positions = attend_relative(qkv, 3, naive.rel_pos_h, naive.rel_pos_w, (4, 4))
    assert not torch.allclose(with_positions, attend(qkv, 3), atol=1e-3)


def test_plain_attention_equals_softmax_of_scaled_products() -> None:
    torch.manual_seed(0)
    qkv = torch.randn(2, 9, 3 * 8)
    q, k, v = (qkv[..., n * 8 : (n + 1) * 8].reshape(2, 9, 2, 4) for n in range(3))
    expected = torch.zeros(2, 9, 2, 4)
    for b in range(2):
        for head in range(2):
            score = q[b, :, head] @ k[b, :, head].T / 2.0
            expected[b, :, head] = score.softmax(-1) @ v[b, :, head]
    assert torch.allclose(attend(qkv, 2), expected.flatten(2), atol=1e-5)


@pytest.mark.parametrize("at_once", [1, 40, 300, 1 << 20])
def test_parts_of_any_size_give_the_attention_of_the_whole(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SCORES_AT_ONCE", at_once)
    torch.manual_seed(0)
    q, k = torch.randn(3, 2, 7, 4), torch.randn(3, 2, 9, 4) + 3.0
    v = torch.randn(3, 2, 9, 5)
    expected = ((q @ k.transpose(-2, -1)).softmax(-1)) @ v
    # The arithmetic in float32, where the two must agree; bfloat16 only rounds it.
    assert torch.allclose(module._attend_in_parts(q, k, v), expected, atol=1e-5)
    with torch.inference_mode():
        rounded = module.attend_heads(q.bfloat16(), k.bfloat16(), v.bfloat16())
    assert rounded.shape == expected.shape
    assert (rounded.float() - expected).abs().mean() < 0.02


def test_positions_are_resized_as_torch_interpolates_them() -> None:
    table = torch.randn(27, 5)
    expected = F.interpolate(table.T[None], size=39, mode="linear")[0].T
    assert torch.allclose(resize_relative(table, 20), expected)
    assert resize_relative(table, 14) is table
    grid = torch.randn(1, 6, 6, 3)
    expected = F.interpolate(grid.permute(0, 3, 1, 2), size=(4, 9), mode="bilinear")
    assert torch.allclose(resize_absolute(grid, (4, 9)), expected.permute(0, 2, 3, 1))
    assert resize_absolute(grid, (6, 6)) is grid
