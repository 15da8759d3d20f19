"""Pages that a person sees where there is no workbench: its clothes, plain words."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from aiohttp import web

STYLE = (
    "html{height:100%;background:#0c0e11;color:#eef1f5;"
    'font:16px/1.5 system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}'
    "body{min-height:100%;margin:0;display:grid;place-items:center}"
    "main{max-width:560px;margin:24px;padding:28px 32px;border:1px solid #46515f;"
    "border-radius:10px;background:#14181e}"
    "b{letter-spacing:.12em}h1{margin:14px 0 6px;font-size:22px}p{margin:8px 0;color:#b6bfca}"
    ".research{color:#ffc862}"
)
# In the headers, so that this style and no other may stand in a page.
STYLE_HASH = "'sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode() + "'"


def dressed(request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
    """Make a page of the plain words of a refusal where a person would read them.

    Args:
        request: that is answered; a page is due where a browser opens an address.
        answer: to it; any other than a refusal in plain words is given back as it is.
    """
    wants = "text/html" in request.headers.get("Accept", "") and request.method == "GET"
    if not wants or answer.status < 400 or answer.prepared or not isinstance(answer, web.Response):
        return answer
    if answer.content_type == "text/plain" and answer.text:
        answer.text = page(answer.text)
        answer.content_type = "text/html"
    return answer


def page(words: str) -> str:
    """An HTML page that says something, with what can be done about it at its head."""
    title, _, rest = words.partition(". ")
    more = f"<p>{escape(rest)}</p>" if rest else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>MASAM</title>'
        f"<style>{STYLE}</style></head><body><main><b>MASAM</b>"
        f"<h1>{escape(title.rstrip('.'))}</h1>{more}"
        '<p class="research">Research use, not for clinical decisions.</p></main></body></html>'
    )
