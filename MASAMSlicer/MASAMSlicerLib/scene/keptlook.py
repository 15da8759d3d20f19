"""How a lesion is called and shown, to be put back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .lesions import LesionList


@dataclass(frozen=True)
class KeptLook:
    """Name, colour and kind of a lesion.

    Attributes:
        lesion: id of the lesion.
        name, color, terminology: see LesionEntry.
    """

    lesion: str
    name: str
    color: tuple[float, float, float]
    terminology: str

    @classmethod
    def of(cls, scene: Any, lesion: str) -> KeptLook | None:
        """How the lesion is called and shown now; None where it is gone."""
        found = LesionList(scene).lesion(lesion)
        if found is None:
            return None
        return cls(lesion, found.name, found.color, found.terminology)

    def putBack(self, scene: Any) -> None:
        """Call and show the lesion so again; nothing where it is gone."""
        lesions = LesionList(scene)
        found = lesions.lesion(self.lesion)
        if found is not None:
            lesions.rename(found, self.name)
            lesions.recolor(found, self.color)
            lesions.setTerminology(found, self.terminology)
