"""What the chosen model does, and which of its classes are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from masam_core.errors import ConfigError
from masam_core.lesion.terminology import Color

from ..translation import tr as _


@dataclass(frozen=True)
class ModelClass:
    """A class of a model as a list shows it: name, and colour in [0, 1]."""

    name: str
    color: Color


class ModelClasses:
    """The abilities of the model that is chosen, and the ticks in the list of its classes.

    What a model does is a row of the worker's ``models``, or the answer to ``describe_model``.
    A model of which nothing is known may do both: the worker refuses what it can't.
    """

    def __init__(self) -> None:
        self._model = ""
        self._row: Mapping[str, Any] = {}
        self._unticked: dict[str, set[str]] = {}  # by model: the choice survives a look at another

    def show(self, model: str, row: Mapping[str, Any] | None) -> None:
        """Say which model is chosen.

        Args:
            model: its name or path.
            row: what is known of it, or None.
        """
        self._model, self._row = model, row or {}

    @property
    def takesPrompts(self) -> bool:
        """Whether boxes and other prompts make sense."""
        return self._row.get("prompts") is not False

    @property
    def isAutomatic(self) -> bool:
        """Whether it segments whole volumes, as far as is known."""
        return self._row.get("automatic") is not False if self._row else False

    @property
    def onlyAutomatic(self) -> bool:
        """Whether it segments whole volumes and knows no prompts."""
        return self._row.get("automatic") is True and not self.takesPrompts

    @property
    def problem(self) -> str:
        """Why it is of no use for a volume, or an empty text."""
        if self._row.get("video"):
            return _("This model is for videos: use it with 'masam segment VIDEO'.")
        return ""

    @property
    def classes(self) -> list[ModelClass]:
        """The classes in the model's order; empty where they are not known."""
        found = []
        for entry in self._row.get("classes") or ():
            red, green, blue = (float(channel) / 255 for channel in entry["color"])
            found.append(ModelClass(str(entry["name"]), (red, green, blue)))
        return found

    def isTicked(self, name: str) -> bool:
        """Whether a class is wanted; every one is until the user says otherwise."""
        return name not in self._unticked.get(self._model, ())

    def tick(self, name: str, wanted: bool) -> None:
        """Want a class, or not."""
        unticked = self._unticked.setdefault(self._model, set())
        if wanted:
            unticked.discard(name)
        else:
            unticked.add(name)

    def tickAll(self, wanted: bool) -> None:
        """Want all classes, or none of them."""
        for each in self.classes:
            self.tick(each.name, wanted)

    @property
    def count(self) -> int:
        """How many are wanted."""
        return sum(self.isTicked(each.name) for each in self.classes)

    def wanted(self) -> list[str]:
        """Names for a run; empty for all.

        Raises:
            ConfigError: the user wants none.
        """
        known = self.classes
        names = [each.name for each in known if self.isTicked(each.name)]
        if known and not names:
            raise ConfigError(_("Tick at least one structure."))
        return names if len(names) < len(known) else []
