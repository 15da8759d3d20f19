"""Where requests may come from."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("example.org", False),
    ],
)
def test_loopback_is_told_from_other_interfaces(harness: Any, host: str, expected: bool) -> None:
    from masam_workbench.front.guard import isLoopback

    assert isLoopback(host) is expected


@pytest.mark.parametrize(
    ("headers", "method", "loopback", "socket", "refused"),
    [
        ({"Host": "127.0.0.1:80"}, "GET", True, False, False),
        ({"Host": "[::1]:80"}, "GET", True, False, False),
        ({"Host": "[::1]"}, "GET", True, False, False),
        ({"Host": "LOCALHOST:80"}, "GET", True, False, False),
        ({"Host": "127.0.0.2:80"}, "GET", True, False, False),
        ({"Host": "127.0.0.2.evil.example:80"}, "GET", True, False, True),
        ({"Host": "192.0.2.1:80"}, "GET", True, False, True),
        ({"Host": "evil.example"}, "GET", True, False, True),
        ({}, "GET", True, False, True),
        ({"Host": "lab:80"}, "GET", False, False, False),
        ({"Host": "lab:80"}, "GET", False, True, True),
        ({"Host": "lab:80", "Origin": "http://lab:80"}, "GET", False, True, False),
        ({"Host": "lab:80", "Origin": "http://lab:81"}, "GET", False, True, True),
        ({"Host": "lab:80", "Origin": "null"}, "POST", False, False, True),
        ({"Host": "lab:80", "Origin": "http://lab:80"}, "POST", False, False, False),
        ({"Host": "lab:80", "Origin": "http://other"}, "GET", False, False, False),
    ],
)
def test_requests_from_elsewhere_are_refused(
    harness: Any,
    headers: dict[str, str],
    method: str,
    loopback: bool,
    socket: bool,
    refused: bool,
) -> None:
    from masam_workbench.front.guard import refusal

    assert bool(refusal(headers, method, loopback, socket)) is refused


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("masam=abc", ["abc"]),
        ('other="a b"; masam=abc; masam=def', ["abc", "def"]),
        ("\udce4\udcff=\udc80; masam=abc", ["abc"]),
        ("masam=\udce4", ["\udce4"]),
        ("masamx=abc; xmasam=abc; masam", [""]),
        ("", []),
    ],
)
def test_our_cookie_is_found_among_any_others(harness: Any, header: str, values: list[str]) -> None:
    from masam_workbench.front.guard import ours, same

    assert ours(header) == values
    assert any(same(value, "abc") for value in ours(header)) is ("abc" in values)
