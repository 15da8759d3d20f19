"""Device to compute on, and its precision."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Literal, get_args

import torch

from masam_core.errors import ConfigError

Precision = Literal["auto", "float32", "bfloat16", "float16", "int8"]
_UNKNOWN = "Unknown device '{}'; expected auto, cpu, cuda, cuda:0 or mps."
_TYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "int8": torch.float32,  # of all that is not a linear layer of the encoder
}


def choose_device(wanted: str | torch.device = "auto") -> torch.device:
    """The device to compute on: CUDA if there is one, else the CPU, unless told.

    Raises:
        ConfigError: an unknown device, or one that this machine lacks.
    """
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
    except (RuntimeError, ValueError, TypeError, OverflowError) as error:
        raise ConfigError(_UNKNOWN.format(wanted)) from error
    if device.type not in ("cpu", "cuda", "mps"):  # torch's "meta" computes nothing
        raise ConfigError(_UNKNOWN.format(wanted))
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            "The device 'cuda' was asked for, but this PyTorch finds no NVIDIA GPU. Use 'cpu' or "
            "'auto', or install the CUDA build of PyTorch."
        )
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"There is no GPU number {device.index} in this machine.")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("The device 'mps' was asked for, but this machine has none.")
    return device


def choose_precision(wanted: str, device: torch.device) -> torch.dtype:
    """bfloat16 where the hardware multiplies it, else float16 on CUDA and float32 elsewhere; unless
    told.

    On a processor without such instructions bfloat16 is slower than float32, not faster.

    int8 is for processors without bfloat16, and only for them: see ``prepare_int8``.

    Raises:
        ConfigError: an unknown precision, or int8 on a GPU.
    """
    if wanted == "int8" and device.type != "cpu":
        raise ConfigError(
            f"The precision 'int8' is for the CPU; on {device} use 'auto', which is faster there."
        )
    if wanted == "auto":
        if device.type == "cpu" and has_fast_bfloat16():
            return torch.bfloat16
        if device.type != "cuda":
            return torch.float32
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if wanted not in _TYPES:
        raise ConfigError(
            f"Unknown precision '{wanted}'; expected one of {', '.join(get_args(Precision))}."
        )
    return _TYPES[wanted]


def has_fast_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 (AVX-512 BF16, for example AMD from Zen 4 on)."""
    found = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # from PyTorch 2.6 on
    return bool(found()) if found is not None else False


def upload(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A tensor on the device; to an NVIDIA GPU through pinned memory, which is about twice as fast
    and does not hold up the program. Where there is none to pin, as usual."""
    if device.type != "cuda":
        return tensor.to(device)
    try:
        return tensor.pin_memory().to(device, non_blocking=True)
    except torch.cuda.OutOfMemoryError:
        raise
    except RuntimeError:
        return tensor.to(device)


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[object]:
    """Mixed precision for a block of code; nothing in float32."""
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(device.type, dtype)
