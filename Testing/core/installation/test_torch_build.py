"""Which build of PyTorch is chosen, on machines that are not here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from masam_core.installation import torch_build
from masam_core.installation.torch_build import (
    CPU_INDEX,
    CUDA_INDEX,
    SETTING,
    choose_build,
    missing_packages,
    nvidia_card,
    source_environment,
    source_options,
)

CARD = "NVIDIA RTX A4000 (driver 580.65)"


@pytest.mark.parametrize(
    ("system", "card", "index", "words"),
    [
        ("Linux", "", CPU_INDEX, "no NVIDIA GPU"),
        ("Linux", CARD, "", "RTX A4000"),
        ("Windows", "", "", "no NVIDIA GPU"),
        ("Windows", CARD, CUDA_INDEX, "RTX A4000"),
        ("Darwin", "", "", "Apple"),
    ],
)
def test_the_build_follows_system_and_gpu(system: str, card: str, index: str, words: str) -> None:
    build = choose_build({}, system, card)
    assert build.index == index
    assert words in build.words


@pytest.mark.parametrize("card", ["", CARD])
def test_the_setting_goes_before_everything(card: str) -> None:
    build = choose_build({SETTING: " file:///mirror "}, "Linux", card)
    assert build.index == "file:///mirror"
    assert SETTING in build.words
    ordinary = choose_build({SETTING: ""}, "Linux", card)
    assert ordinary.index == ""
    assert "ordinary" in ordinary.words


def test_a_card_is_found_by_the_driver_or_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_build, "driver_cards", lambda: (CARD,))
    assert nvidia_card(tmp_path) == CARD
    monkeypatch.setattr(torch_build, "driver_cards", tuple)  # no nvidia-smi, as in some containers
    assert nvidia_card(tmp_path) == ""
    file = tmp_path / "proc/driver/nvidia/gpus/0000:01:00.0/information"
    file.parent.mkdir(parents=True)
    file.write_text("Model: \t\t NVIDIA GeForce RTX 4060\nIRQ:   \t\t 61\n", "utf-8")
    assert nvidia_card(tmp_path) == "NVIDIA GeForce RTX 4060"


@pytest.mark.parametrize(
    ("installed", "vision", "expected"),
    [
        ({}, False, ["torch>=2.4"]),
        ({}, True, ["torch>=2.4", "torchvision>=0.19"]),
        ({"torch": "2.14.1+cpu"}, False, []),
        ({"torch": "2.14.1+cpu"}, True, ["torch==2.14.1+cpu", "torchvision>=0.19"]),
        ({"torch": "2.14.1+cpu", "torchvision": "0.29.1+cpu"}, True, []),
        ({"torch": "2.14.1"}, True, []),
    ],
)
def test_a_pytorch_that_is_there_stays(
    installed: dict[str, str], vision: bool, expected: list[str]
) -> None:
    assert missing_packages(installed, vision) == expected


def test_pip_looks_nowhere_else(tmp_path: Path) -> None:
    options = source_options("file:///mirror")
    assert options[:2] == ["--index-url", "file:///mirror"]
    folder = source_options(str(tmp_path))
    assert folder[-2:] == ["--find-links", str(tmp_path)]
    assert "--no-index" in folder
    variables = {"PIP_EXTRA_INDEX_URL": "x", "PIP_FIND_LINKS": "y", "PIP_CERT": "z", "PATH": "p"}
    assert source_environment(variables) == {
        "PIP_CERT": "z",
        "PATH": "p",
        "PIP_CONFIG_FILE": os.devnull,
    }
