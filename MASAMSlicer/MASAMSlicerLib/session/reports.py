"""What has come of a run, lesion by lesion."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class LesionReport:
    """What came of one lesion: its notes, or why there is no mask."""

    lesion: str
    name: str
    notes: list[str] = field(default_factory=list)
    error: str = ""


@dataclass
class RunReport:
    """What came of a run.

    Attributes:
        lesions: in the order in which they were asked for.
        seconds: from start to the last mask, waiting included.
        model: the worker's description of the model (see ``load_model`` in the protocol).

    >>> done, failed = LesionReport("a", "Liver"), LesionReport("b", "Bone", error="empty box")
    >>> [lesion.name for lesion in RunReport([done, failed]).failed]
    ['Bone']
    """

    lesions: list[LesionReport]
    seconds: float = 0.0
    model: dict[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> list[LesionReport]:
        """Lesions without a mask."""
        return [lesion for lesion in self.lesions if lesion.error]
