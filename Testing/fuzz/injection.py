"""An injection, and what a kind of them is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis.strategies import SearchStrategy

PLAN = "injection.json"  # what of an injection is no file of its own


@dataclass(frozen=True)
class Injection:
    """Files in a folder, and which of them is handed to the product.

    Attributes:
        files: content by name; a name may lead into sub-folders.
        target: file or folder that the product is given; its name must stand in a refusal.
        links: symbolic links, name to target.
        settings: what else a kind needs; plain values for JSON.
    """

    files: dict[str, bytes]
    target: str
    links: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def lay(self, folder: Path) -> Path:
        """Write the files into an empty folder; the path of the target."""
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for name, aim in self.links.items():
            (folder / name).symlink_to(aim)
        return folder / self.target

    def keep(self, folder: Path, **more: Any) -> None:
        """Write everything into a folder, for :meth:`kept`."""
        shutil.rmtree(folder, ignore_errors=True)
        self.lay(folder / "files")
        plan = {"target": self.target, "links": self.links, "settings": self.settings, **more}
        (folder / "files").mkdir(parents=True, exist_ok=True)
        (folder / PLAN).write_text(json.dumps(plan, indent=1), "utf-8")

    @classmethod
    def kept(cls, folder: Path) -> tuple[str, Injection]:
        """Kind and injection of a folder that :meth:`keep` has written."""
        plan = json.loads((folder / PLAN).read_text("utf-8"))
        root = folder / "files"
        files = {
            str(path.relative_to(root)): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file() and not path.is_symlink()
        }
        return plan["kind"], cls(files, plan["target"], plan["links"], plan["settings"])


@dataclass(frozen=True)
class Place:
    """Where an injection lies.

    Attributes:
        folder: with its files.
        target: what the product is given.
        results: an empty folder for what it writes.
        phase: called with words before another program than the product is asked; what falls
            then is not the product.
    """

    folder: Path
    target: Path
    results: Path
    phase: Callable[[str], None] = lambda words: None


Act = Callable[[Place, Injection], Any]


@dataclass(frozen=True)
class Kind:
    """One outside format, or one way in which writing goes wrong.

    Attributes:
        name: for the list of counts.
        injections: makes them.
        act: hands one to the product. It returns what the product made of it, or raises the
            product's error.
        differs: compares what came back with another reader; words where they don't agree.
        names_target: whether a refusal must name the file.
        seconds: an injection that takes more of the processor, or several times as many of the
            clock, is a hang.
        memory: bytes that one may take.
        cost: how many injections of an image one of these takes the time of; dearer ones are run
            less often.
    """

    name: str
    injections: SearchStrategy[Injection]
    act: Act
    differs: Callable[[Place, Injection, Any], str] | None = None
    names_target: bool = True
    seconds: float = 20.0
    memory: int = 1 << 30
    cost: float = 1.0
