"""OpenVINO's devices: the processor, Intel's graphics and NPUs; loads no torch."""

from __future__ import annotations

import importlib.util
import platform
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from masam_core.errors import ConfigError
from masam_core.threads import NUMBER, available_cores

PREFIX = "openvino"
KINDS = ("CPU", "GPU", "NPU")
INSTALL = "python -m pip install openvino"


@dataclass(frozen=True)
class OpenVINODevice:
    """A device by OpenVINO's name for it: ``CPU``, ``GPU``, ``GPU.1``, ``NPU``."""

    name: str = "CPU"
    type: str = PREFIX

    def __str__(self) -> str:
        return PREFIX if self.name == "CPU" else f"{PREFIX}:{self.name}"


def is_openvino(wanted: object) -> bool:
    """Whether a device's name asks for OpenVINO."""
    return isinstance(wanted, OpenVINODevice) or (
        isinstance(wanted, str) and wanted.split(":")[0].lower() == PREFIX
    )


def openvino_device(wanted: str | OpenVINODevice) -> OpenVINODevice:
    """The device of a name such as ``openvino`` or ``openvino:GPU``.

    Raises:
        ConfigError: an unknown name, no OpenVINO, or no such device in this machine.
    """
    if isinstance(wanted, OpenVINODevice):
        return wanted
    name = wanted.partition(":")[2].upper() if ":" in wanted else "CPU"
    kind, _, number = name.partition(".")
    if kind not in KINDS or (number and not number.isdigit()):
        raise ConfigError(
            f"Unknown device '{wanted}'; expected openvino, openvino:GPU, openvino:GPU.1 or "
            "openvino:NPU."
        )
    found = list(core().available_devices)
    if name not in found and f"{name}.0" not in found:
        raise ConfigError(
            f"The device '{wanted}' was asked for, but OpenVINO finds only "
            f"{', '.join(found) or 'nothing'} here. Use 'auto', or install the driver of Intel's "
            "graphics or NPU."
        )
    return OpenVINODevice(name)


@lru_cache(maxsize=1)
def has_openvino() -> bool:
    """Whether the package is installed."""
    return _is_installed("openvino")


@lru_cache(maxsize=1)
def has_torch() -> bool:
    """Whether PyTorch is installed."""
    return _is_installed("torch")


@lru_cache(maxsize=1)
def core() -> Any:
    """OpenVINO's core.

    Raises:
        ConfigError: OpenVINO is not installed, or does not load.
    """
    try:
        import openvino
    except ImportError as error:
        raise ConfigError(
            f"OpenVINO is not installed or does not load ({error}). Install it with: {INSTALL}"
        ) from error
    return openvino.Core()


def compute_threads() -> int | None:
    """Threads for the processor: what the environment says, else its cores; None leaves it to
    OpenVINO."""
    import os

    said = os.environ.get(NUMBER, "")
    return int(said) if said.isdigit() and int(said) else available_cores()


@lru_cache(maxsize=1)
def is_intel() -> bool:
    """Whether Intel made this processor."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text("utf-8", errors="replace").splitlines()
        return any("GenuineIntel" in line for line in lines if line.startswith("vendor_id"))
    return "GenuineIntel" in platform.processor()  # as Windows says it


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False
