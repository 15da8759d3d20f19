"""The GPU: found, used, and if not, why not."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

from masam_core.installation.finding import Finding, State

TITLE = "GPU"
DRIVER_SECONDS = 20.0
TRIAL = 64  # side of the matrices that are multiplied
UPDATE = (
    "Update the NVIDIA driver, then install PyTorch for its CUDA again (in 3D Slicer: module "
    "PyTorch Utils)."
)


@dataclass(frozen=True)
class GpuFacts:
    """What system and PyTorch say.

    Attributes:
        wanted: the device that was asked for: ``auto``, ``cpu``, ``cuda:0``, ...
        used: the device that this gives; empty where ``refusal`` says why there is none.
        refusal: why the wanted device can't be had.
        build: see :func:`masam_core.installation.pytorch.build_of`.
        cards: GPUs that the driver lists, with its version.
        label: name and memory of the GPU that PyTorch computes on.
        failure: what a small computation on it has raised.
        apple: whether this is an Apple GPU that PyTorch can use.
        hidden: whether the environment hides GPUs from programs (CUDA_VISIBLE_DEVICES).
    """

    wanted: str = "auto"
    used: str = "cpu"
    refusal: str = ""
    build: str = "the processor only"
    cards: tuple[str, ...] = ()
    label: str = ""
    failure: str = ""
    apple: bool = False
    hidden: bool = False


def check_gpu(wanted: str) -> Finding:
    """Look for a GPU, and compute something on it."""
    return judge(gather(wanted))


def judge(facts: GpuFacts) -> Finding:
    """Say in words what the facts mean."""
    if facts.refusal:
        return Finding(TITLE, State.PROBLEM, facts.refusal, "Choose the device 'auto'.")
    if facts.used != "cpu":
        if facts.failure:
            return Finding(
                TITLE,
                State.PROBLEM,
                f"{facts.label} is found but does not compute ({facts.failure}).",
                f"{UPDATE} Until then choose the device 'cpu'.",
            )
        return Finding(TITLE, State.OK, f"{facts.label}, used as {facts.used}")
    if facts.cards:
        return _unused(facts)
    if facts.apple:
        return Finding(
            TITLE,
            State.OK,
            "An Apple GPU is found and not used: 'auto' computes on the processor. "
            "The device 'mps' tries it.",
        )
    return Finding(TITLE, State.OK, "No GPU found; the processor computes. The same masks, slower.")


def _unused(facts: GpuFacts) -> Finding:
    """Say why a GPU that the driver lists is not computed on."""
    found = f"{', '.join(facts.cards)} found, not used"
    if facts.wanted == "cpu":
        return Finding(
            TITLE, State.NOTE, f"{found}: the device is set to 'cpu'.", "Choose the device 'auto'."
        )
    if facts.hidden:
        return Finding(
            TITLE,
            State.NOTE,
            f"{found}: the environment variable CUDA_VISIBLE_DEVICES hides it.",
            "Start the program without that variable.",
        )
    if facts.build == "the processor only":
        return Finding(
            TITLE,
            State.NOTE,
            f"{found}: this PyTorch is built for the processor only.",
            "Install PyTorch for CUDA (in 3D Slicer: module PyTorch Utils; in a checkout: python3 "
            "dev.py clean, then setup).",
        )
    return Finding(
        TITLE,
        State.NOTE,
        f"{found}: this PyTorch ({facts.build}) can't use it with this driver.",
        UPDATE,
    )


def gather(wanted: str) -> GpuFacts:
    """Ask the driver, and PyTorch where it is there."""
    import torch

    from masam_core.errors import ConfigError
    from masam_core.inference.device import choose_device
    from masam_core.installation.devices import list_devices
    from masam_core.installation.pytorch import build_of

    used = refusal = label = failure = ""
    try:
        device = choose_device(wanted)
        used = str(device)
    except ConfigError as error:
        refusal = str(error)
    if used not in ("", "cpu"):
        index = f"cuda:{device.index or 0}" if device.type == "cuda" else used
        (entry,) = [d for d in list_devices() if d["name"] == index]
        label = entry["label"]
        if entry["total_bytes"]:
            free, total = entry["free_bytes"] / 1e9, entry["total_bytes"] / 1e9
            label += f" ({free:.1f} of {total:.1f} GB free)"
        try:
            ones = torch.ones(TRIAL, TRIAL, device=device)
            if float((ones @ ones).sum()) != TRIAL**3:
                failure = "a product of two matrices is wrong"
        except Exception as error:  # a driver's trouble comes as many types
            failure = (str(error).splitlines() or [type(error).__name__])[0]
    return GpuFacts(
        wanted=wanted,
        used=used,
        refusal=refusal,
        build=build_of(torch),
        cards=driver_cards(),
        label=label,
        failure=failure,
        apple=torch.backends.mps.is_available(),
        hidden=os.environ.get("CUDA_VISIBLE_DEVICES", "0") in ("", "-1"),
    )


def driver_cards() -> tuple[str, ...]:
    """GPUs that NVIDIA's driver lists, each with the driver's version; none where it is missing."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    try:
        done = subprocess.run(
            [program, "--query-gpu=name,driver_version", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=DRIVER_SECONDS,
            check=True,
            stdin=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    rows = [line.split(",") for line in done.stdout.splitlines() if "," in line]
    return tuple(f"{name.strip()} (driver {version.strip()})" for name, version, *_ in rows)
