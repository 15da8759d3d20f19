"""A web server on this machine that can be told to misbehave."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from masam_core.catalog.entries import Entry


@dataclass
class FileServer:
    """Serves one file.

    Attributes:
        content: the file.
        ranges: whether Range requests are honoured.
        cuts: body lengths after which the next connections break, one a request.
        status: answered instead of the file, where not 200.
        seen: the Range header of each request, or None.
    """

    content: bytes
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)
    status: int = 200
    seen: list[str | None] = field(default_factory=list)
    url: str = ""

    def entry(self, **changes: object) -> Entry:
        """The served file as an entry of the catalogue."""
        values: dict[str, object] = {
            "name": "tiny",
            "file": "tiny.pth",
            "purpose": "Testing.",
            "licence": "none",
            "backbone": "vit_b",
            "url": self.url,
            "sha256": hashlib.sha256(self.content).hexdigest(),
        }
        return Entry(**(values | changes))  # type: ignore[arg-type]

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one GET."""
        wanted = request.headers.get("Range")
        self.seen.append(wanted)
        if self.status != 200:
            request.send_error(self.status)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        if start >= len(self.content):
            request.send_error(416)
            return
        body = self.content[start:]
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(body)))
        if start:
            end = len(self.content)
            request.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
        request.end_headers()
        if self.cuts:
            body = body[: self.cuts.pop(0)]
        request.wfile.write(body)


@pytest.fixture
def server() -> Iterator[FileServer]:
    """A running server with a file of 300 kB."""
    served = FileServer(np.random.default_rng(0).bytes(300_000))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.answer(self)

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        served.url = f"http://127.0.0.1:{running.server_address[1]}/tiny.pth"
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def own_store(masam_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test touches the user's models, and none goes through a proxy."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return masam_home
