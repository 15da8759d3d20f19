"""Tabs do not see each other, and nobody else gets in."""

from __future__ import annotations

import asyncio
import http.client
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from Testing.workbench.client import Page
from Testing.workbench.conftest import (
    UPLOAD_LIMIT,
    WITHOUT_MODEL,
    Server,
    requireWorkbench,
    startServer,
)
from Testing.workbench.processes import childrenOf, processesBelow


@dataclass
class Answer:
    """Of the server."""

    status: int
    headers: dict[str, str]
    body: bytes


def ask(
    server: Server,
    path: str,
    method: str = "GET",
    body: bytes | None = None,
    **headers: str,
) -> Answer:
    """One request, exactly as it is given: no client tidies its path or headers."""
    place = urlsplit(server.base)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=60)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, body, sent)
        found = connection.getresponse()
        return Answer(found.status, dict(found.getheaders()), found.read())
    finally:
        connection.close()


@dataclass
class Visitor:
    """What a browser has after it has opened a tab."""

    path: str
    cookie: str


def visit(server: Server) -> Visitor:
    """Open a tab with the address that was printed."""
    answer = ask(server, f"/?token={server.token}")
    assert answer.status == 303
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    return Visitor(answer.headers["Location"].removesuffix("index.html"), cookie.split(";")[0])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A workbench that keeps every tab of these tests, however slow the machine is."""
    requireWorkbench()
    options = ("--upload-gb", str(UPLOAD_LIMIT / 1e9), "--keep-minutes", "30")
    running = startServer(*options, *WITHOUT_MODEL)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def visitor(server: Server) -> Visitor:
    """One of two."""
    return visit(server)


@pytest.fixture(scope="module")
def other(server: Server) -> Visitor:
    """The other one."""
    return visit(server)


def test_the_page_is_for_the_browser_that_opened_it(server: Server, visitor: Visitor) -> None:
    answer = ask(server, f"{visitor.path}index.html", Cookie=visitor.cookie)
    assert answer.status == 200
    assert b"<html" in answer.body
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("token", ["", "?token=", "?token=wrong", "?token=%ff"])
def test_without_the_token_no_tab_is_opened(server: Server, token: str) -> None:
    answer = ask(server, f"/{token}")
    assert answer.status == 403
    assert "Set-Cookie" not in answer.headers
    assert b"token" in answer.body


def test_an_address_without_its_cookie_or_with_anothers_is_refused(
    server: Server, visitor: Visitor, other: Visitor
) -> None:
    refused = [
        ask(server, f"{visitor.path}index.html"),
        ask(server, f"{visitor.path}index.html", Cookie=other.cookie),
        ask(server, f"{visitor.path}index.html", Cookie="masam="),
        ask(server, f"/tab/{'A' * 32}/index.html", Cookie=visitor.cookie),
        ask(server, f"{other.path}index.html", Cookie=visitor.cookie),
        ask(server, f"{visitor.path}results/x.csv", Cookie=other.cookie),
    ]
    assert [answer.status for answer in refused] == [403] * len(refused)
    # Nothing tells an id that is there from one that is not.
    assert len({answer.body for answer in refused}) == 1
    sideways = f"{visitor.path}../{other.path.split('/')[2]}/index.html"
    assert ask(server, sideways, Cookie=visitor.cookie).status == 404


def test_another_name_of_this_machine_is_not_answered(server: Server, visitor: Visitor) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example:80", "localhost.evil.example"):
        answer = ask(server, f"{visitor.path}index.html", Cookie=visitor.cookie, Host=host)
        assert answer.status == 403
    port = urlsplit(server.base).port
    allowed = ask(
        server, f"{visitor.path}index.html", Cookie=visitor.cookie, Host=f"localhost:{port}"
    )
    assert allowed.status == 200


def handshake(server: Server, visitor: Visitor, **headers: str) -> int:
    """Status of asking for a web socket; 101 is yes."""
    asked = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
        **headers,
    }
    place = urlsplit(server.base)
    lines = [f"GET {visitor.path}live HTTP/1.1", f"Host: {place.netloc}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in asked.items()]
    with socket.create_connection((str(place.hostname), int(place.port or 0)), 20) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return int(connection.recv(1000).split()[1])


def test_a_web_socket_is_for_the_page_itself(
    server: Server, visitor: Visitor, other: Visitor
) -> None:
    own = {"Origin": server.base, "Cookie": visitor.cookie}
    assert handshake(server, visitor, **{**own, "Origin": "http://evil.example"}) == 403
    assert handshake(server, visitor, **{**own, "Origin": "null"}) == 403
    assert handshake(server, visitor, Cookie=visitor.cookie) == 403
    assert handshake(server, visitor, **{**own, "Cookie": other.cookie}) == 403
    assert handshake(server, visitor, **own) == 101


def upload(server: Server, visitor: Visitor, name: str, body: bytes, **headers: str) -> Answer:
    """As the page does."""
    given = {"X_Masam": "1", "Origin": server.base, "Cookie": visitor.cookie, **headers}
    return ask(server, f"{visitor.path}upload?name={quote(name)}", "POST", body, **given)


def tabFolders(server: Server) -> set[Path]:
    """Of all tabs of a server."""
    return set(server.folder.glob("masam-tab-*"))


@pytest.mark.parametrize(
    "name",
    [
        "../../../evil.nii.gz",
        "/etc/evil.nrrd",
        "..\\..\\evil.mha",
        "a/../../evil.zip",
        "evil\0.nii",
    ],
)
def test_the_name_of_an_upload_leads_nowhere(server: Server, visitor: Visitor, name: str) -> None:
    answer = upload(server, visitor, name, b"content")
    assert answer.status == 200
    batch = answer.body.decode()
    assert re.fullmatch("[0-9a-f]{16}", batch)
    (folder,) = [
        f / "uploads" / batch for f in tabFolders(server) if (f / "uploads" / batch).exists()
    ]
    (file,) = folder.iterdir()
    assert re.fullmatch(r"0(\.\w+)*", file.name)
    assert file.read_bytes() == b"content"
    evil = [p for p in (*Path("/etc").glob("*evil*"), *folder.parents[2].glob("*evil*"))]
    assert evil == []


def test_an_upload_that_is_too_large_is_refused_and_not_kept(
    server: Server, visitor: Visitor
) -> None:
    before = {path for folder in tabFolders(server) for path in folder.rglob("uploads/*/*")}
    declared = upload(server, visitor, "large.nrrd", b"\0" * (UPLOAD_LIMIT + 1))
    assert declared.status == 413
    assert b"0.02 GB" in declared.body

    def endless() -> Any:
        for _ in range(UPLOAD_LIMIT // 1_000_000 + 5):
            yield b"\0" * 1_000_000

    try:
        chunked = upload(server, visitor, "large.nrrd", endless())  # type: ignore[arg-type]
        assert chunked.status == 413
    except (BrokenPipeError, ConnectionResetError):
        pass  # the server has hung up on it
    after = {path for folder in tabFolders(server) for path in folder.rglob("uploads/*/*")}
    assert [path for path in after - before if path.stat().st_size > 1000] == []


def test_an_upload_comes_from_the_page(server: Server, visitor: Visitor, other: Visitor) -> None:
    assert upload(server, visitor, "a.nii", b"x", X_Masam="").status == 403
    assert upload(server, visitor, "a.nii", b"x", Origin="http://evil.example").status == 403
    assert upload(server, visitor, "a.nii", b"x", Cookie=other.cookie).status == 403
    batch = upload(server, other, "a.nii", b"x").body.decode()
    joined = ask(
        server,
        f"{visitor.path}upload?name=b.nii&batch={batch}",
        "POST",
        b"x",
        X_Masam="1",
        Origin=server.base,
        Cookie=visitor.cookie,
    )
    assert joined.status == 404


@pytest.mark.parametrize(
    "path",
    [
        "results/../image1.nrrd",
        "results/..%2f..%2fetc%2fpasswd",
        "results/%2e%2e%2fuploads",
        "results/",
        "..%2f..%2f..%2fetc%2fpasswd",
        "page/../../tab/tab.py",
        "page/..%2ftab/tab.py",
        "page/..%2f..%2f__init__.py",
        "page/fetch_niivue.py",
        "page/%2fetc%2fpasswd",
        "page/",
        "thumbnail/..%2f..%2fx.png",
    ],
)
def test_only_saved_files_can_be_fetched(server: Server, visitor: Visitor, path: str) -> None:
    answer = ask(server, f"{visitor.path}{path}", Cookie=visitor.cookie)
    assert answer.status in (403, 404)
    assert b"root:" not in answer.body
    assert b"class Tab" not in answer.body


def listening(pid: int) -> list[int]:
    """Ports on which a process listens."""
    inodes = set()
    for entry in (Path("/proc") / str(pid) / "fd").iterdir():
        try:
            found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(entry))
        except OSError:
            continue
        if found:
            inodes.add(found[1])
    ports = []
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and fields[9] in inodes:
            ports.append(int(fields[1].split(":")[1], 16))
    return ports


def tabsOf(pid: int) -> list[int]:
    """The processes of the tabs of a front process: its own children.

    What a tab has just forked bears the tab's command line for a moment, until its own is there.
    """
    found = childrenOf(pid).items()
    return [number for number, words in found if "masam_workbench.tab" in words]


def test_other_users_of_the_machine_can_not_pass_by_the_front(
    server: Server, visitor: Visitor
) -> None:
    ports = [port for pid in tabsOf(server.process.pid) for port in listening(pid)]
    assert ports
    for port in ports:
        for path in ("/index.html", "/results/x", "/live", "/image/x.nii.gz"):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request("GET", path)
            assert connection.getresponse().status == 403
            connection.close()


def test_it_listens_on_loopback_alone(server: Server) -> None:
    place = urlsplit(server.base)
    assert place.hostname == "127.0.0.1"
    listed = subprocess.run(
        ["cat", "/proc/net/tcp", "/proc/net/tcp6"], capture_output=True, text=True, check=False
    ).stdout.splitlines()
    ports = {place.port, *(p for c in tabsOf(server.process.pid) for p in listening(c))}
    addresses = {
        fields[1].split(":")[0]
        for fields in map(str.split, listed)
        if len(fields) > 3 and fields[3] == "0A" and int(fields[1].split(":")[1], 16) in ports
    }
    assert addresses == {"0100007F"}  # 127.0.0.1


def test_two_tabs_have_a_scene_each(server: Server) -> None:
    async def play() -> None:
        async with Page(server.address) as first, Page(server.address) as second:
            await first.open("sarcoma_mr")
            assert second.state["image"] is None
            ct = await second.open("sarcoma_ct")
            box = ([0, 0, 0], [[1, 0, 0], [0, 1, 0], [0, 0, 1]], [50, 50, 50])
            await first.done("newBox", *box)
            await first.until(lambda s: len(s["lesions"]) == 1)
            assert first.state["image"]["name"] == "SarcomaMR"
            assert (second.state["image"]["name"], second.state["lesions"]) == ("SarcomaCT", [])
            # Another browser that has got hold of the address sees nothing.
            for path in ("index.html", "live", ct["url"]):
                assert ask(server, urlsplit(second.base + path).path).status == 403
            # Nor does one tab's browser see another's image.
            (cookie,) = first.client.cookie_jar.filter_cookies(first.base).values()  # type: ignore[arg-type]
            given = f"masam={cookie.value}"
            path = urlsplit(second.base + ct["url"]).path
            assert ask(server, path, Cookie=given).status == 403

    asyncio.run(play())


def test_each_tab_opens_the_image_of_the_command_line(sample_data: Path) -> None:
    own = startServer(str(sample_data / "sarcoma_ct" / "image.nii.gz"), *WITHOUT_MODEL)

    async def play() -> None:
        async with Page(own.address) as page:
            await page.until(lambda s: s["image"] and s["image"]["name"] == "image.nii.gz")

    try:
        asyncio.run(play())
    finally:
        own.stop()
    assert own.process.returncode == 0


def test_all_ends_with_the_front_process() -> None:
    requireWorkbench()
    own = startServer()
    visit(own)
    (folder,) = tabFolders(own)
    (tab,) = tabsOf(own.process.pid)
    deadline = time.monotonic() + 60
    worker: list[int] = []
    while not worker and time.monotonic() < deadline:
        words = processesBelow(own.process.pid).items()
        worker = [pid for pid, line in words if "masam_core.worker" in line]
        time.sleep(0.05)
    os.kill(worker[0], signal.SIGSTOP)  # as one that hangs: it does not hear its input end
    own.process.kill()  # not even asked
    own.process.wait(10)
    left = [folder, Path(f"/proc/{tab}"), Path(f"/proc/{worker[0]}")]
    while any(path.exists() for path in left) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [path for path in left if path.exists()] == []
