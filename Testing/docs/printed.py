"""What the documents print: commands, in code blocks and in running text, and other blocks."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from ..conftest import ROOT

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "MODEL_CARD.md")
PROGRAMS = ("masam", "python", "python3", "pip", "torchrun", "ssh", "Slicer", "PythonSlicer")
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Command:
    """A command line, in words.

    ``program`` is the first word without its folder; ``words`` are the others.
    """

    page: str
    line: str
    program: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {self.line}"


def blocks(page: Path, language: str) -> list[str]:
    """Code blocks of a language; "" for those that name none."""
    return [text for found, text in _FENCED.findall(page.read_text("utf-8")) if found == language]


def commands(page: Path) -> list[Command]:
    """The command lines of a page, each once, in their order."""
    text = page.read_text("utf-8")
    lines = [line for block in blocks(page, "") for line in block.splitlines()]
    lines += _SPAN.findall(_FENCED.sub("", text))
    found = [one for line in lines for one in _commands(page.name, line)]
    return list(dict.fromkeys(found))


def options(page: Path) -> list[str]:
    """Options that the running text speaks of by themselves, such as ``--precision int8``."""
    spans = _SPAN.findall(_FENCED.sub("", page.read_text("utf-8")))
    return [span.split()[0] for span in spans if span.startswith("--")]


def _commands(page: str, line: str) -> list[Command]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError:  # running text with an apostrophe is no command
        return []
    out, part = [], []  # type: ignore[var-annotated]
    for word in [*words, "&&"]:
        if word != "&&":
            part.append(word)
            continue
        program = Path(part[0]).name if part else ""
        # A path alone, or a program's name alone in running text, asks for nothing.
        if program in PROGRAMS and len(part) > 1:
            out.append(Command(page, shlex.join(part), program, tuple(part[1:])))
        part = []
    return out
