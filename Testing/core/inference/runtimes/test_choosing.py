"""Which runtime computes: as told, else by the processor; refused in words where it can't."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from masam_core.errors import ConfigError, NeedsPyTorch
from masam_core.inference.runtimes import choosing, openvino_device
from masam_core.inference.runtimes.choosing import place_of, runtime_for
from masam_core.inference.runtimes.openvino_device import OpenVINODevice

from ..conftest import BuildModel

Machine = Callable[..., None]


class FakeCore:
    """OpenVINO on a laptop with Intel's graphics."""

    available_devices = ("CPU", "GPU.0", "GPU.1")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Says what is installed, and on which processor."""

    def say(torch: bool = True, openvino: bool = True, intel: bool = True) -> None:
        for name, value in (("torch", torch), ("openvino", openvino)):
            monkeypatch.setattr(choosing, f"has_{name}", lambda value=value: value)
        monkeypatch.setattr(choosing, "is_intel", lambda: intel)

    monkeypatch.setattr(openvino_device, "core", FakeCore)
    monkeypatch.setattr(choosing, "_has_cuda", lambda: False)
    say()
    return say


@pytest.mark.parametrize(
    ("here", "device", "expected"),
    [
        ({}, "auto", "openvino"),
        ({}, "cpu", "cpu"),
        ({}, "openvino:gpu.1", "openvino:GPU.1"),
        ({"intel": False}, "auto", "cpu"),
        ({"intel": False, "torch": False}, "auto", "openvino"),
        ({"torch": False}, "cpu", "openvino"),
        ({"openvino": False}, "auto", "cpu"),
    ],
)
def test_the_bundled_model_is_computed(
    machine: Machine, here: dict[str, bool], device: str, expected: str
) -> None:
    machine(**here)
    assert str(place_of("bundled", device)) == expected


def test_an_nvidia_gpu_comes_first(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "_has_cuda", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert place_of("bundled", "auto") == torch.device("cuda")


def test_other_models_and_int8_are_pytorchs(machine: Machine, build_model: BuildModel) -> None:
    assert place_of(build_model(), "auto") == torch.device("cpu")
    assert place_of("sam-vit-b", "auto") == torch.device("cpu")
    assert place_of("bundled", "auto", "int8") == torch.device("cpu")
    assert place_of("bundled", "auto", "auto", "base.pth") == torch.device("cpu")


@pytest.mark.parametrize(
    ("model", "device", "words"),
    [
        ("sam-vit-b", "auto", "'sam-vit-b' needs PyTorch, which is not installed"),
        ("bundled", "cuda", "'cuda' needs PyTorch.*3D Slicer"),
        ("bundled", "openvino:NPU", "finds only CPU, GPU.0, GPU.1"),
        ("bundled", "openvino:TPU", "Unknown device 'openvino:TPU'"),
        ("bundled", "openvino:GPU.x", "Unknown device"),
    ],
)
def test_what_is_not_there_is_named_with_what_helps(
    machine: Machine, model: str, device: str, words: str
) -> None:
    machine(torch=False)
    with pytest.raises(ConfigError, match=words) as refused:
        place_of(model, device)
    # A front end offers it then.
    assert isinstance(refused.value, NeedsPyTorch) == ("needs PyTorch" in words)


def test_without_the_package_the_device_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for kept in (openvino_device.core, openvino_device.load_openvino):
        kept.cache_clear()
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ConfigError, match="pip install openvino"):
        place_of("bundled", "openvino")


def _does_not_load() -> None:
    raise ConfigError("OpenVINO is not installed or does not load (GLIBC_2.28 not found).")


def test_where_openvino_does_not_load_auto_is_pytorchs(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino_device, "core", _does_not_load)
    assert place_of("bundled", "auto") == torch.device("cpu")
    with pytest.raises(ConfigError, match="GLIBC"):
        place_of("bundled", "openvino")
    machine(torch=False)
    with pytest.raises(ConfigError, match="GLIBC"):
        place_of("bundled", "auto")


def test_a_precision_that_openvino_lacks_here_is_pytorchs(machine: Machine) -> None:
    assert place_of("bundled", "auto", "bfloat16") == torch.device("cpu")
    assert place_of("bundled", "auto", "float32") == OpenVINODevice()


def test_a_gpu_of_amds_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch for ROCm calls it cuda; there is no driver of NVIDIA's beside it."""
    monkeypatch.setattr(choosing.shutil, "which", lambda _: None)
    monkeypatch.setattr(choosing.os.path, "exists", lambda path: path == "/dev/kfd")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choosing._has_cuda()


def test_openvino_reports_its_use_to_nobody(tmp_path: Path) -> None:
    """By itself it writes an identity into the home folder and sends an event at each import."""
    code = (
        "import sys, masam_core.inference.runtimes.openvino_device as d; d.core();"
        "assert d.load_openvino().convert_model;"
        "assert not [n for n in sys.modules if n.startswith('openvino_telemetry')]"
    )
    told = {name: value for name, value in os.environ.items() if name != "CI"}
    told |= {"HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=told, check=True, timeout=120)
    assert not list(tmp_path.iterdir())


def test_a_model_that_was_not_converted_is_refused_with_the_command(
    machine: Machine, build_model: BuildModel
) -> None:
    with pytest.raises(ConfigError, match="masam convert MODEL --to openvino"):
        runtime_for(build_model(), "openvino", "auto", None, True)


def test_a_converted_model_is_openvinos(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("{}")
    assert place_of(tmp_path, "auto") == OpenVINODevice()
    with pytest.raises(ConfigError, match="is PyTorch's"):
        place_of(tmp_path, "cuda")


def test_pytorch_is_not_even_loaded_to_look_for_a_gpu_where_there_is_no_driver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choosing, "_DRIVERS", ())
    monkeypatch.setattr(choosing.shutil, "which", lambda _: None)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert not choosing._has_cuda()
