"""OpenVINO: its version, and what it can compute on."""

from __future__ import annotations

import importlib.metadata

from masam_core.errors import ConfigError
from masam_core.inference.runtimes.choosing import place_of
from masam_core.inference.runtimes.openvino_device import INSTALL, core, has_openvino, has_torch
from masam_core.installation.finding import Finding, State
from masam_core.installation.gpu import driver_cards

TITLE = "OpenVINO"


def check_openvino() -> Finding:
    """Check that OpenVINO loads, where it is installed."""
    if not has_openvino():
        return Finding(TITLE, State.OK, "not installed; PyTorch computes")
    try:
        devices = ", ".join(core().available_devices)
    except (ConfigError, RuntimeError) as error:
        state = State.NOTE if has_torch() else State.PROBLEM
        return Finding(TITLE, state, f"is there but does not load ({error}).", INSTALL)
    return Finding(TITLE, State.OK, f"{importlib.metadata.version('openvino')}, on {devices}")


def check_device(wanted: str) -> Finding:
    """Check the device that is asked for, where OpenVINO computes."""
    try:
        used = place_of("bundled", wanted)
    except ConfigError as error:
        return Finding("GPU", State.PROBLEM, str(error), "Choose the device 'auto'.")
    cards = driver_cards()
    if cards and not has_torch():
        return Finding(
            "GPU",
            State.NOTE,
            f"{', '.join(cards)} found, not used: that needs PyTorch. '{used}' computes.",
            "Install PyTorch for CUDA (in 3D Slicer: extension PyTorch, module PyTorch Utils; in a "
            "checkout: MASAM_TORCH_INDEX= python3 dev.py demo).",
        )
    return Finding("GPU", State.OK, f"NVIDIA's are PyTorch's alone; '{used}' computes")
