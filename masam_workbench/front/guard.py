"""Who may come in: tokens, and where a request says that it comes from."""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from masam_workbench.front.errorpage import STYLE_HASH

HEADERS = {
    "Content-Security-Policy": (
        # NiiVue has the picture of its letters in a data: address; it needs no worker, no
        # WebAssembly and no blob for what the page asks of it.
        f"default-src 'none'; script-src 'self'; style-src 'self' {STYLE_HASH}; "
        "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; form-action 'none'; "
        "base-uri 'self'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


COOKIE = "masam"  # a tab's own
BROWSER = "masam-browser"  # by which a browser finds its unsaved work again
_SECRET = re.compile(r"[\w-]{32}", re.ASCII)


def isLoopback(host: str) -> bool:
    """Whether an interface to listen on can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def same(given: str, expected: str) -> bool:
    """Compare secrets; how long it takes says nothing of where they differ."""
    return hmac.compare_digest(_bytes(given), _bytes(expected))


def ours(header: str) -> list[str]:
    """Values of the workbench's cookie in a Cookie header.

    Other servers on this machine set cookies for the same name, with any bytes in them; what is
    not ours is passed over.
    """
    return _values(header, COOKIE)


def browserOf(header: str) -> str:
    """The secret by which a browser is known, in a Cookie header; empty where there is none."""
    found = [value for value in _values(header, BROWSER) if _SECRET.fullmatch(value)]
    return found[0] if found else ""


def plain(text: str) -> bool:
    """Whether a text has printable ASCII alone, as a browser sends headers and paths."""
    return all(" " <= character <= "~" for character in text)


def refusal(headers: Mapping[str, str], method: str, loopback: bool, websocket: bool) -> str:
    """Why a request is refused, or an empty text.

    A page of another origin can make a browser send requests here, and a name that it controls can
    be made to lead here (DNS rebinding). On the loopback interface only its own name and addresses
    are answered. Whatever changes something must come from a page of this very address.

    Args:
        headers: of the request; any case.
        method: of the request.
        loopback: whether the server listens on the loopback interface alone.
        websocket: whether it asks for one.
    """
    host = headers.get("Host", "")
    if not plain(host):
        return "This request's host can't be understood."
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if loopback and not isLoopback(name.lower().removeprefix("[").removesuffix("]")):
        return f"This server is not called '{name[:100]}'."
    origin = headers.get("Origin")
    changing = websocket or method not in ("GET", "HEAD")
    if origin is None:
        return "This request does not say where it comes from." if websocket else ""
    if changing and _place(origin) != host.lower():
        return "This request comes from another page."
    return ""


def _values(header: str, name: str) -> list[str]:
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return [value.strip('"') for found, _, value in pairs if found == name]


def _place(origin: str) -> str | None:
    """Host and port of an origin; None where it is none."""
    if not plain(origin):
        return None
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # headers may hold bytes that are no text
