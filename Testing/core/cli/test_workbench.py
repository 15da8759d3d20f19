"""`masam workbench` before it serves."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from masam_core.cli import workbench

from .conftest import Masam


def test_without_the_extra_it_says_what_to_install(
    masam: Masam, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "trame" else find(name)
    )
    found = masam("workbench")
    assert found.exit_code == 1
    assert 'pip install "masam[workbench]"' in found.output
    assert "(trame" in found.output


def test_an_image_that_is_not_there_is_told_at_once(
    masam: Masam, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("aiohttp")
    pytest.importorskip("MASAMSlicerLib.workbench.gate")
    monkeypatch.setattr(workbench, "require_extra", lambda: None)
    found = masam("workbench", tmp_path / "gone.nii.gz")
    assert found.exit_code == 1
    assert "gone.nii.gz" in found.output


@pytest.mark.parametrize(("host", "warned"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_another_interface_is_warned_of(
    masam: Masam, monkeypatch: pytest.MonkeyPatch, host: str, warned: bool
) -> None:
    gate = pytest.importorskip("MASAMSlicerLib.workbench.gate")
    monkeypatch.setattr(workbench, "require_extra", lambda: None)
    given: list[Any] = []

    def run(options: Any, ready: Any) -> None:
        given.append(options)
        ready("http://somewhere/?token=secret")

    monkeypatch.setattr(gate, "run", run)
    found = masam("workbench", "--host", host, "--no-browser", "--upload-gb", "2")
    assert found.exit_code == 0
    assert "http://somewhere/?token=secret" in found.output
    assert ("not encrypted" in found.output) is warned
    assert given[0].host == host
    assert given[0].limit == 2_000_000_000
    assert len(given[0].token) >= 32
