"""The page's code, as the type checker sees it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from Testing.conftest import ROOT

PAGE = ROOT / "masam_workbench" / "page"


def test_the_types_fit(tmp_path: Path) -> None:
    tsc = shutil.which("tsc")
    if tsc is None:
        pytest.skip("tsc is not installed (npm install --global typescript): types not checked")
    done = subprocess.run(
        [tsc, "--noEmit", "--project", str(PAGE / "tsconfig.json")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_is_asked_of_another_address_and_nothing_is_inline() -> None:
    html = (PAGE / "index.html").read_text()
    assert not re.search(r"\s(style|on\w+)=|<style|javascript:", html)
    assert all(not tag.strip() for tag in re.findall(r"<script[^>]*>(.*?)</script>", html))
    for path in [PAGE / "index.html", PAGE / "masam.css", *(PAGE / "js").rglob("*.js")]:
        found = re.findall(r"https?://[^\s\"'`)]+|url\(\s*['\"]?//", path.read_text())
        assert set(found) <= {"http://www.w3.org/2000/svg"}, path.name
