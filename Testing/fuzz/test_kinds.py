"""A moment of each kind; the long run is ``python -m Testing.fuzz --minutes 30``."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from Testing.fuzz.child import inject, judged
from Testing.fuzz.injection import Injection
from Testing.fuzz.kinds.registry import NAMES, kind
from Testing.fuzz.oracle import Verdict

PORTION = 16.0  # of cost; all kinds take some 15 s of a processor then
SEED = 20
NEEDS = {"HTTP requests": "aiohttp", "YAML runs": "yaml", "full disk, scenes": "slicer_core"}
# Limits of a process, and copies of one.
POSIX = ("full disk", "killed")


@pytest.mark.parametrize("name", NAMES)
def test_it_is_taken_or_refused_in_words_and_nothing_else_happens(
    name: str, tmp_path: Path
) -> None:
    if importlib.util.find_spec(NEEDS.get(name, "numpy")) is None:
        pytest.skip(f"{NEEDS[name]} is not installed")
    if name.startswith(POSIX) and sys.platform == "win32":
        pytest.skip("Windows has neither the limits nor the copies of a process")
    chosen = kind(name)
    outcomes: list[Verdict] = []

    def each(injection: Injection) -> None:
        verdict = judged(chosen, injection, tmp_path)
        outcomes.append(verdict)
        if verdict.is_finding:
            injection.keep(tmp_path / "kept", kind=name)
            raise AssertionError(
                f"{verdict.outcome}: {verdict.words}\nOnce more: python -m Testing.fuzz --replay "
                f"'{tmp_path / 'kept'}'"
            )

    inject(chosen, SEED, max(1, round(PORTION / chosen.cost)), each)
    assert outcomes
