"""What a benchmark found, line by line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from masam_core.model.masam import MASAM

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """One finding.

    Attributes:
        section: that it belongs to.
        what: in a few words.
        value: the figure, or None where it could not be measured.
        unit: of the figure.
        ratio: how many times better than what the note names.
        aim: what the project wants of it.
        note: what it was compared with, or how it was computed.
        details: further figures, for the JSON document.
    """

    section: str
    what: str
    value: float | None
    unit: str = "s"
    ratio: float | None = None
    aim: str = ""
    note: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Setup:
    """What all sections of a run share.

    Attributes:
        build: makes the model anew, not prepared; always with the same weights.
        device: that computes.
        precision: that the product takes on it by itself.
        slices: of the lesion.
        repeats: of everything but the literal procedure.
        tell: says what is being done.
        int8: folder of the bundled model for OpenVINO in int8, to be compared, too.
    """

    build: Callable[[], MASAM]
    device: torch.device
    precision: str
    slices: int
    repeats: int
    tell: Tell
    int8: Path | None = None

    @property
    def precisions(self) -> list[str]:
        """float32, in which results are compared, and what the product takes by itself."""
        return list(dict.fromkeys(["float32", self.precision]))
