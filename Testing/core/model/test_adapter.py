"""The 3D adapter against a literal loop over positions."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from masam_core.model.adapter import Adapter3D, BlockAdapters
from masam_core.model.config import ModelConfig
from masam_core.model.masam import MASAM
from masam_core.model.prompt import NetworkPrompt

from .conftest import shake


@pytest.mark.parametrize("slices", [1, 2, 5])
def test_adapter_is_the_literal_formula_at_every_position(slices: int) -> None:
    torch.manual_seed(1)
    adapter = Adapter3D(width=6, hidden=4).eval()
    shake(adapter, 0.5)
    x = torch.randn(2 * slices, 3, 2, 6)
    got = adapter(x, slices).detach().numpy()

    gamma, beta = (p.detach().numpy() for p in (adapter.norm.weight, adapter.norm.bias))
    down, up = adapter.down.weight.detach().numpy(), adapter.up.weight.detach().numpy()
    kernel, bias = adapter.conv.weight.detach().numpy(), adapter.conv.bias.detach().numpy()

    def reduced(token: np.ndarray) -> np.ndarray:
        centred = token - token.mean()
        return down @ (centred / math.sqrt((centred**2).mean() + 1e-5) * gamma + beta)

    for window in range(2):
        for s in range(slices):
            for row in range(3):
                for col in range(2):
                    total = bias.copy()
                    for tap in range(3):
                        z = s + tap - 1
                        if 0 <= z < slices:
                            neighbour = x[window * slices + z, row, col].numpy()
                            total += kernel[:, :, tap, 0, 0] @ reduced(neighbour)
                    gelu = [0.5 * t * (1 + math.erf(t / math.sqrt(2))) for t in total]
                    token = x[window * slices + s, row, col].numpy()
                    expected = token + up @ np.array(gelu)
                    assert np.allclose(got[window * slices + s, row, col], expected, atol=1e-5)


def test_adapter_equals_the_conv3d_of_the_paper() -> None:
    torch.manual_seed(2)
    adapter = Adapter3D(width=6, hidden=4).eval()
    shake(adapter, 0.5)
    x = torch.randn(10, 4, 4, 6)
    h = adapter.down(adapter.norm(x)).unflatten(0, (2, 5)).permute(0, 4, 1, 2, 3)
    h = nn.functional.gelu(adapter.conv(h)).permute(0, 2, 3, 4, 1).flatten(0, 1)
    assert torch.allclose(adapter(x, 5), x + adapter.up(h), atol=1e-5)


def test_a_fresh_adapter_is_the_identity() -> None:
    x = torch.randn(5, 4, 4, 6)
    assert torch.equal(Adapter3D(6, 4)(x, 5), x)


def test_windows_in_a_batch_do_not_mix() -> None:
    torch.manual_seed(3)
    adapter = Adapter3D(6, 4).eval()
    shake(adapter, 0.5)
    a, b = torch.randn(5, 2, 2, 6), torch.randn(5, 2, 2, 6)
    both = adapter(torch.cat([a, b]), 5)
    assert torch.allclose(both[:5], adapter(a, 5), atol=1e-6)
    assert torch.allclose(both[5:], adapter(b, 5), atol=1e-6)


@pytest.mark.parametrize(
    ("position", "expected"),
    [("none", []), ("before", ["before"]), ("after", ["after"]), ("both", ["before", "after"])],
)
def test_position_decides_which_adapters_exist(
    tiny_config: Callable[..., ModelConfig], position: str, expected: list[str]
) -> None:
    names = {n.split(".")[0] for n, _ in BlockAdapters(6, 4, position).named_parameters()}
    assert sorted(names) == sorted(expected)
    model = MASAM(tiny_config(adapter_position=position)).eval()
    prompt = NetworkPrompt(torch.tensor([[[9.0, 9, 90, 90]] * 5]))
    logits, _ = model(torch.rand(1, 5, 128, 128), prompt)
    assert logits.shape == (1, 5, 2, 128, 128)
