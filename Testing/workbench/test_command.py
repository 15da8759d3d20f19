"""`masam workbench` before it serves."""

from __future__ import annotations

import importlib.util
import os
import threading
import webbrowser
from pathlib import Path
from typing import Any

import pytest

from masam_workbench import command
from Testing.core.cli.conftest import Masam, masam

__all__ = ["masam"]  # a fixture


def test_without_the_extra_it_says_what_to_install(
    masam: Masam, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "aiohttp" else find(name)
    )
    found = masam("workbench")
    assert found.exit_code == 1
    assert 'pip install "masam[workbench]"' in found.output
    assert "(aiohttp" in found.output


def test_an_image_that_is_not_there_is_told_at_once(
    masam: Masam, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("aiohttp")
    pytest.importorskip("masam_workbench.front.gate")
    monkeypatch.setattr(command, "require_extra", lambda: None)
    found = masam("workbench", tmp_path / "gone.nii.gz")
    assert found.exit_code == 1
    assert "gone.nii.gz" in found.output


@pytest.mark.parametrize(("host", "warned"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_another_interface_is_warned_of(
    masam: Masam, monkeypatch: pytest.MonkeyPatch, host: str, warned: bool
) -> None:
    gate = pytest.importorskip("masam_workbench.front.gate")
    monkeypatch.setattr(command, "require_extra", lambda: None)
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


def test_the_browser_gets_the_address_from_a_private_page_and_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened, closed = threading.Event(), threading.Event()
    given: list[str] = []

    def browse(url: str) -> None:
        given.append(url)
        opened.set()
        closed.wait(20)  # as a browser that is not there yet, or a text browser

    monkeypatch.setattr(webbrowser, "open", browse)
    monkeypatch.setattr(command.tempfile, "tempdir", str(tmp_path))
    page = command.open_privately("http://127.0.0.1:5/?token=secret")
    assert opened.wait(10)
    closed.set()
    assert "secret" not in given[0]
    assert given[0] == page.as_uri()
    assert "0;url=http://127.0.0.1:5/?token=secret" in page.read_text()
    if os.name == "posix":
        assert page.stat().st_mode & 0o777 == 0o600


def test_the_page_with_the_address_is_deleted_in_the_end(
    masam: Masam, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gate = pytest.importorskip("masam_workbench.front.gate")
    monkeypatch.setattr(command, "require_extra", lambda: None)
    monkeypatch.setattr(command, "_has_screen", lambda: True)
    monkeypatch.setattr(webbrowser, "open", lambda _: True)
    monkeypatch.setattr(command.tempfile, "tempdir", str(tmp_path))

    def run(_options: Any, ready: Any) -> None:
        ready("http://somewhere/?token=secret")
        assert len(list(tmp_path.glob("*.html"))) == 1

    monkeypatch.setattr(gate, "run", run)
    assert masam("workbench").exit_code == 0
    assert list(tmp_path.glob("*.html")) == []
