"""The house is as ARCHITECTURE.md draws it, and its floors hold."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT

grimp = pytest.importorskip("grimp")
PAGE = (ROOT / "ARCHITECTURE.md").read_text("utf-8")


def test_the_drawing_equals_the_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    from . import architecture

    monkeypatch.syspath_prepend(str(ROOT / "MASAMSlicer"))
    found = architecture.BLOCK.search(PAGE)
    assert found is not None
    # Where they differ: python -m Testing.architecture
    assert found[0] == architecture.drawing()


def test_only_arrows_that_a_longer_way_tells_are_left_out() -> None:
    from .architecture import reduced

    arrows = {"a": {"b", "c", "d"}, "b": {"c"}, "c": {"d"}, "d": set(), "e": {"d"}}
    assert reduced(arrows) == {"a": {"b"}, "b": {"c"}, "c": {"d"}, "d": set(), "e": {"d"}}


@pytest.mark.parametrize(
    "room", ["MASAMSlicerLib.panel", "MASAMSlicerLib.control", "masam_workbench.tab"]
)
def test_no_part_of_a_front_end_knows_what_holds_the_parts_together(
    room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for the sake of a type either, which the contracts leave out."""
    grimp = pytest.importorskip("grimp")
    monkeypatch.syspath_prepend(str(ROOT / "MASAMSlicer"))
    top = room.split(".")[0]
    graph = grimp.build_graph(top, exclude_type_checking_imports=False, cache_dir=None)
    assert len(graph.find_children(room)) > 8
    assert graph.nominate_cycle_breakers(room) == set()


def test_every_file_that_is_named_is_there() -> None:
    top = "masam_core|masam_workbench|MASAMSlicer|Testing|docs|examples"
    named = set(re.findall(rf"`((?:{top})/[\w./-]+)`", PAGE))
    assert len(named) > 20
    assert {name for name in named if not (ROOT / name).exists() and "NAME" not in name} == set()
    places = {name.rpartition("/")[0] for name in named if name.endswith("/NAME.py")}
    assert len(places) == 9
    assert {place for place in places if not (ROOT / place).is_dir()} == set()


def test_a_broken_floor_is_found(tmp_path: Path) -> None:
    """The contracts name rooms that exist: an import upwards, put into a copy, breaks them."""
    pytest.importorskip("importlinter")
    for name in ("pyproject.toml", "Testing/__init__.py", "Testing/floors.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("masam_core", "masam_workbench", "MASAMSlicer/MASAMSlicerLib"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    assert floors(tmp_path).returncode == 0
    wrong = {
        "masam_core/image/volume.py": "import masam_core.model.masam",
        "masam_core/errors.py": "import MASAMSlicerLib.report",
        "MASAMSlicer/MASAMSlicerLib/scene/nodes.py": "import qt",
    }
    for name, line in wrong.items():
        with (tmp_path / name).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
    done = floors(tmp_path)
    assert done.returncode == 1
    for contract in ("core's floors", "No PyTorch below", "knows no front end", "knows Qt"):
        assert re.search(f"{contract}.* BROKEN", done.stdout), contract


def floors(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the check on a checkout as ``dev.py test`` does."""
    return subprocess.run(
        [sys.executable, "-m", "Testing.floors"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
