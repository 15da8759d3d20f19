"""The process that computes: `masam segment`, beside Slicer and not inside it."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path

NEEDED = ("torch", "torchvision", "segment_anything", "safetensors", "SimpleITK", "typer", "rich")


def repositoryRoot() -> Path:
    """Folder that holds masam_core in a source checkout."""
    return Path(__file__).resolve().parents[2]


def makeCoreImportable() -> None:
    """Let this interpreter find masam_core: installed beside the module, or in the checkout."""
    if importlib.util.find_spec("masam_core") is None:
        sys.path.insert(0, str(repositoryRoot()))


def pythonExecutable() -> str:
    """Slicer's own Python, or this interpreter where there is no Slicer application."""
    return shutil.which("PythonSlicer") or sys.executable


def missingPackages() -> list[str]:
    """Packages of the core that are not installed, without importing any."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


def segmentArguments(image: Path, roi: Path, out: Path, quality: str = "balanced") -> list[str]:
    """Arguments for :func:`pythonExecutable`."""
    files = [str(image), "--roi", str(roi), "--out", str(out)]
    return ["-m", "masam_core", "segment", *files, "--quality", quality, "--json"]


def environment() -> dict[str, str]:
    """Environment of the process: the same, with masam_core's folder on Python's path."""
    makeCoreImportable()
    spec = importlib.util.find_spec("masam_core")
    values = dict(os.environ)
    if spec is not None and spec.origin is not None:
        folder = str(Path(spec.origin).resolve().parents[1])
        values["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, values.get("PYTHONPATH")]))
    return values


def readReport(output: str) -> dict[str, object]:
    """The process's JSON report.

    Raises:
        RuntimeError: what was printed is no report.
    """
    try:
        report = json.loads(output)
    except json.JSONDecodeError as error:
        raise RuntimeError(f"MASAM gave no result: {output.strip()[:300]}") from error
    return dict(report)
