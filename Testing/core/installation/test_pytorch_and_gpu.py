"""PyTorch and the GPU: on this machine, and on machines that are not here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from masam_core.installation import devices, gpu, pytorch
from masam_core.installation.finding import State
from masam_core.installation.gpu import GpuFacts, gather, judge
from masam_core.installation.pytorch import build_of, check_pytorch

CARD = ("NVIDIA RTX A4000 (driver 470.57)",)


def test_pytorch_is_named_with_version_build_and_threads() -> None:
    found = check_pytorch()
    assert found.state is State.OK
    assert torch.__version__ in found.words
    assert f"{torch.get_num_threads()} thread" in found.words
    assert "built for" in found.words


def test_without_pytorch_it_is_said_in_plain_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(pytorch, "has_openvino", lambda: True)
    found = check_pytorch()
    assert found.state is State.OK
    assert "OpenVINO computes the bundled model" in found.words
    monkeypatch.setattr(pytorch, "has_openvino", lambda: False)
    found = check_pytorch()
    assert found.state is State.PROBLEM
    assert found.words == "PyTorch is not installed, so nothing can be segmented."
    assert "press Install" in found.advice


def test_a_pytorch_that_does_not_load_is_told_with_its_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text("raise OSError('[WinError 126] c10.dll')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "torch")
    try:
        found = check_pytorch()
    finally:
        sys.modules["torch"] = torch
    assert found.state is State.PROBLEM
    assert "[WinError 126] c10.dll" in found.words
    assert "Visual C++" in found.advice


def test_an_old_pytorch_is_a_problem_and_a_torchvision_of_another_one_for_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def misfit(_package: Any) -> str:
        raise RuntimeError("operator torchvision::nms does not exist")

    with monkeypatch.context() as patch:
        patch.setattr(pytorch, "version_of", misfit)
        found = check_pytorch()
        assert "torchvision::nms" in found.words
        assert "both at once" in found.advice
        assert found.state is State.NOTE
    with monkeypatch.context() as patch:
        patch.setattr(pytorch, "version_of", lambda _: None)
        found = check_pytorch()
        assert found.state is State.OK
        assert "torchvision" not in found.words
    monkeypatch.setattr(torch, "__version__", "2.3.1")
    assert "too old" in check_pytorch().words


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ({"cuda": None, "hip": None}, "the processor only"),
        ({"cuda": "12.6"}, "CUDA 12.6"),
        ({"cuda": None, "hip": "6.2"}, "ROCm 6.2"),
    ],
)
def test_a_build_is_named(version: dict[str, Any], words: str) -> None:
    assert build_of(SimpleNamespace(version=SimpleNamespace(**version))) == words


@pytest.mark.parametrize(
    ("facts", "state", "words", "advice"),
    [
        (GpuFacts(), State.OK, "No GPU found", ""),
        (GpuFacts(apple=True), State.OK, "Apple GPU", ""),
        (GpuFacts(cards=CARD), State.NOTE, "built for the processor only", "for CUDA"),
        (GpuFacts(cards=CARD, build="CUDA 13.0"), State.NOTE, "with this driver", "driver"),
        (GpuFacts(cards=CARD, hidden=True), State.NOTE, "CUDA_VISIBLE_DEVICES", "without"),
        (GpuFacts(cards=CARD, wanted="cpu"), State.NOTE, "set to 'cpu'", "'auto'"),
        (GpuFacts(used="cuda", label="A4000", cards=CARD), State.OK, "A4000, used", ""),
        (GpuFacts(used="cuda", label="A4000", failure="no kernel"), State.PROBLEM, "no k", "'cpu'"),
        (GpuFacts(wanted="cuda:3", used="", refusal="None."), State.PROBLEM, "None.", "'auto'"),
    ],
)
def test_a_gpu_that_is_not_used_has_a_reason(
    facts: GpuFacts, state: State, words: str, advice: str
) -> None:
    found = judge(facts)
    assert found.state is state
    assert words in found.words
    assert advice in found.advice
    assert bool(found.advice) == bool(advice)


def test_this_machines_facts_are_those_of_pytorch() -> None:
    facts = gather("cpu")
    assert (facts.used, facts.refusal, facts.failure) == ("cpu", "", "")
    assert gather("quantum:1").refusal
    found = gather("auto")
    assert found.used == ("cuda" if torch.cuda.is_available() else "cpu")


def test_a_gpu_is_tried_before_it_is_said_to_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the processor in the place of a GPU, once sound and once failing."""
    from masam_core.inference import device

    card = {"name": "cuda:0", "label": "Card", "total_bytes": 8e9, "free_bytes": 6e9}
    stand_in = SimpleNamespace(type="cuda", index=None, __str__=lambda: "cuda")
    monkeypatch.setattr(device, "choose_device", lambda _: stand_in)
    monkeypatch.setattr(devices, "list_devices", lambda: [card])
    ones = torch.ones
    monkeypatch.setattr(torch, "ones", lambda *size, device: ones(*size))
    facts = gather("auto")
    assert facts.label == "Card (6.0 of 8.0 GB free)"
    assert facts.failure == ""

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("CUDA error: no kernel image is available\nCompile with ...")

    monkeypatch.setattr(torch, "ones", fail)
    assert gather("auto").failure == "CUDA error: no kernel image is available"


def test_the_driver_is_asked_and_one_that_fails_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu.shutil, "which", lambda _: "/usr/bin/nvidia-smi")
    answer = SimpleNamespace(stdout="NVIDIA A100-SXM4-80GB, 550.54.15\nTesla T4, 550.54.15\n")
    monkeypatch.setattr(gpu.subprocess, "run", lambda *_, **__: answer)
    assert gpu.driver_cards() == (
        "NVIDIA A100-SXM4-80GB (driver 550.54.15)",
        "Tesla T4 (driver 550.54.15)",
    )

    def fail(*_: Any, **__: Any) -> None:
        raise subprocess.CalledProcessError(9, "nvidia-smi")

    monkeypatch.setattr(gpu.subprocess, "run", fail)
    assert gpu.driver_cards() == ()
