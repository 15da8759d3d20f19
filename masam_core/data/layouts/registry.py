"""The layouts that are known, the first to recognise a path reads it.

A new layout is a file beside this one with the three names of :class:`Layout`, and a line here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from masam_core.data.cases import Case
from masam_core.data.layouts import decathlon, index_csv, json_list


class Layout(Protocol):
    """One way in which a data set lies on disk; a module will do."""

    @property
    def LOOKS_LIKE(self) -> str:
        """What a user has to give, in words."""

    def recognise(self, path: Path) -> bool:
        """Whether a path, which may not exist, is a data set of this layout."""

    def read(self, path: Path) -> list[Case]:
        """Read the cases; whether their files exist and patients stay in one split is seen to.

        Raises:
            ConfigError: the list is damaged, or something is missing in it.
        """


LAYOUTS: tuple[Layout, ...] = (
    index_csv,
    decathlon,
    json_list,
)
