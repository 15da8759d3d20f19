"""What a case's result depends on, so that it is made again when that has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masam_core.batch.cases import BatchCase
from masam_core.digest import sha256_of

if TYPE_CHECKING:
    from masam_core.batch.spec import BatchSpec
    from masam_core.catalog.choice import ModelChoice

_DETACHED = (".raw", ".zraw", ".raw.gz")  # voxels of .mhd and .nhdr headers
_WORDS = {"image": "the image", "boxes": "the boxes", "model": "the model", "base": "the backbone"}


def case_files(case: BatchCase) -> dict[str, Any]:
    """A case's own files.

    ``image`` is told by number of files, bytes and time of the last change (an image may be large
    and far away), ``boxes`` by what they hold. None where a file is not there.
    """
    digest = hashlib.sha256()
    try:
        for path in case.boxes:
            digest.update(sha256_of(path).encode())
        boxes = digest.hexdigest()
    except OSError:
        boxes = None
    return {"image": _stamp(case.image), "boxes": boxes}


def settings(spec: BatchSpec) -> dict[str, Any]:
    """What all cases of a batch have in common: settings, model, backbone, device, precision.

    Weight files are told by what they hold. A worker may be on another machine: its model and
    device are told by the names that it was given. Masks differ in the last bits between kinds of
    device, not between two GPUs.

    Raises:
        CheckpointError, ConfigError: a model or a device that is not there.
    """
    model = spec.model.fields() if spec.worker else _here(spec.model)
    return {
        **spec.segment.to_dict(),
        "format": spec.format,
        "per": spec.per.value,
        "modality": spec.modality,
        **{name: model[name] for name in ("model", "base", "device", "precision")},
    }


def changes(kept: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What is different now, in the user's words; empty if nothing is."""
    other = [k for k in dict.fromkeys([*now, *kept]) if kept.get(k) != now.get(k)]
    if not other:
        return ""
    words = [_WORDS.get(name, name) for name in other]
    listed = " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
    return f"{listed} {'has' if other != ['boxes'] and len(other) == 1 else 'have'} changed"


def _here(choice: ModelChoice) -> dict[str, Any]:
    """Model, backbone and device of this machine."""
    from masam_core.catalog.resolve import resolve_base, resolve_model
    from masam_core.inference.device import choose_device

    model = resolve_model(choice.model)
    base = resolve_base(model, Path(choice.base) if choice.base else None)
    return {
        "model": sha256_of(model),
        "base": None if base is None else sha256_of(base),
        "device": choose_device(choice.device).type,
        "precision": choice.precision,
    }


def _stamp(image: Path) -> list[int] | None:
    try:
        if image.is_dir():
            files = [path for path in image.rglob("*") if path.is_file()]
        else:
            beside = [image.with_suffix(ending) for ending in _DETACHED]
            detached = image.suffix.lower() in (".mhd", ".nhdr")
            files = [image, *(p for p in beside if detached and p.is_file())]
        found = [path.stat() for path in files]
    except OSError:
        return None
    newest = max((int(one.st_mtime) for one in found), default=0)
    return [len(found), sum(one.st_size for one in found), newest]
