"""Devices that a worker can compute on, and their memory."""

from __future__ import annotations

import os
import platform
from typing import Any

from masam_core.errors import ConfigError
from masam_core.inference.runtimes.choosing import place_of
from masam_core.inference.runtimes.openvino_device import (
    OpenVINODevice,
    compute_threads,
    core,
    has_openvino,
    has_torch,
)


def list_devices() -> list[dict[str, Any]]:
    """Devices, first what ``auto`` takes for the bundled model: ``name`` to ask for, ``label`` for
    people, bytes (None if unknown)."""
    gpus, processor = _of_torch()
    found = [*gpus, *_of_openvino(), *processor]
    try:
        best = str(place_of("bundled", "auto"))
    except ConfigError:
        return found
    # ``cuda`` is the first of several.
    return sorted(found, key=lambda device: device["name"].removesuffix(":0") != best)


def _of_torch() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """PyTorch's GPUs, and the processor with it."""
    if not has_torch():
        return [], []
    import torch

    found: list[dict[str, Any]] = []
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(index)
            label = torch.cuda.get_device_name(index)
            found.append(_device(f"cuda:{index}", label, total, free))
    if torch.backends.mps.is_available():
        found.append(_device("mps", "Apple GPU", None, None))
    label = f"CPU, {torch.get_num_threads()} threads"
    return found, [_device("cpu", label, *main_memory())]


def _of_openvino() -> list[dict[str, Any]]:
    """OpenVINO's devices: the processor, with the bundled model; Intel's graphics and NPUs."""
    if not has_openvino():
        return []
    try:
        known = core()
        names = {
            name: str(known.get_property(name, "FULL_DEVICE_NAME"))
            for name in known.available_devices
        }
    except (ConfigError, RuntimeError):  # a driver that does not fit: the others still work
        return []
    found = []
    for name, label in sorted(names.items(), reverse=True):
        memory = main_memory() if name == "CPU" else (None, None)
        threads = compute_threads() or os.cpu_count()
        processor = f"CPU with OpenVINO, {threads} threads"
        words = processor if name == "CPU" else f"{label} ({name}), with OpenVINO"
        found.append(_device(str(OpenVINODevice(name)), words, *memory))
    return found


def _device(name: str, label: str, total: int | None, free: int | None) -> dict[str, Any]:
    return {"name": name, "label": label, "total_bytes": total, "free_bytes": free}


def main_memory() -> tuple[int | None, int | None]:
    """Total and available bytes of main memory; None where the system does not say."""
    if platform.system() == "Linux":
        with open("/proc/meminfo", encoding="ascii") as file:
            rows = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in file}
        return rows.get("MemTotal"), rows.get("MemAvailable")
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), None
    return None, None
