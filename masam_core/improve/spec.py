"""What a front end asks for when a model is to be improved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from masam_core.catalog.choice import ModelChoice
from masam_core.errors import ConfigError
from masam_core.schema import check


def own_data() -> Path:
    """The user's own folder of collected lesions, beside the models."""
    from masam_core.catalog.store import models_dir  # platformdirs: Slicer may lack it at first

    return models_dir().parent / "cases"


@dataclass(frozen=True)
class ImproveSpec:
    """One improvement.

    Attributes:
        sources: scenes, folders of results, or folders with such.
        data: folder of the data set, new or of an earlier collection.
        model: that is improved: 'bundled', a name, or a file.
        base: its backbone file, where that is not found by itself.
        everything: take lesions that nobody has put right, too.
        minutes: that training takes at most; 0: as the preset says.
        steps: likewise.
        device: auto, cpu or cuda.
        newest: a mask of these sources takes the place of another file's of the same lesion.
    """

    sources: tuple[Path, ...]
    data: Path
    model: str = ModelChoice.model
    base: Path | None = None
    everything: bool = False
    minutes: float = 0.0
    steps: int = 0
    device: str = "auto"
    newest: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            **vars(self),
            "sources": [str(path) for path in self.sources],
            "data": str(self.data),
            "base": None if self.base is None else str(self.base),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ImproveSpec:
        """The inverse of :meth:`to_dict`.

        Raises:
            ConfigError: an unknown entry, a wrong value, or no sources.
        """
        made = check(cls, values, "The request to improve a model")
        if not made.get("sources") or not made.get("data"):
            raise ConfigError("A model is improved with cases: no folder of them was given.")
        return cls(**made)
