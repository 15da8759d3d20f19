"""What is installed elsewhere: the files that a container gets, and the wheel made of them."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from .conftest import ROOT

CONTAINERFILE = ROOT / "container" / "Containerfile"
INSIDE = "/opt/masam"


def copied() -> dict[str, str]:
    """Files and folders that the container gets, by their place below its folder of MASAM."""
    found = {}
    for line in re.findall(r"^COPY (.+)$", CONTAINERFILE.read_text("utf-8"), re.MULTILINE):
        *sources, target = line.split()
        for source in sources:
            place = target + Path(source).name if target.endswith("/") else target
            found[place.removeprefix(INSIDE + "/")] = source
    return found


def lay_out(folder: Path) -> None:
    """Put there what the container gets; by links, since the weights are large."""
    for place, source in copied().items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / source, target, copy_function=_link, ignore=ignored)
        else:
            _link(ROOT / source, target)


def _link(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk
        shutil.copy2(source, target)
