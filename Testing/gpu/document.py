"""The document of a run: on the disk after every finding."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Document:
    """What was found so far.

    The file holds ``machine``, ``rows`` (as of ``masam bench --json``, with their section's name as
    ``part`` among the details) and ``sections``: the state, seconds and error of each.
    """

    path: Path
    machine: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    sections: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def at(cls, path: Path) -> Document:
        """Go on with a document, or begin one.

        Raises:
            ValueError: the file is no such document.
        """
        if not path.exists():
            return cls(path)
        found = json.loads(path.read_text("utf-8"))
        if not isinstance(found, dict) or not {"machine", "rows", "sections"} <= set(found):
            raise ValueError(f"{path} is no document of this script; choose another file.")
        return cls(path, found["machine"], found["rows"], found["sections"])

    def begin(self, name: str) -> None:
        """Forget what a former run has found in a section."""
        self.rows = [row for row in self.rows if row["details"].get("part") != name]
        self.sections[name] = {"state": "running", "seconds": 0.0, "error": ""}
        self.flush()

    def take(self, name: str, message: dict[str, Any]) -> None:
        """Take a finding of a section: a ``row``, or facts on the ``machine``."""
        self.machine |= message.get("machine", {})
        if "row" in message:
            row = message["row"]
            self.rows.append({**row, "details": {**row["details"], "part": name}})
        self.flush()

    def end(self, name: str, state: str, seconds: float, error: str) -> None:
        """Note how a section has ended."""
        if state == "not run" and name in self.sections:
            return  # a former run's findings stay
        self.sections[name] = {"state": state, "seconds": round(seconds, 2), "error": error}
        self.flush()

    def flush(self) -> None:
        """Write the file whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(self.path.name + ".part")
        values = {"machine": self.machine, "sections": self.sections, "rows": self.rows}
        temporary.write_text(json.dumps(values, indent=1) + "\n", "utf-8")
        os.replace(temporary, self.path)
