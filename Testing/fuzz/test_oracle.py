"""The oracle and the pool find what is planted, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from Testing.conftest import ROOT
from Testing.fuzz.child import inject, judged
from Testing.fuzz.injection import Injection
from Testing.fuzz.kinds import planted
from Testing.fuzz.kinds.registry import MODULES, NAMES, kind
from Testing.fuzz.oracle import CRASH, HANG, LOST
from Testing.fuzz.pool import Child, Counts


@pytest.mark.parametrize("fault", sorted(planted.FAULTS))
def test_each_sort_of_fault_is_told_from_the_others(tmp_path: Path, fault: str) -> None:
    if fault == "memory" and sys.platform != "linux":
        pytest.skip("Memory can be bounded on Linux alone.")
    injection = Injection({"file": b"content"}, "file", settings={"fault": fault})
    assert judged(kind("planted"), injection, tmp_path).outcome == fault


def test_files_that_an_injection_brought_must_stay_as_they_are(tmp_path: Path) -> None:
    injection = Injection({"file": b"content"}, "file", settings={"fault": "spoils"})
    planted.FAULTS["spoils"] = lambda place: place.target.write_bytes(b"other")
    try:
        assert judged(kind("planted"), injection, tmp_path).outcome == LOST
    finally:
        del planted.FAULTS["spoils"]


@pytest.mark.parametrize(
    ("name", "outcome", "seconds"),
    [("planted hang", HANG, 0.2), ("planted crash", CRASH, 60.0)],
)
def test_a_child_that_hangs_or_falls_is_replaced_and_its_injection_kept(
    tmp_path: Path, name: str, outcome: str, seconds: float
) -> None:
    counts = Counts()
    child = Child(counts, tmp_path)
    try:
        child.work(name, 1, 3, seconds, time.monotonic() + 600)
        (found,) = counts.findings
        assert (found.kind, found.outcome) == (name, outcome)
        assert Injection.kept(found.folder)[1].files == {"file": b"content"}
        child.work("planted", 1, 40, 60.0, time.monotonic() + 600)  # by another process
    finally:
        child.end()
    assert counts.outcomes["planted"]["taken"] > 0
    assert counts.outcomes["planted"]["exceptions"] > 0
    assert outcome in counts.table()


def test_the_same_seed_makes_the_same_injections() -> None:
    def made(seed: int) -> list[Injection]:
        found: list[Injection] = []
        inject(kind("NRRD"), seed, 20, found.append)
        return found

    assert made(5) == made(5) != made(6)


def test_every_kind_is_in_the_registry_and_every_module_named() -> None:
    folder = ROOT / "Testing" / "fuzz" / "kinds"
    modules = {path.stem for path in folder.glob("[a-z]*.py")} - {"registry", "planted"}
    assert modules == set(MODULES)
    assert len(set(NAMES)) == len(NAMES)


def test_the_command_counts_by_kind_and_ends_with_1_where_something_was_found(
    tmp_path: Path,
) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "Testing.fuzz", *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    listed = run("--list")
    assert listed.stdout.split("\n")[:3] == ["NIfTI", "NRRD", "MetaImage"]
    assert run("--kinds", "nothing").returncode == 2
    Injection({"file": b"x"}, "file", settings={"fault": "lost"}).keep(
        tmp_path / "kept", kind="planted"
    )
    again = run("--replay", str(tmp_path / "kept"))
    assert (again.returncode, again.stdout.split("\n")[0]) == (1, "planted: lost")
