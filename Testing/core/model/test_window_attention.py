"""Attention on real tokens alone, against segment-anything's on windows filled up with zeros."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from segment_anything.modeling.image_encoder import Block, window_partition, window_unpartition
from torch import Tensor

from masam_core.model.config import ModelConfig
from masam_core.model.encoders.sam import SamImageEncoder
from masam_core.model.window_attention import WindowAttention, attention_of, lent_memory

from .conftest import shake


def naive(block: Block, x: Tensor) -> Tensor:
    """Attention branch of a block as segment-anything computes it."""
    if not block.window_size:
        return block.attn(x)
    windows, padded = window_partition(x, block.window_size)
    return window_unpartition(block.attn(windows), block.window_size, padded, x.shape[1:3])


def fast(attention: WindowAttention, block: Block, x: Tensor) -> Tensor:
    attn = block.attn
    out = attention(attn.qkv(x), attn.qkv.bias.to(x.dtype), attn.rel_pos_h, attn.rel_pos_w)
    return attn.proj(out)


def block_of(grid: tuple[int, int], window: int) -> Block:
    torch.manual_seed(0)
    block = Block(24, 3, use_rel_pos=True, window_size=window, input_size=grid).eval()
    shake(block, 0.3)
    return block


@pytest.mark.parametrize(
    ("grid", "window"),
    [
        ((8, 8), 4),  # whole windows only
        ((9, 8), 4),  # cut off at the bottom
        ((8, 10), 4),  # cut off at the right
        ((11, 9), 4),  # all four groups
        ((3, 2), 4),  # less than one window
        ((6, 5), 0),  # no windows
    ],
)
def test_equals_attention_on_padded_windows(grid: tuple[int, int], window: int) -> None:
    block = block_of(grid, window)
    x = torch.randn(2, *grid, 24)
    with torch.inference_mode():
        assert torch.allclose(
            fast(WindowAttention(grid, window, 3), block, x), naive(block, x), atol=2e-5
        )


def test_padding_takes_part_as_the_bias() -> None:
    block = block_of((5, 5), 4)
    x = torch.randn(1, 5, 5, 24)
    with torch.inference_mode():
        before = fast(WindowAttention((5, 5), 4, 3), block, x)
        block.attn.qkv.bias += 1.0
        after = fast(WindowAttention((5, 5), 4, 3), block, x)
        assert torch.allclose(after, naive(block, x), atol=2e-5)
    assert not torch.allclose(before, after, atol=1e-2)


def test_memory_serves_block_after_block_and_other_batches() -> None:
    first, second = block_of((7, 6), 4), block_of((7, 6), 4)
    shake(second, 0.3)
    attention = WindowAttention((7, 6), 4, 3)
    with torch.inference_mode():
        for block, count in ((first, 2), (second, 2), (first, 1), (second, 3)):
            x = torch.randn(count, 7, 6, 24)
            assert torch.allclose(fast(attention, block, x), naive(block, x), atol=2e-5)


def test_memory_is_lent_for_one_pass_and_to_one_thread() -> None:
    assert attention_of((4, 4), 2, 3) is not attention_of((4, 4), 2, 3)
    others: list[WindowAttention] = []
    with pytest.raises(ValueError, match="stop"), lent_memory():  # noqa: PT012
        first = attention_of((4, 4), 2, 3)
        assert attention_of((4, 4), 2, 3) is first
        assert attention_of((4, 5), 2, 3) is not first
        thread = threading.Thread(target=lambda: others.append(attention_of((4, 4), 2, 3)))
        thread.start()
        thread.join()
        raise ValueError("stop")
    assert others[0] is not first
    assert attention_of((4, 4), 2, 3) is not first


def test_two_threads_do_not_disturb_each_other() -> None:
    config = ModelConfig(backbone="vit_b", image_size=64, fact_rank=0, adapter_position="none")
    encoder = SamImageEncoder(config).eval()
    images = torch.randn(4, 1, 3, 64, 64)
    with torch.inference_mode():
        expected = [encoder(image, 1)[0] for image in images]

    def run(number: int) -> bool:
        with torch.inference_mode():
            return torch.allclose(encoder(images[number], 1)[0], expected[number], atol=1e-5)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(run, [0, 1, 2, 3] * 3))


def test_bfloat16_stays_near_float32() -> None:
    block = block_of((11, 9), 4)
    x = torch.randn(1, 11, 9, 24)
    with torch.inference_mode():
        exact = naive(block, x)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = fast(WindowAttention((11, 9), 4, 3), block, x.bfloat16())
    error = (rounded.float() - exact).abs()
    assert error.max() < 0.1 * exact.abs().max()
    assert 0 < error.mean() < 0.02 * exact.abs().mean()


@pytest.mark.gpu
def test_a_gpu_gives_the_same() -> None:
    block = block_of((11, 9), 4)
    x = torch.randn(2, 11, 9, 24)
    with torch.inference_mode():
        expected = naive(block, x)
        got = fast(WindowAttention((11, 9), 4, 3), block.cuda(), x.cuda())
    assert torch.allclose(got.cpu(), expected, atol=1e-3)
