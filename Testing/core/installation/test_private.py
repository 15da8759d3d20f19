"""No name of a user or a machine gets into a report."""

from __future__ import annotations

import getpass
import platform
from pathlib import Path

import pytest

from masam_core.installation.private import private


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No file /home/jane.doe/models/x.pth.", "No file ~/models/x.pth."),
        ("/Users/jane/Library", "~/Library"),
        (r"C:\Users\Jane Doe\AppData\masam", r"~\AppData\masam"),
        ("C:/Users/jane/masam", "~/masam"),
        ("ssh jane@gpu.clinic.example failed", "ssh (user)@(host) failed"),
        ("Dice 0.886, 185.4 ml, 2 threads of 2", "Dice 0.886, 185.4 ml, 2 threads of 2"),
    ],
)
def test_home_folders_and_accounts_are_shortened(text: str, expected: str) -> None:
    assert private(text) == expected


def test_this_users_home_and_name_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/data/people/jdoe"))
    monkeypatch.setattr(getpass, "getuser", lambda: "jdoe")
    monkeypatch.setattr(platform, "node", lambda: "ward3.clinic.example")
    said = private("/data/people/jdoe/x and /data/people/jdoe2 and /scratch/jdoe/y on ward3")
    assert said == "~/x and /data/people/jdoe2 and /scratch/(user)/y on (host)"
    assert private("on ward3.clinic.example:") == "on (host):"


def test_an_account_without_home_or_name_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise KeyError("no such user")

    monkeypatch.setattr(getpass, "getuser", missing)
    monkeypatch.setattr(Path, "home", lambda: Path("/"))
    assert private("/opt/masam") == "/opt/masam"
