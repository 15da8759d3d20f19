"""Names of the files that leave the workbench."""

from __future__ import annotations

import re
from typing import Any

import pytest

from Testing.workbench.conftest import requireWorkbench


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SarcomaMR", "SarcomaMR"),
        ("my scan", "my_scan"),
        ("../../etc/passwd", "etc_passwd"),
        ('a"b\r\nSet-Cookie: x', "a_b_Set-Cookie_x"),
        ("..", "image"),
        ("", "image"),
        ("Müller", "M_ller"),
        ("x" * 300, "x" * 80),
    ],
)
def test_any_text_gives_a_plain_file_name(harness: Any, name: str, expected: str) -> None:
    requireWorkbench()
    from masam_workbench.tab.saving import plainName

    assert plainName(name) == expected
    assert re.fullmatch(r"[\w.-]{1,80}", plainName(name), re.ASCII)
