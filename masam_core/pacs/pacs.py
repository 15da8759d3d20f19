"""One door to a PACS, whichever of its two ways is used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import Protocol

from masam_core.pacs.records import Image, Query, Series, Stored

Receive = Callable[[str, bytes], None]  # unique id of an instance, and its file
IsCancelled = Callable[[], bool]
MOST_STUDIES = 100


class Way(str, Enum):
    """How a PACS is spoken to."""

    DICOMWEB = "dicomweb"
    DIMSE = "dimse"


class Pacs(Protocol):
    """A PACS. Every method raises PacsError where it can't be reached, refuses, or answers badly.

    Attributes:
        words: which PACS and which way, for people; without secrets.
    """

    words: str

    def check(self) -> None:
        """Ask whether it is there and lets us in."""

    def find(self, query: Query, most: int = MOST_STUDIES) -> tuple[list[Series], bool]:
        """Look for series.

        Args:
            query: what is looked for.
            most: studies; more are not asked for.

        Returns:
            The series, newest study first, and whether there may be more studies.
        """

    def images(self, study: str, series: str) -> list[Image]:
        """The objects of a series, in the order of their numbers."""

    def fetch(
        self,
        study: str,
        series: str,
        images: Sequence[Image],
        receive: Receive,
        cancelled: IsCancelled,
    ) -> None:
        """Fetch objects of a series.

        Args:
            study, series: unique ids.
            images: which objects.
            receive: called with each that came; what it raises ends the fetching.
            cancelled: asked between two objects; Cancelled is raised then.
        """

    def store(self, path: Path) -> Stored:
        """Send a DICOM file; what the PACS says of it is told, not raised."""

    def close(self) -> None:
        """End the connection."""
