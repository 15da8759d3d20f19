"""Models for the worker: the catalogue's list, downloads, and the one that is loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masam_core.catalog.choice import ModelChoice
from masam_core.digest import sha256_of
from masam_core.errors import Cancelled, CheckpointError

if TYPE_CHECKING:
    from masam_core.inference.segmenter import Segmenter
    from masam_core.model.abilities import Abilities
    from masam_core.model.masam import MASAM

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready, and where it came from."""

    choice: ModelChoice
    path: Path
    stamp: tuple[int, int]
    sha256: str
    segmenter: Segmenter

    def describe(self) -> dict[str, Any]:
        """Fields of the answer to ``load_model``."""
        segmenter = self.segmenter
        return {
            "name": segmenter.config.name,
            "path": str(self.path),
            "sha256": self.sha256,
            "device": str(segmenter.device),
            "precision": segmenter.precision,
            "backbone": segmenter.config.backbone,
            "threshold": segmenter.config.threshold,
            **segmenter.abilities.to_dict(),
        }


class ModelHolder:
    """Keeps one model; loads another only when another is asked for or its file has changed."""

    def __init__(self) -> None:
        self.loaded: LoadedModel | None = None

    def load(self, choice: ModelChoice) -> LoadedModel:
        """The model of a choice.

        Raises:
            CheckpointError, ConfigError: as for the command line; what was loaded before stays.
        """
        from masam_core.catalog.resolve import resolve_base, resolve_model
        from masam_core.inference.runtimes.choosing import place_of
        from masam_core.inference.runtimes.openvino_device import OpenVINODevice
        from masam_core.inference.segmenter import Segmenter

        path = resolve_model(choice.model)
        stamp = _stamp(path)
        kept = self.loaded
        if kept is not None and (kept.choice, kept.path, kept.stamp) == (choice, path, stamp):
            return kept
        base = resolve_base(path, Path(choice.base) if choice.base else None)
        model: str | MASAM = choice.model
        place = place_of(choice.model, choice.device, choice.precision, choice.base)
        if not isinstance(place, OpenVINODevice):
            from masam_core.model.checkpoint import load_model  # torch only where it computes

            model = load_model(path, base=base)
        # Two models side by side may be more than a GPU holds.
        self.loaded = None
        segmenter = Segmenter(
            model,
            device=choice.device,
            precision=choice.precision,
            cache_bytes=choice.cache_bytes,
            copy=False,
        )
        self.loaded = LoadedModel(choice, path, stamp, sha256_of(path), segmenter)
        return self.loaded

    def release(self) -> None:
        """Give the model's memory back."""
        self.loaded = None
        _empty_gpu()

    def release_cache(self) -> None:
        """Give the embeddings' memory back."""
        if self.loaded is not None:
            self.loaded.segmenter.release_cache()
        _empty_gpu()


def list_models() -> list[dict[str, Any]]:
    """The catalogue, and the weight files that the user added to the store."""
    from masam_core.catalog.able import abilities_of_entry, abilities_of_file
    from masam_core.catalog.entries import ENTRIES
    from masam_core.catalog.store import path_of, stored

    rows = [
        {
            "name": known.name,
            "purpose": known.purpose,
            "licence": known.licence,
            "here": path_of(known).is_file(),
            "bytes": known.bytes,
            "downloadable": known.url is not None,
            "how": known.how,
            **_able(abilities_of_entry(known)),
        }
        for known in ENTRIES
    ]
    own = [item for item in stored() if item.entry is None]
    return rows + [
        {
            "name": item.name,
            "purpose": f"Added by you: {item.path}",
            "licence": "",
            "here": True,
            "bytes": item.path.stat().st_size,
            "downloadable": False,
            "how": "",
            **_able(abilities_of_file(item.path)),
        }
        for item in own
    ]


def described(name: str) -> dict[str, Any]:
    """What a model does, as far as its file says without being loaded; see ``load_model``.

    Args:
        name: of the catalogue or the store, or the path of a weight file.

    Raises:
        CheckpointError, ConfigError: no such model.
    """
    from masam_core.catalog.able import abilities_of_name

    return _able(abilities_of_name(name))


def _able(known: Abilities | None) -> dict[str, Any]:
    """Fields of what a model does; None where it is not known."""
    unknown: dict[str, Any] = {"prompts": None, "automatic": None, "video": None, "classes": []}
    return unknown if known is None else known.to_dict()


def download_model(name: str, progress: Progress, cancelled: Callable[[], bool]) -> Path:
    """Fetch a catalogue entry into the store.

    Raises:
        ConfigError: an unknown name.
        DownloadError: see :func:`masam_core.catalog.download.download`.
        Cancelled: what came is kept, the next try goes on.
    """
    from masam_core.catalog.download import download
    from masam_core.catalog.entries import entry

    def show(had: int, total: int | None) -> None:
        if cancelled():
            raise Cancelled("The download was stopped; the next one goes on where it was.")
        share = had / total if total else 0.0
        progress(share, f"{had / 1e6:.0f} of {total / 1e6:.0f} MB" if total else f"{had} bytes")

    return download(entry(name), show)


def verify_model(name: str) -> tuple[bool | None, str]:
    """Whether a stored catalogue entry is the published file (None: no digest known), its digest.

    Raises:
        ConfigError, DownloadError: unknown, or not here.
    """
    from masam_core.catalog.download import verify
    from masam_core.catalog.entries import entry

    return verify(entry(name))


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise CheckpointError(f"The weight file {path} is gone: {error.strerror}.") from error
    return status.st_size, status.st_mtime_ns


def _empty_gpu() -> None:
    import sys

    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
