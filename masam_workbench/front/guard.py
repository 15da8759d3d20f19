"""Who may come in: tokens, and where a request says that it comes from."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

HEADERS = {
    "Content-Security-Policy": (
        # Vue makes functions of the page's template in the browser, hence 'unsafe-eval'.
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; "
        "frame-ancestors 'none'; form-action 'none'; base-uri 'self'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


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
    return hmac.compare_digest(given.encode(), expected.encode())


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
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if loopback and not isLoopback(name.lower().removeprefix("[").removesuffix("]")):
        return f"This server is not called '{name[:100]}'."
    origin = headers.get("Origin")
    changing = websocket or method not in ("GET", "HEAD")
    if origin is None:
        return "This request does not say where it comes from." if websocket else ""
    if changing and urlsplit(origin).netloc.lower() != host.lower():
        return "This request comes from another page."
    return ""
