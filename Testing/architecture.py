"""The drawing of the house in ARCHITECTURE.md, made from the imports.

python -m Testing.architecture          draw it anew in ARCHITECTURE.md
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "ARCHITECTURE.md"
PACKAGES = ("MASAMSlicerLib", "masam_workbench", "masam_core")
# Known to nearly every room, and to be found at once: arrows to them would hide the others.
SMALL = (
    "errors",
    "atomic",
    "digest",
    "keywords",
    "late",
    "limits",
    "threads",
    "process_tree",
)
EVERYWHERE = {"masam_core", "MASAMSlicerLib", *(f"masam_core.{name}" for name in SMALL)}
BLOCK = re.compile(r"```mermaid\n.*?```", re.DOTALL)

Arrows = dict[str, set[str]]


def rooms() -> Arrows:
    """Each room (package or module below a top package) and those that it imports from."""
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True)
    found: Arrows = {}
    for module in graph.modules:
        found.setdefault(_room(module), set())
        for imported in graph.find_modules_directly_imported_by(module):
            found[_room(module)].add(_room(imported))
    return {
        room: {other for other in others if other != room and other not in EVERYWHERE}
        for room, others in sorted(found.items())
        if room not in EVERYWHERE and not room.endswith("__main__") and room not in PACKAGES
    }


def reduced(arrows: Arrows) -> Arrows:
    """Leave out each arrow that a longer way along other arrows tells as well."""
    below: Arrows = {}

    def reach(room: str) -> set[str]:
        if room not in below:
            below[room] = set()
            for other in arrows.get(room, ()):
                below[room] |= {other} | reach(other)
        return below[room]

    return {
        room: {
            other
            for other in others
            if not any(other in reach(between) for between in others - {other})
        }
        for room, others in arrows.items()
    }


def drawing() -> str:
    """The Mermaid graph, with its fence."""
    arrows = reduced(rooms())
    lines = ["```mermaid", "flowchart TD"]
    for package in PACKAGES:
        lines.append(f"  subgraph {package}")
        lines += [
            f'    {_name(room)}["{room.split(".", 1)[1]}"]'
            for room in arrows
            if room.startswith(f"{package}.")
        ]
        lines.append("  end")
    lines += [
        f"  {_name(room)} --> {_name(other)}"
        for room, others in arrows.items()
        for other in sorted(others)
    ]
    return "\n".join([*lines, "```"])


def _room(module: str) -> str:
    return ".".join(module.split(".")[:2])


def _name(room: str) -> str:
    return room.replace(".", "_")


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "MASAMSlicer")]
    text = PAGE.read_text("utf-8")
    PAGE.write_text(BLOCK.sub(lambda _: drawing(), text, count=1), "utf-8")
