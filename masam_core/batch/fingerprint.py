"""What a case's result depends on, so that it is made again when that has changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masam_core.batch.case import BatchCase
from masam_core.batch.stores import stamps, url_of
from masam_core.digest import sha256_of

if TYPE_CHECKING:
    from masam_core.batch.spec import BatchSpec
    from masam_core.catalog.choice import ModelChoice

_HEADERS = (".mhd", ".nhdr")  # may have their voxels in files beside them
_MOST_OF_A_HEADER = 1 << 20
_SAMPLE = 1 << 16  # bytes at the beginning, in the middle and at the end
_WORDS = {"image": "the image", "boxes": "the boxes", "model": "the model", "base": "the backbone"}


def case_files(case: BatchCase) -> dict[str, Any]:
    """A case's own files.

    ``image`` is told by number of files, bytes, time of the last change and a sample of what it
    holds (an image may be large and far away), ``boxes`` by all that they hold. None where a file
    is not there. What is in an object store is told by the store's own tags.
    """
    digest = hashlib.sha256()
    boxes: str | None = None
    try:
        for box in case.boxes:
            for told in _told(box):
                digest.update(told.encode())
        boxes = digest.hexdigest()
    except (OSError, ValueError):  # it is said when the case is run
        pass
    return {"image": _stamp(case), "boxes": boxes}


def same_content(one: Any, other: Any) -> bool:
    """Whether two values of ``image`` are of one image, wherever and whenever it was copied."""
    if not isinstance(one, list) or not isinstance(other, list) or len(one) != len(other):
        return False
    return [*one[:2], *one[3:]] == [*other[:2], *other[3:]]


def settings(spec: BatchSpec, device: str | None = None) -> dict[str, Any]:
    """What all cases of a batch have in common: settings, model, backbone, device, precision.

    Weight files are told by what they hold. A worker may be on another machine: its model and
    device are told by the names that it was given. Masks differ in the last bits between kinds of
    device, not between two GPUs.

    Args:
        spec: of the batch.
        device: kind of device that computes, where that is another machine's; None looks here.

    Raises:
        CheckpointError, ConfigError: a model or a device that is not there.
    """
    model = spec.model.fields() if spec.worker else _here(spec.model, device)
    return {
        **spec.segment.to_dict(),
        "format": spec.format,
        "per": spec.per.value,
        "modality": spec.modality,
        # Left out where they are not asked for, as of results of earlier versions.
        **({"further formats": list(spec.also)} if spec.also else {}),
        **({"anonymous": True} if spec.anonymous else {}),
        **({"automatic": True} if spec.automatic else {}),
        **({"classes": list(spec.classes)} if spec.classes else {}),
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


def _here(choice: ModelChoice, device: str | None) -> dict[str, Any]:
    """Model and backbone of this machine, and its device unless told."""
    from masam_core.catalog.resolve import resolve_base, resolve_model

    model = resolve_model(choice.model)
    base = resolve_base(model, Path(choice.base) if choice.base else None)
    if device is None:
        from masam_core.inference.runtimes.choosing import place_of

        device = place_of(choice.model, choice.device, choice.precision, choice.base).type
    return {
        "model": sha256_of(model),
        "base": None if base is None else sha256_of(base),
        "device": device,
        "precision": choice.precision,
    }


def _told(box: Path) -> list[str]:
    """What tells the content of a file of boxes and of its further files."""
    if url_of(box) is None:
        return [sha256_of(path) for path in _parts(box)]
    if (stamp := stamps(box)) is None:
        raise FileNotFoundError(box)
    return [str(stamp)]


def _stamp(case: BatchCase) -> list[int | str] | None:
    if url_of(case.image):
        return stamps(case.image)
    try:
        files = [path for path in _parts(case.image) if path not in case.boxes]
        found = [path.stat() for path in files]
        sample = _sample(files)
    except (OSError, ValueError):
        return None
    newest = max((int(one.st_mtime) for one in found), default=0)
    return [len(found), sum(one.st_size for one in found), newest, sample]


def _parts(path: Path) -> list[Path]:
    """The files of an image or of boxes: those directly in a folder, or a header and its voxels."""
    if path.is_dir():
        return sorted(part for part in path.iterdir() if part.is_file())
    if not path.is_file():  # a pipe would never end
        raise FileNotFoundError(path)
    ending = path.suffix.lower()
    if ending == ".hdr":
        pair = [path.with_suffix(other) for other in (".img", ".img.gz")]
        return [path, *(part for part in pair if part.is_file())]
    if ending not in _HEADERS:
        return [path]
    with path.open("rb") as file:
        header = file.read(_MOST_OF_A_HEADER)
    beside = sorted(part for part in path.parent.iterdir() if part != path and part.is_file())
    return [path, *(part for part in beside if os.fsencode(part.name) in header)]


def _sample(files: Sequence[Path]) -> str:
    """Digest of parts of the first, the middle and the last file."""
    digest = hashlib.sha256()
    for path in dict.fromkeys(files[n * (len(files) - 1) // 2] for n in range(3) if files):
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            for place in (0, size // 2, max(0, size - _SAMPLE)):
                file.seek(place)
                digest.update(file.read(_SAMPLE))
    return digest.hexdigest()[:16]
