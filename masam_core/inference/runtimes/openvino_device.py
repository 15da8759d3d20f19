"""OpenVINO's devices: the processor, Intel's graphics and NPUs; loads no torch."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from masam_core.errors import ConfigError
from masam_core.threads import NUMBER, available_cores

PREFIX = "openvino"
KINDS = ("CPU", "GPU", "NPU")
INSTALL = "python -m pip install openvino"
_REPORTS = "openvino_telemetry"


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
def load_openvino() -> Any:
    """The package ``openvino``, without the one that reports its use.

    Raises:
        ConfigError: OpenVINO is not installed, or does not load.
    """
    try:
        with without_reports():
            return importlib.import_module("openvino")
    except (ImportError, OSError, RuntimeError) as error:
        raise ConfigError(
            f"OpenVINO is not installed or does not load ({error}). Install it with: {INSTALL}"
        ) from error


@contextlib.contextmanager
def without_reports() -> Iterator[None]:
    """Let packages of Intel's be imported without the one that reports their use.

    At each import it would write an identity into the home folder and send an event to Google
    Analytics (``openvino_telemetry``); where that package can't be imported they send nothing.
    """
    reports = {name for name in sys.modules if name.split(".")[0] == _REPORTS}
    kept = {name: sys.modules.pop(name) for name in reports}
    sys.modules[_REPORTS] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[_REPORTS]
        sys.modules.update(kept)


@lru_cache(maxsize=1)
def core() -> Any:
    """OpenVINO's core.

    Raises:
        ConfigError: OpenVINO is not installed, or does not load.
    """
    openvino = load_openvino()
    try:
        return openvino.Core()
    except (AttributeError, RuntimeError) as error:
        raise ConfigError(
            f"OpenVINO is installed but does not start ({error}). Install it again with: {INSTALL}"
        ) from error


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
