"""Which process computes: its command, its environment, and what it lacks."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

# Import name to what pip installs. One of two computes: OpenVINO, which pip brings, or torch by
# Slicer's extension PyTorch.
QUICK = {"openvino": "openvino>=2025.0"}
FROM_PYTORCH = {"torch": "torch"}
FOR_ALL_MODELS = ("torch>=2.4", "torchvision>=0.19")  # and for training, which needs the second
FROM_PIP = {
    "safetensors": "safetensors>=0.4.3",
    "msgpack": "msgpack>=1.0",
    "platformdirs": "platformdirs>=4",
    "requests": "requests>=2.31",
    "pydicom": "pydicom>=2.4",  # Slicer has it, but can be built without
}
# Part of Slicer, but a Slicer can be built without it.
FROM_SLICER = {"SimpleITK": "SimpleITK>=2.3"}


def pythonExecutable() -> str:
    """Slicer's own Python, or this interpreter where there is no Slicer application."""
    return shutil.which("PythonSlicer") or sys.executable


def defaultCommand() -> list[str]:
    """The worker on this machine."""
    return [pythonExecutable(), "-m", "masam_core.worker"]


def workerCommand(custom: str) -> list[str]:
    """The command to start: what the user typed, or the worker on this machine.

    Raises:
        WorkerError: a command that can't be read.
    """
    from masam_core.worker.client import split_command

    return list(split_command(custom)) if custom.strip() else defaultCommand()


def workerEnvironment() -> dict[str, str]:
    """The same environment, with masam_core's folder on Python's path and threads that give way:
    Slicer renders beside the worker."""
    from masam_core.threads import share_processor

    values = dict(os.environ)
    share_processor(values)
    spec = importlib.util.find_spec("masam_core")
    if spec is not None and spec.origin is not None:
        folder = str(Path(spec.origin).resolve().parents[1])
        values["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, values.get("PYTHONPATH")]))
    return values


def missing(packages: Sequence[str]) -> list[str]:
    """Which of these import names are not installed, without importing any."""
    importlib.invalidate_caches()
    return [name for name in packages if importlib.util.find_spec(name) is None]


def missingForPanel() -> list[str]:
    """What the panel itself needs to talk to any worker, also to one on another machine."""
    return missing(["msgpack", *FROM_SLICER])


def missingForWorker() -> list[str]:
    """What a worker on this machine needs; what computes first, where there is none of both."""
    computing = missing([*QUICK, *FROM_PYTORCH])
    engine = list(QUICK) if len(computing) == len(QUICK) + len(FROM_PYTORCH) else []
    return [*engine, *missing([*FROM_PIP, *FROM_SLICER])]


def requireSlicersOwn() -> None:
    """Say what this Slicer lacks of what every Slicer should have; without it nothing can be done.

    Raises:
        RuntimeError: it was built without SimpleITK.
    """
    lacking = missing(list(FROM_SLICER))
    if lacking:
        # Here alone: outside the application it loads all of Slicer's core, a second for the
        # workbench's front process, which needs none of it.
        from .translation import tr as _

        raise RuntimeError(
            _(
                "MASAM can't work in this Slicer: it was built without {names}. Install it with "
                "PythonSlicer -m pip install {names}, and start Slicer again."
            ).format(names=" ".join(lacking))
        )
