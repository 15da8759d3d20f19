"""Choice of device and precision."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from masam_core.errors import ConfigError
from masam_core.inference import device
from masam_core.inference.device import (
    autocast,
    choose_device,
    choose_precision,
    has_fast_bfloat16,
    upload,
)

CPU = torch.device("cpu")


@pytest.mark.parametrize(("fast", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_without_a_gpu_the_processor_decides(
    monkeypatch: pytest.MonkeyPatch, fast: bool, expected: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(device, "has_fast_bfloat16", lambda: fast)
    assert choose_device("auto") == CPU
    assert choose_precision("auto", CPU) == expected


def test_half_precision_is_taken_only_where_the_processor_says_so() -> None:
    flags = Path("/proc/cpuinfo")
    if not flags.is_file():
        pytest.skip("this system has no /proc/cpuinfo to compare with")
    if has_fast_bfloat16():
        assert "avx512_bf16" in flags.read_text("utf-8")


def test_asking_for_a_gpu_that_is_not_there_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="no NVIDIA GPU"):
        choose_device("cuda")


def test_a_gpu_number_beyond_the_last_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ConfigError, match="no GPU number 3"):
        choose_device("cuda:3")


@pytest.mark.parametrize(("has_bf16", "expected"), [(True, torch.bfloat16), (False, torch.float16)])
def test_on_cuda_half_precision_follows_the_gpu(
    monkeypatch: pytest.MonkeyPatch, has_bf16: bool, expected: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: has_bf16)
    assert choose_precision("auto", torch.device("cuda")) == expected


def test_unknown_words_are_refused() -> None:
    with pytest.raises(ConfigError, match="Unknown device"):
        choose_device("gpu0")
    with pytest.raises(ConfigError, match="bfloat16"):
        choose_precision("int3", CPU)


def test_autocast_changes_the_precision_of_products_only_when_asked() -> None:
    a = torch.ones(4, 4)
    with autocast(CPU, torch.float32):
        assert (a @ a).dtype == torch.float32
    with autocast(CPU, torch.bfloat16):
        assert (a @ a).dtype == torch.bfloat16


@pytest.mark.gpu
def test_with_a_gpu_auto_chooses_it() -> None:
    assert choose_device("auto").type == "cuda"


def test_int8_is_for_the_processor_alone() -> None:
    assert choose_precision("int8", CPU) == torch.float32  # of all but linear layers
    with pytest.raises(ConfigError, match="'auto'"):
        choose_precision("int8", torch.device("cuda"))


@pytest.mark.gpu
def test_what_is_uploaded_arrives() -> None:
    values = torch.arange(1000.0)
    assert torch.equal(upload(values, torch.device("cuda")).cpu(), values)
