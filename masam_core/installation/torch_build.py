"""Which build of PyTorch suits this machine, asked before there is any.

PyTorch for Linux comes from PyPI with CUDA: 3 GB that are of no use without an NVIDIA GPU. Its own
index has builds for the processor alone, and for CUDA on Windows, where PyPI's is for the processor
(https://pytorch.org/get-started/locally). Needs the standard library alone.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from masam_core.installation.gpu import driver_cards

SETTING = "MASAM_TORCH_INDEX"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
CUDA_INDEX = "https://download.pytorch.org/whl/cu130"
FOR_CPU = "+cpu"  # how the versions of the builds for the processor alone end
OLDEST, OLDEST_VISION = "torch>=2.4", "torchvision>=0.19"
_ROOT = Path("/")
# pip takes what any of its indexes has; these would bring the ordinary build back.
_OTHER_SOURCES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX")


@dataclass(frozen=True)
class TorchBuild:
    """A build of PyTorch.

    Attributes:
        index: package index, or folder of wheels, to ask for it; empty: pip's ordinary one.
        words: what was chosen, and why.
    """

    index: str
    words: str


def choose_build(
    variables: Mapping[str, str], system: str | None = None, card: str | None = None
) -> TorchBuild:
    """Choose by the setting, the system and the GPU.

    Args:
        variables: environment; ``MASAM_TORCH_INDEX`` names an index or a folder of wheels, and
            is empty for pip's ordinary index.
        system: as of ``platform.system``; None asks.
        card: name of the NVIDIA GPU, empty where there is none; None looks for one.
    """
    if SETTING in variables:
        wanted = variables[SETTING].strip()
        where = wanted or "pip's ordinary index"
        return TorchBuild(wanted, f"from {where}, since {SETTING} says so")
    system = platform.system() if system is None else system
    if system == "Darwin":
        return TorchBuild("", "the build for Macs, which also uses Apple's GPU")
    card = nvidia_card() if card is None else card
    if card:
        index = CUDA_INDEX if system == "Windows" else ""
        return TorchBuild(index, f"the build with CUDA (about 3 GB), for the GPU {card}")
    index = CPU_INDEX if system == "Linux" else ""
    return TorchBuild(
        index,
        "the build for the processor alone (about 0.2 GB), since no NVIDIA GPU with a driver was "
        f"found. For another build set {SETTING} to its package index",
    )


def nvidia_card(root: Path = _ROOT) -> str:
    """Name an NVIDIA GPU that has a driver, by ``nvidia-smi`` or the driver's own files on Linux;
    empty where there is none."""
    cards = driver_cards()
    if cards:
        return cards[0]
    for file in sorted((root / "proc/driver/nvidia/gpus").glob("*/information")):
        for line in file.read_text("utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "Model":
                return value.strip()
    return ""


def missing_packages(installed: Mapping[str, str], vision: bool) -> list[str]:
    """Requirements to ask the chosen index for; empty where nothing is to be asked.

    A PyTorch that is there stays. One for the processor alone needs its own torchvision beside it;
    any other gets it from pip's ordinary index.

    Args:
        installed: version of each package that is there, ``torch`` and ``torchvision`` among them.
        vision: whether torchvision is needed, which only training uses.
    """
    torch = installed.get("torch")
    if torch is None:
        return [OLDEST, OLDEST_VISION] if vision else [OLDEST]
    if vision and "torchvision" not in installed and torch.endswith(FOR_CPU):
        return [f"torch=={torch}", OLDEST_VISION]
    return []


def source_options(index: str) -> list[str]:
    """pip's options that take packages from this index, or folder of wheels, alone."""
    folder = Path(index).expanduser()
    if folder.is_dir():
        # What a folder lacks of the rest comes with MASAM's own requirements.
        return ["--no-index", "--no-deps", "--find-links", str(folder.resolve())]
    return ["--index-url", index, "--retries", "2", "--timeout", "30"]


def source_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """An environment in which pip knows no other index: neither by variables nor by its files."""
    kept = {name: value for name, value in variables.items() if name not in _OTHER_SOURCES}
    return {**kept, "PIP_CONFIG_FILE": os.devnull}
