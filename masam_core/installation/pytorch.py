"""PyTorch: its version, what it was built for, and how many threads it uses."""

from __future__ import annotations

import importlib.util
import os
from typing import Any

from masam_core.inference.runtimes.openvino_device import has_openvino
from masam_core.installation.finding import Finding, State
from masam_core.installation.python import (
    TORCH,
    TORCHVISION,
    Package,
    how_to_install,
    numbers_of,
    version_of,
)

TITLE = "PyTorch"


def check_pytorch() -> Finding:
    """Check that PyTorch is there, loads and computes."""
    if _is_missing():
        if has_openvino():
            return Finding(
                TITLE,
                State.OK,
                "not installed; OpenVINO computes the bundled model. Other models, NVIDIA GPUs and "
                "training need PyTorch.",
            )
        return Finding(
            TITLE,
            State.PROBLEM,
            "PyTorch is not installed, so nothing can be segmented.",
            how_to_install([TORCH]),
        )
    try:
        import torch

        right = float((torch.ones(8, 8) @ torch.ones(8, 8)).sum()) == 512.0
    except Exception as error:  # a library that is missing or does not fit raises many things
        return Finding(
            TITLE,
            State.PROBLEM,
            f"PyTorch is installed but does not load ({type(error).__name__}: {error}).",
            "Install PyTorch again. On Windows it also needs Microsoft's Visual C++ "
            "redistributable.",
        )
    words = f"{torch.__version__}, built for {build_of(torch)}, {threads_of(torch)}"
    if not right:
        return Finding(
            TITLE, State.PROBLEM, f"{words}; computes wrongly.", "Install PyTorch again."
        )
    if numbers_of(torch.__version__) < numbers_of(TORCH.oldest):
        return Finding(TITLE, State.PROBLEM, f"{words}; too old.", how_to_install([TORCH]))
    return _with_torchvision(words, TORCHVISION)


def _is_missing() -> bool:
    try:
        return importlib.util.find_spec("torch") is None
    except (ImportError, ValueError):
        return True


def build_of(torch: Any) -> str:
    """Say what a PyTorch was built for: ``the processor only``, ``CUDA 12.6``, ``ROCm 6.2``."""
    if getattr(torch.version, "hip", None):
        return f"ROCm {torch.version.hip}"
    return f"CUDA {torch.version.cuda}" if torch.version.cuda else "the processor only"


def threads_of(torch: Any) -> str:
    """Say how many threads compute, of how many processors."""
    if hasattr(os, "sched_getaffinity"):
        usable = len(os.sched_getaffinity(0))
    else:
        usable = os.cpu_count() or 1
    threads = torch.get_num_threads()
    ending = "" if threads == 1 else "s"
    return f"{threads} thread{ending} of {usable} logical processors"


def _with_torchvision(words: str, package: Package) -> Finding:
    """Add torchvision, which only training needs; it must belong to the same PyTorch, and says so
    when it loads."""
    try:
        version = version_of(package)
    except Exception as error:
        return Finding(
            TITLE,
            State.NOTE,
            f"{words}; torchvision, which training needs, does not fit it "
            f"({type(error).__name__}: {error}).",
            "To train, install torch and torchvision again, both at once.",
        )
    if version is None:
        return Finding(TITLE, State.OK, words)
    return Finding(TITLE, State.OK, f"{words}; torchvision {version}")
