"""Python and packages."""

from __future__ import annotations

import re
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from masam_core.installation import python
from masam_core.installation.finding import State
from masam_core.installation.python import (
    FOR_PROGRAM,
    FOR_WORKER,
    NUMPY,
    TORCH,
    TORCHVISION,
    Package,
    check_packages,
    check_python,
)

ROOT = Path(__file__).resolve().parents[3]


def test_the_oldest_versions_are_those_of_the_project() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    for package in (*FOR_WORKER, TORCH, TORCHVISION):
        assert f'"{package.name}>={package.oldest}"' in text
    needs = re.search(r'requires-python = ">=(\d+)\.(\d+)"', text)
    assert needs is not None
    assert tuple(map(int, needs.groups())) == python.OLDEST_PYTHON


def test_what_is_here_is_named_with_its_version() -> None:
    found = check_packages(FOR_PROGRAM)
    assert found.state is State.OK
    assert f"numpy {version('numpy')}" in found.words


def test_what_is_missing_old_or_broken_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "masam_broken.py").write_text("raise OSError('libgomp.so.1: not found')")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = check_packages(
        [
            Package("masam_absent", "masam-absent", "1.0"),
            Package("masam_broken", "masam-broken", "1.0"),
            Package("numpy", "numpy", "999.10"),
            NUMPY,
        ]
    )
    assert found.state is State.PROBLEM
    assert "masam-absent is not installed" in found.words
    assert "masam-broken is there but does not load (libgomp.so.1: not found)" in found.words
    assert "older than 999.10" in found.words
    assert 'pip install "masam-absent>=1.0" "masam-broken>=1.0" "numpy>=999.10"' in found.advice
    assert "press Install" in found.advice


def test_a_package_without_a_record_of_its_installation_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As SimpleITK in some builds of 3D Slicer."""
    (tmp_path / "masam_builtin.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = check_packages([Package("masam_builtin", "masam-builtin", "2.3")])
    assert (found.state, found.words) == (State.OK, "masam-builtin (version unknown)")


@pytest.mark.parametrize(
    ("older", "newer"), [("2.9", "2.10"), ("1.26.4", "2.0"), ("2.4", "2.4.1+cu124")]
)
def test_versions_are_compared_by_their_numbers(older: str, newer: str) -> None:
    assert python.numbers_of(older) < python.numbers_of(newer)


def test_a_python_that_is_too_old_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_python().state is State.OK
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    assert "3.10" in check_python().advice
