"""What would be lost with the tab: lesions that are in no file as they are now."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

# What makes a lesion what it is; colour and visibility are not worth a question.
_KEPT = ("name", "kind", "label", "box", "mask", "prompts")


class Unsaved:
    """Remembers each lesion as it was when it was saved last."""

    def __init__(self) -> None:
        self._saved: dict[str, str] = {}

    def isSaved(self, rows: Iterable[Mapping[str, Any]]) -> bool:
        """Whether every lesion is in a file as it is now.

        Args:
            rows: as the page gets them.
        """
        return all(self._saved.get(row["id"]) == printOf(row) for row in rows)

    def saved(self, rows: Iterable[Mapping[str, Any]], whole: bool) -> None:
        """Lesions were saved.

        Args:
            rows: as the page gets them.
            whole: with box and prompts, whatever their state; else those alone whose mask is the
                answer to them.
        """
        for row in rows:
            if whole or (row["mask"] is not None and not row["asks"]):
                self._saved[row["id"]] = printOf(row)

    def clear(self) -> None:
        """Another image was opened."""
        self._saved.clear()


def printOf(row: Mapping[str, Any]) -> str:
    """A text that is another one after each change that is worth keeping."""
    return json.dumps([row[name] for name in _KEPT], sort_keys=True)
