"""Refusals: a page for a person, plain words for a program."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

pytest.importorskip("aiohttp")

from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from masam_workbench.front.errorpage import dressed, page
from masam_workbench.front.guard import HEADERS

WORDS = "The address lacks the <token>. Use the whole address."
BROWSER = {"Accept": "text/html,application/xhtml+xml;q=0.9"}


class Reader(HTMLParser):
    """Collects what a person would read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []
        self._style = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._style = tag == "style"

    def handle_data(self, data: str) -> None:
        if not self._style:
            self.read.append(data)


def test_a_browser_gets_a_page_with_the_same_words() -> None:
    answer = dressed(make_mocked_request("GET", "/", BROWSER), web.Response(status=403, text=WORDS))
    assert isinstance(answer, web.Response)
    assert (answer.status, answer.content_type) == (403, "text/html")
    reader = Reader()
    reader.feed(str(answer.text))
    assert "The address lacks the <token>" in reader.read
    assert "Use the whole address." in reader.read
    assert "Research use, not for clinical decisions." in reader.read


def test_a_program_gets_plain_words_and_good_answers_stay_as_they_are() -> None:
    plain = web.Response(status=403, text=WORDS)
    assert dressed(make_mocked_request("GET", "/", {"Accept": "*/*"}), plain) is plain
    assert plain.text == WORDS
    posted = web.Response(status=502, text=WORDS)
    assert dressed(make_mocked_request("POST", "/", BROWSER), posted).content_type == "text/plain"
    good = web.Response(text="all is well")
    assert isinstance(good, web.Response)
    assert dressed(make_mocked_request("GET", "/", BROWSER), good).content_type == "text/plain"


def test_the_page_s_own_style_is_allowed_by_the_headers_and_no_other() -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", page("Gone."))
    sum_ = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = HEADERS["Content-Security-Policy"]
    (rule,) = [part for part in policy.split(";") if part.strip().startswith("style-src")]
    assert rule.split() == ["style-src", "'self'", f"'sha256-{sum_}'"]
    assert "unsafe" not in policy
