"""What goes wrong between us and a PACS, and how it is told."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseServer
from typing import Any

import certifi
import pydicom
import pytest
from pydicom import Dataset
from pynetdicom import AE, evt
from pynetdicom.transport import ThreadedAssociationServer

from masam_core.errors import PacsError
from masam_core.pacs.dimse import FIND, GET, VERIFICATION
from masam_core.pacs.fetching import fetch_series
from masam_core.pacs.opening import open_pacs
from masam_core.pacs.pacs import Pacs, Way
from masam_core.pacs.records import Query
from masam_core.pacs.settings import read_settings

from ..image.formats.dicom.making import CT
from .conftest import write_study
from .orthanc import Orthanc, free_port

STUDY, SERIES = "1.2.826.0.1.1", "1.2.826.0.1.1.1"
TOKEN = "s3cret-t0ken"


def made(path: Path, timeout: float = 3, **values: Any) -> Path:
    path.write_text(json.dumps({"timeout_s": timeout, **values}), "utf-8")
    path.chmod(0o600)
    return path


def web(tmp_path: Path, url: str, **more: Any) -> Pacs:
    path = made(tmp_path / "pacs.json", dicomweb={"url": url, "token": TOKEN, **more})
    return open_pacs(read_settings(path), Way.DICOMWEB)


def dimse(tmp_path: Path, port: int, timeout: float = 3, **more: Any) -> Pacs:
    entry = {"host": "127.0.0.1", "port": port, "ae_title": "ORTHANC", **more}
    return open_pacs(read_settings(made(tmp_path / "pacs.json", timeout, dimse=entry)), Way.DIMSE)


def serve(made_server: BaseServer) -> None:
    """Have a server answer in a thread; it ends as soon as it is told to."""
    wait = {"poll_interval": 0.01}
    threading.Thread(target=made_server.serve_forever, kwargs=wait, daemon=True).start()


Answer = tuple[int, str, bytes]


@contextmanager
def server(
    answer: Callable[[str], Answer], certificate: tuple[Path, Path] | None = None
) -> Iterator[tuple[str, list[str]]]:
    """An HTTP server, encrypted where it has a certificate and a key.

    Yields its address, and the Authorization headers that it was sent.
    """
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self.rfile.read(length)
            seen.append(self.headers.get("Authorization", ""))
            code, kind, body = answer(self.path)
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    made_server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
        made_server.socket = context.wrap_socket(made_server.socket, server_side=True)
    serve(made_server)
    try:
        yield f"http{'s' if certificate else ''}://127.0.0.1:{made_server.server_port}/web", seen
    finally:
        made_server.shutdown()
        made_server.server_close()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (401, "the token or the password is wrong"),
        (403, "does not allow"),
        (404, "has nothing at this address"),
        (500, "can't do it now"),
        (503, "can't do it now"),
        (418, "refused"),
    ],
)
def test_answers_of_http_are_told_in_words(tmp_path: Path, code: int, words: str) -> None:
    with server(lambda _path: (code, "text/html", b"<html>")) as (url, seen):
        with pytest.raises(PacsError, match=words) as caught:
            web(tmp_path, url).find(Query(patient="P"))
        assert seen == [f"Bearer {TOKEN}"]
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("body", [b"<html>Log in</html>", b"{}", b'[{"0020000D": 3}]', b"[1]"])
def test_what_is_no_dicomweb_is_told(tmp_path: Path, body: bytes) -> None:
    with (
        server(lambda _path: (200, "application/dicom+json", body)) as (url, _),
        pytest.raises(PacsError, match="no DICOM"),
    ):
        web(tmp_path, url).find(Query(patient="P"))


def test_a_user_and_a_password_are_sent(tmp_path: Path) -> None:
    with server(lambda _path: (200, "application/dicom+json", b"[]")) as (url, seen):
        web(tmp_path, url, token="", user="me", password="pä").check()
    assert seen[0].startswith("Basic ")


def test_nobody_there_and_no_such_machine_are_told(tmp_path: Path) -> None:
    port = free_port()
    for pacs in (web(tmp_path, f"http://127.0.0.1:{port}/x"), dimse(tmp_path, port)):
        with pytest.raises(PacsError, match="nobody answers there"):
            pacs.check()
    for pacs in (
        web(tmp_path, "http://pacs.invalid/x"),
        dimse(tmp_path, 104, host="pacs.invalid"),
    ):
        with pytest.raises(PacsError, match="no machine of this name"):
            pacs.check()


def test_one_that_never_answers_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        path = made(tmp_path / "p.json", 0.5, dicomweb={"url": f"http://127.0.0.1:{port}/x"})
        with pytest.raises(PacsError, match=r"did not answer within 0\.5 s"):
            open_pacs(read_settings(path)).check()
        with pytest.raises(PacsError, match="not as a PACS does"):
            dimse(tmp_path, port, 0.5).check()


def test_a_port_of_something_else_is_told(tmp_path: Path) -> None:
    with server(lambda _path: (200, "text/html", b"")) as (url, _):
        port = int(url.rpartition(":")[2].partition("/")[0])
        with pytest.raises(PacsError, match="not as a PACS does"):
            dimse(tmp_path, port, 1).check()


def test_a_wrong_title_of_the_pacs_is_told(orthanc: Orthanc, tmp_path: Path) -> None:
    with pytest.raises(PacsError, match=r"Check 'dimse\.ae_title'"):
        dimse(tmp_path, orthanc.dicom, ae_title="OTHER").check()


@contextmanager
def scp(kinds: list[str], handlers: list[Any], **options: Any) -> Iterator[int]:
    """A PACS that does what the handlers say; its port."""
    entity = AE("ORTHANC")
    for kind in kinds:
        entity.add_supported_context(kind, scu_role=True, scp_role=True)
    for name, value in options.items():
        setattr(entity, name, value)
    running = entity.make_server(
        ("127.0.0.1", 0),
        contexts=entity.supported_contexts,
        evt_handlers=handlers,
        server_class=ThreadedAssociationServer,
    )
    entity._servers.append(running)  # from which it takes itself at the end
    serve(running)
    try:
        yield running.server_address[1]
    finally:
        running.shutdown()


def test_a_title_of_ours_that_is_not_known_is_told(tmp_path: Path) -> None:
    with (
        scp([VERIFICATION], [], require_calling_aet=["SOMEBODY"]) as port,
        pytest.raises(PacsError, match="does not know the AE title MASAM"),
    ):
        dimse(tmp_path, port).check()


def test_a_pacs_without_a_search_is_told(tmp_path: Path) -> None:
    with (
        scp([VERIFICATION], []) as port,
        pytest.raises(PacsError, match="does not offer"),
    ):
        dimse(tmp_path, port).find(Query(patient="P"))


@pytest.mark.parametrize(
    ("status", "words"),
    [(0xA700, "ran out of room"), (0xC001, "can't understand"), (0x0124, "does not allow this")],
)
def test_a_search_that_breaks_off_is_no_result(tmp_path: Path, status: int, words: str) -> None:
    def find(_event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        one = Dataset()
        one.StudyInstanceUID = STUDY
        one.QueryRetrieveLevel = "STUDY"
        yield 0xFF00, one
        yield status, None

    with (
        scp([FIND], [(evt.EVT_C_FIND, find)]) as port,
        pytest.raises(PacsError, match=words),
    ):
        dimse(tmp_path, port).find(Query(patient="P"))


def test_a_pacs_that_ends_between_two_questions_is_told(tmp_path: Path) -> None:
    def find(event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        if event.identifier.QueryRetrieveLevel == "SERIES":
            event.assoc.abort()
            return
        for number in (1, 2):
            one = Dataset()
            one.StudyInstanceUID = f"{STUDY}.{number}"
            yield 0xFF00, one

    with (
        scp([FIND], [(evt.EVT_C_FIND, find)]) as port,
        pytest.raises(PacsError, match="connection broke"),
    ):
        dimse(tmp_path, port).find(Query(patient="P"))


@pytest.mark.parametrize("abort", [False, True])
def test_a_fetching_by_halves_keeps_what_came_and_goes_on(tmp_path: Path, abort: bool) -> None:
    write_study(tmp_path / "originals", 1, 5)
    there = {}
    for path in (tmp_path / "originals").iterdir():
        dataset = pydicom.dcmread(path)
        there[dataset.SOPInstanceUID] = dataset
    broken = True

    def find(_event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        for number, uid in enumerate(there):
            one = Dataset()
            one.SOPInstanceUID, one.SOPClassUID, one.InstanceNumber = uid, CT, number
            yield 0xFF00, one

    def get(event: evt.Event) -> Iterator[Any]:
        asked = event.identifier.SOPInstanceUID
        asked = [asked] if isinstance(asked, str) else list(asked)
        yield len(asked)
        for number, uid in enumerate(asked):
            if broken and number == 2:
                if abort:
                    event.assoc.abort()
                    return
                yield 0xA702, None
                return
            yield 0xFF00, there[uid]

    handlers = [(evt.EVT_C_FIND, find), (evt.EVT_C_GET, get)]
    with scp([FIND, GET, CT], handlers) as port:
        pacs = dimse(tmp_path, port)
        with pytest.raises(PacsError, match=r"2 of 5 images|connection broke|ran out of room"):
            fetch_series(pacs, STUDY, SERIES, tmp_path / "here")
        assert not (tmp_path / "here").exists()
        broken = False
        done = fetch_series(pacs, STUDY, SERIES, tmp_path / "here")
    assert (done.images, done.had) == (5, 2)


def test_a_connection_that_breaks_within_an_image_leaves_none(tmp_path: Path) -> None:
    write_study(tmp_path / "originals", 1, 1)
    (path,) = (tmp_path / "originals").iterdir()
    uid = pydicom.dcmread(path).SOPInstanceUID
    listing = {"00080018": {"vr": "UI", "Value": [uid]}, "00080016": {"vr": "UI", "Value": [CT]}}
    head = b"--x\r\nContent-Type: application/dicom\r\n\r\n"
    cut = 0

    def answer(asked: str) -> Answer:
        if asked.rstrip("/").endswith("instances") or "instances?" in asked:
            return 200, "application/dicom+json", json.dumps([listing]).encode()
        data = path.read_bytes()
        body = head + data[: len(data) - cut] + b"\r\n--x--"
        return 200, 'multipart/related; type="application/dicom"; boundary=x', body

    with server(answer) as (url, _):
        for lost in (10, 200, 700, 1100):
            cut = lost
            with pytest.raises(PacsError, match=r"came damaged|no DICOM"):
                fetch_series(web(tmp_path, url), STUDY, SERIES, tmp_path / "here")
            assert not (tmp_path / "here").exists()
        cut = 0
        assert fetch_series(web(tmp_path, url), STUDY, SERIES, tmp_path / "here").images == 1


def test_another_image_than_was_asked_for_is_not_kept(tmp_path: Path) -> None:
    write_study(tmp_path / "originals", 1, 1)
    (path,) = (tmp_path / "originals").iterdir()
    listing = {"00080018": {"vr": "UI", "Value": ["1.2.3.4.5"]}}
    head = b"--x\r\nContent-Type: application/dicom\r\n\r\n"

    def answer(asked: str) -> Answer:
        if "1.2.3.4.5" not in asked:
            return 200, "application/dicom+json", json.dumps([listing]).encode()
        body = head + path.read_bytes() + b"\r\n--x--"
        return 200, 'multipart/related; type="application/dicom"; boundary=x', body

    with (
        server(answer) as (url, _),
        pytest.raises(PacsError, match="another object than was asked for"),
    ):
        fetch_series(web(tmp_path, url), STUDY, SERIES, tmp_path / "here")


def test_an_id_that_is_a_path_is_never_written_to(tmp_path: Path) -> None:
    listing = {"00080018": {"vr": "UI", "Value": ["../../evil"]}}
    body = json.dumps([listing]).encode()
    with (
        server(lambda _path: (200, "application/dicom+json", body)) as (url, _),
        pytest.raises(PacsError, match="no image of this series"),
    ):
        fetch_series(web(tmp_path, url), STUDY, SERIES, tmp_path / "here")


@pytest.mark.parametrize(
    ("status", "kept", "later", "words"),
    [
        (0x0000, True, False, ""),
        (0xB000, True, False, "changed some of the file's tags"),
        (0x0111, True, False, "has a file of this unique id already"),
        (0xA700, False, True, "ran out of room"),
        (0xA900, False, False, "not of the kind"),
        (0x0122, False, False, "does not take files of this kind"),
        (0xC123, False, False, "can't understand"),
        (0x0F0F, False, False, "status 0F0F"),
    ],
)
def test_what_a_pacs_says_of_a_file_is_told(
    tmp_path: Path, status: int, kept: bool, later: bool, words: str
) -> None:
    write_study(tmp_path / "s", 1, 1)
    (path,) = (tmp_path / "s").iterdir()
    with scp([CT], [(evt.EVT_C_STORE, lambda _event: status)]) as port:
        by_dimse = dimse(tmp_path, port).store(path)
    failure = {"00081198": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [status]}}]}}
    success: dict[str, Any] = {"00081199": {"vr": "SQ", "Value": [{}]}}
    if status:
        success["00081199"]["Value"][0]["00081196"] = {"vr": "US", "Value": [status]}
    body = json.dumps(success if kept else failure).encode()
    code = 200 if kept else 409
    with server(lambda _path: (code, "application/dicom+json", body)) as (url, _):
        by_web = web(tmp_path, url).store(path)
    for stored in (by_dimse, by_web):
        assert (stored.kept, stored.worth_another_try) == (kept, later)
        assert words in stored.words


def test_a_kind_that_is_not_taken_is_told(orthanc: Orthanc, tmp_path: Path) -> None:
    write_study(tmp_path / "s", 1, 1, SOPClassUID="1.2.3.4.5.6")
    (path,) = (tmp_path / "s").iterdir()
    dataset = pydicom.dcmread(path)
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.3.4.5.6"
    dataset.save_as(path)
    stored = dimse(tmp_path, orthanc.dicom).store(path)
    assert not stored.kept
    assert "does not take files of this kind" in stored.words


def test_a_pacs_that_is_off_may_take_it_later(tmp_path: Path) -> None:
    write_study(tmp_path / "s", 1, 1)
    (path,) = (tmp_path / "s").iterdir()
    port = free_port()
    for pacs in (web(tmp_path, f"http://127.0.0.1:{port}/x"), dimse(tmp_path, port)):
        stored = pacs.store(path)
        assert (stored.kept, stored.worth_another_try) == (False, True)
        assert "nobody answers there" in stored.words


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate that signs itself, for 127.0.0.1, and its key."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    pem, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 "
        f"-addext subjectAltName=IP:127.0.0.1 -keyout {key} -out {pem}".split(),
        check=True,
        capture_output=True,
    )
    return pem, key


def test_the_certificate_of_dicomweb_is_checked(
    tmp_path: Path, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    pem, _ = certificate
    with server(lambda _path: (200, "application/dicom+json", b"[]"), certificate) as (url, seen):
        with pytest.raises(PacsError, match=r"certificate that can't be trusted.*ca_file"):
            web(tmp_path, url).check()
        # For another name than that of the machine, no authority helps.
        with pytest.raises(PacsError, match="certificate that can't be trusted"):
            web(tmp_path, url.replace("127.0.0.1", "localhost"), ca_file=str(pem)).check()
        assert seen == []
        web(tmp_path, url, ca_file=str(pem)).check()
        web(tmp_path, url, verify_tls=False).check()
        # What the environment trusts does not go before what the settings say.
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
        web(tmp_path, url, ca_file=str(pem)).check()
        with pytest.raises(PacsError, match="certificate that can't be trusted"):
            web(tmp_path, url).check()
        assert len(seen) == 3
        # And nobody speaks in the open to one that is encrypted.
        with pytest.raises(PacsError, match="connection broke"):
            web(tmp_path, url.replace("https", "http")).check()


def test_the_certificate_of_a_pacs_is_checked(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    pem, key = certificate
    (tmp_path / "orthanc").mkdir()
    encrypted = Orthanc(
        tmp_path / "orthanc",
        DicomTlsEnabled=True,
        DicomTlsCertificate=str(pem),
        DicomTlsPrivateKey=str(key),
        DicomTlsTrustedCertificates=str(pem),
        DicomTlsRemoteCertificateRequired=False,
    )
    encrypted.start()
    try:
        with pytest.raises(PacsError, match="certificate that can't be trusted"):
            dimse(tmp_path, encrypted.dicom, tls=True).check()
        dimse(tmp_path, encrypted.dicom, tls=True, ca_file=str(pem)).check()
        with pytest.raises(PacsError, match=r"not as a PACS does.*tls"):
            dimse(tmp_path, encrypted.dicom).check()
    finally:
        encrypted.kill()
