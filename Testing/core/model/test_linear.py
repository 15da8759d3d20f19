"""Linear layers in both ways of computing them."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from masam_core.model import linear as module
from masam_core.model.linear import convolves_faster, linear, mlp


@pytest.fixture(params=[True, False], ids=["convolution", "product"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Has linear layers run in one way, whatever the processor."""
    monkeypatch.setattr(module, "convolves_faster", lambda: request.param)
    return request.param


@pytest.mark.parametrize("shape", [(7, 12), (2, 5, 12), (2, 3, 4, 12), (1, 1, 12)])
@pytest.mark.parametrize("biased", [True, False])
def test_equals_the_product_written_out(way: bool, shape: tuple[int, ...], biased: bool) -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(shape), torch.randn(5, 12)
    bias = torch.randn(5) if biased else None
    expected = torch.einsum("...c,dc->...d", x.double(), weight.double()).float()
    if bias is not None:
        expected = expected + bias
    with torch.inference_mode():
        got = linear(x, weight, bias)
    assert got.shape == expected.shape
    assert torch.allclose(got, expected, atol=1e-5)


def test_takes_tokens_that_do_not_lie_side_by_side(way: bool) -> None:
    x, weight = torch.randn(12, 3, 2).permute(2, 1, 0), torch.randn(5, 12)
    with torch.inference_mode():
        assert torch.allclose(linear(x, weight), F.linear(x, weight), atol=1e-5)


def test_the_convolution_is_used_where_it_is_faster(
    way: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    original = F.conv2d

    def count(*arguments: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return original(*arguments)

    monkeypatch.setattr(F, "conv2d", count)
    x, weight = torch.randn(7, 12), torch.randn(5, 12)
    with torch.inference_mode():
        linear(x, weight)
        assert bool(calls) == way
        linear(x.double(), weight.double())  # only float32 gains
    assert len(calls) == way
    linear(x, weight.requires_grad_()).sum().backward()  # training takes the usual product
    assert len(calls) == way
    assert weight.grad is not None


def test_mlp_equals_the_usual_layers(way: bool) -> None:
    torch.manual_seed(0)
    first, second = nn.Linear(12, 48), nn.Linear(48, 12)
    x = torch.randn(3, 4, 12)
    with torch.inference_mode():
        expected = second(nn.GELU()(first(x)))
        assert torch.allclose(mlp(x, first, second), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("maker", "capability", "expected"),
    [
        ("vendor_id : AuthenticAMD", "AVX512", True),
        ("AMD64 Family 25 Model 97 Stepping 2, AuthenticAMD", "AVX512", True),
        ("vendor_id : GenuineIntel", "AVX512", False),
        ("vendor_id : AuthenticAMD", "AVX2", False),
        ("arm", "DEFAULT", False),
    ],
)
def test_convolves_on_amd_with_avx512(
    maker: str, capability: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_maker", lambda: maker)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    assert convolves_faster.__wrapped__() == expected
