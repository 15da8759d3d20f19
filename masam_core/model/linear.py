"""Linear layers for inference, on the faster of PyTorch's two float32 matrix products."""

from __future__ import annotations

import platform
from functools import lru_cache
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def apply(layer: nn.Module, x: Tensor) -> Tensor:
    """A linear layer on (..., C), by :func:`linear`; one of other kind (int8) in its own way."""
    if isinstance(layer, nn.Linear):
        return linear(x, layer.weight, layer.bias)
    return cast(Tensor, layer(x))


def bias_of(layer: nn.Module) -> Tensor:
    """The bias of a linear layer, float or int8."""
    bias = layer.bias
    return cast(Tensor, bias() if callable(bias) else bias)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """The same as ``torch.nn.functional.linear``, (..., C) -> (..., D), up to rounding.

    PyTorch multiplies float32 matrices with Intel's MKL, which keeps to AVX2 on other makers'
    processors; its convolutions go through oneDNN, which uses AVX-512 wherever it is. A linear
    layer is a convolution of 1 x 1, so there it runs as one.
    """
    if (
        x.device.type == "cpu"
        and x.dtype == torch.float32
        and not torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
        and convolves_faster()
    ):
        rows = x.reshape(1, -1, 1, x.shape[-1]).permute(0, 3, 1, 2)
        out = F.conv2d(rows, weight[:, :, None, None], bias)
        return out.permute(0, 2, 3, 1).reshape(*x.shape[:-1], -1)
    return F.linear(x, weight, bias)


def cache_parts(x: Tensor) -> tuple[Tensor, ...]:
    """A batch image by image on the CPU, where a part stays in the cache; whole on a GPU, and where
    the work is written down for another runtime."""
    whole = x.device.type != "cpu" or torch.jit.is_tracing()
    return x.split(len(x) if whole else 1)


def mlp(x: Tensor, first: nn.Module, second: nn.Module) -> Tensor:
    """A transformer's MLP: widen, GELU, narrow; (N, ..., C) -> (N, ..., C).

    On the CPU image by image: the widened tokens of a whole window are larger than any cache.
    """
    narrow = [apply(second, F.gelu(apply(first, part))) for part in cache_parts(x)]
    return torch.cat(narrow) if len(narrow) > 1 else narrow[0]


@lru_cache(maxsize=1)
def convolves_faster() -> bool:
    """Whether this is a processor with AVX-512 that is not Intel's, in a PyTorch with MKL.

    Decided by what the processor is and not by a trial, so that a mask comes out the same from
    one day to the next.
    """
    return (
        torch.backends.mkl.is_available()
        and torch.backends.mkldnn.is_available()
        and "AVX512" in torch.backends.cpu.get_cpu_capability()
        and "AMD" in _maker()
    )


def _maker() -> str:
    """Who made the processor, in the words of the operating system."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text("utf-8", errors="replace").splitlines()
        return next((line for line in lines if line.startswith("vendor_id")), "")
    return platform.processor()
