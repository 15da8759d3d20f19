"""`masam info`: what an image, a checkpoint or this machine is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from masam_core.cli.common import print_json, reported
from masam_core.cli.terminal import console
from masam_core.errors import VolumeError

if TYPE_CHECKING:
    from masam_core.model.checkpoint import CheckpointInfo


@reported
def info_command(
    what: Annotated[
        str,
        typer.Argument(
            help="An image, a video, a weight file, a model's name, or the word 'system'."
        ),
    ],
    json: Annotated[bool, typer.Option("--json", help="Results as JSON on stdout.")] = False,
) -> None:
    """Say what an image, a weight file or this machine is."""
    from masam_core.catalog.entries import ENTRIES
    from masam_core.catalog.resolve import resolve_model
    from masam_core.catalog.store import WEIGHT_SUFFIXES, stored

    names = [known.name for known in ENTRIES] + [own.name for own in stored()]

    if what == "system":
        facts = system_facts()
    elif Path(what).suffix.lower() in WEIGHT_SUFFIXES or what in names:
        facts = checkpoint_facts(resolve_model(what))
    elif Path(what).exists():
        facts = image_facts(Path(what))
    else:
        raise VolumeError(
            f"There is no image or weight file at {what}; or give a model's name, or 'system'."
        )
    if json:
        print_json(facts)
        return
    from rich.table import Table

    table = Table(show_header=False, box=None)
    table.add_column()
    table.add_column(overflow="fold")  # a digest cut short would be of no use
    for key, value in facts.items():
        shown = value if isinstance(value, str) else _text(value)
        table.add_row(key.replace("_", " "), shown)
    console().print(table)


def system_facts() -> dict[str, Any]:
    """Versions, computing device and folders of this machine."""
    import os
    import platform
    from importlib.metadata import PackageNotFoundError, version

    import masam_core
    from masam_core.catalog.store import models_dir
    from masam_core.inference.runtimes.openvino_device import compute_threads, has_torch

    packages = ("torch", "torchvision", "openvino", "numpy", "SimpleITK", "safetensors")
    versions = {}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "missing"
    facts: dict[str, Any] = {
        "masam": masam_core.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        **versions,
        "processors": os.cpu_count(),
        "threads": compute_threads() or os.cpu_count(),
        "memory": _memory(),
        **_computing(),
        "models": str(models_dir()),
    }
    if not has_torch():
        return facts
    import torch

    for number in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(number)
        facts[f"cuda:{number}"] = f"{properties.name}, {properties.total_memory / 2**30:.1f} GiB"
    return facts


def _computing() -> dict[str, str]:
    """Device and precision that the bundled model takes by itself."""
    from masam_core.errors import ConfigError
    from masam_core.inference.runtimes.choosing import place_of
    from masam_core.inference.runtimes.openvino_device import OpenVINODevice

    try:
        place = place_of("bundled", "auto")
    except ConfigError as error:
        return {"device": "none", "why": str(error)}
    if isinstance(place, OpenVINODevice):
        from masam_core.inference.runtimes.openvino import choose_openvino_precision

        return {"device": str(place), "precision": choose_openvino_precision("auto", place)}
    from masam_core.inference.device import choose_precision

    precision = str(choose_precision("auto", place)).removeprefix("torch.")
    return {"device": str(place), "precision": precision}


def _memory() -> str:
    """Size of the main memory, where the system tells it without further packages."""
    import os

    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf
        return "unknown"
    return f"{size / 2**30:.1f} GiB"


def checkpoint_facts(path: Path) -> dict[str, Any]:
    """What a weight file is; raises CheckpointError."""
    from masam_core.model.checkpoint import inspect_checkpoint

    info = inspect_checkpoint(path)
    return {
        "file": str(path),
        "kind": info.kind,
        "summary": info.summary,
        "parameters": info.parameters,
        "bytes": info.bytes,
        "sha256": info.sha256,
        "config": info.config.to_dict(),
        **info.details,
        **_classes(info),
        **_evidence(info),
    }


def _classes(info: CheckpointInfo) -> dict[str, Any]:
    """Code and meaning of each class by its name, in the place of a line of JSON."""
    from masam_core.model.abilities import classes_from_metadata

    terms = classes_from_metadata(info.details, info.config)
    if not terms:
        return {}
    sides = {t.name: "" if t.modifier is None else f", {t.modifier.meaning}" for t in terms}
    words = {t.name: f"{t.code.scheme} {t.code.value} {t.code.meaning}" for t in terms}
    return {"classes": {name: words[name] + sides[name] for name in words}}


def _evidence(info: CheckpointInfo) -> dict[str, Any]:
    """How each class did on held-out patients, in the place of a line of JSON."""
    from dataclasses import asdict

    from masam_core.model.abilities import class_names
    from masam_core.model.evidence import evidence_from_metadata

    known = evidence_from_metadata(info.details, info.config.num_classes)
    if known is None:
        return {}
    names = class_names(info.config)
    return {"evidence": {n: asdict(own) for n, own in zip(names, known.classes, strict=True)}}


def image_facts(path: Path) -> dict[str, Any]:
    """What an image or a video is; raises VolumeError."""
    import numpy as np

    from masam_core.image.volume import read_volume
    from masam_core.video.frames import is_video, open_frames

    if is_video(path):
        frames = open_frames(path)
        return {
            "video": str(path),
            "frames": len(frames),
            "size_pixels": [frames.size[1], frames.size[0]],
            "frames_a_second": frames.rate,
        }
    volume = read_volume(path)
    geometry = volume.geometry
    finite = volume.array[np.isfinite(volume.array)]
    frame = geometry.canonical_frame()
    return {
        "image": str(path),
        "size_ijk": list(geometry.size_ijk),
        "spacing_mm": [round(float(s), 4) for s in geometry.spacing],
        "origin_lps_mm": [round(float(s), 3) for s in geometry.origin],
        "direction": np.round(geometry.direction, 6).tolist(),
        "slices_along": "ijk"[frame.axes[0]],
        "values": str(volume.array.dtype),
        "least": float(finite.min()) if finite.size else None,
        "greatest": float(finite.max()) if finite.size else None,
        "modality": volume.modality or f"not said; taken for {volume.kind}",
        **({"notes": list(volume.notes)} if volume.notes else {}),
    }


def _text(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return str(value)
