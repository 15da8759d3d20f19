"""OpenVINO as the check of an installation sees it, and its devices in the list."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from masam_core.errors import ConfigError
from masam_core.inference.runtimes import choosing, openvino_device
from masam_core.installation import devices, openvino
from masam_core.installation.finding import State
from masam_core.installation.machine import check_machine


class FakeCore:
    """A laptop with Intel's graphics and an NPU."""

    available_devices = ("CPU", "GPU", "NPU")

    def get_property(self, name: str, _: str) -> str:
        return {"CPU": "Intel Core", "GPU": "Intel Arc", "NPU": "Intel AI Boost"}[name]


def test_its_devices_are_listed_by_the_names_to_ask_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "has_openvino", lambda: True)
    monkeypatch.setattr(devices, "core", FakeCore)
    found = {row["name"]: row["label"] for row in devices.list_devices()}
    assert found["openvino:GPU"] == "Intel Arc (GPU), with OpenVINO"
    assert found["openvino:NPU"].startswith("Intel AI Boost")
    assert found["openvino"].startswith("CPU with OpenVINO, ")


@pytest.mark.parametrize("intel", [True, False])
def test_the_first_is_what_computes_by_itself(monkeypatch: pytest.MonkeyPatch, intel: bool) -> None:
    monkeypatch.setattr(devices, "core", FakeCore)
    monkeypatch.setattr(openvino_device, "core", FakeCore)
    monkeypatch.setattr(choosing, "has_openvino", lambda: True)
    monkeypatch.setattr(choosing, "is_intel", lambda: intel)
    monkeypatch.setattr(choosing, "_has_cuda", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    names = [row["name"] for row in devices.list_devices()]
    assert names[0] == ("openvino" if intel else "cpu")
    assert sorted(names) == ["cpu", "openvino", "openvino:GPU", "openvino:NPU"]


def test_without_pytorch_only_its_devices_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "has_torch", lambda: False)
    monkeypatch.setattr(devices, "has_openvino", lambda: True)
    monkeypatch.setattr(devices, "core", FakeCore)
    names = [row["name"] for row in devices.list_devices()]
    assert set(names) == {"openvino:NPU", "openvino:GPU", "openvino"}


@pytest.mark.parametrize(("with_torch", "state"), [(True, State.NOTE), (False, State.PROBLEM)])
def test_one_that_does_not_load_matters_where_nothing_else_computes(
    monkeypatch: pytest.MonkeyPatch, with_torch: bool, state: State
) -> None:
    def broken() -> Any:
        raise ConfigError("OpenVINO is not installed or does not load (no libtbb)")

    monkeypatch.setattr(openvino, "has_openvino", lambda: True)
    monkeypatch.setattr(openvino, "has_torch", lambda: with_torch)
    monkeypatch.setattr(openvino, "core", broken)
    found = openvino.check_openvino()
    assert found.state is state
    assert "no libtbb" in found.words


def test_a_device_that_is_not_there_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_device, "core", FakeCore)
    found = check_machine("bundled", "openvino:GPU", lambda *_: None, lambda: False)
    (gpu,) = [finding for finding in found if finding.title == "GPU"]
    assert gpu.state is State.OK
    found = check_machine("bundled", "openvino:GPU.3", lambda *_: None, lambda: False)
    (gpu,) = [finding for finding in found if finding.title == "GPU"]
    assert gpu.state is State.PROBLEM
    assert "finds only CPU, GPU, NPU" in gpu.words


def test_an_nvidia_gpu_without_pytorch_is_named_with_what_helps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(openvino_device, "core", FakeCore)
    monkeypatch.setattr(openvino, "driver_cards", lambda: ("RTX A4000 (driver 550)",))
    assert openvino.check_device("openvino").state is State.OK  # PyTorch is there
    monkeypatch.setattr(openvino, "has_torch", lambda: False)
    found = openvino.check_device("openvino")
    assert found.state is State.NOTE
    assert "RTX A4000" in found.words
    assert "3D Slicer" in found.advice
