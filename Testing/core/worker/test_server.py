"""The worker as a process: what it survives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from masam_core.errors import Cancelled
from masam_core.worker.client import Ask, Steps, WorkerError, split_command
from masam_core.worker.protocol import PROTOCOL, Decoder, Message, ProtocolError, encode
from masam_core.worker.server import Server
from masam_core.worker.steps import ask_steps
from masam_core.worker.subprocess_transport import BlockingWorker
from Testing.core.worker.conftest import ROOT, Start

SECONDS = 60.0  # longest wait for anything; reached only when something is broken


def raw_worker(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *(arguments or ("-m", "masam_core.worker"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        bufsize=0,
    )


def answers(process: subprocess.Popen[bytes], count: int) -> list[dict[str, object]]:
    decoder, out = Decoder(), []
    assert process.stdout is not None
    while len(out) < count:
        data = process.stdout.read(65536)
        assert data, "the worker ended"
        out += decoder.feed(data)
    assert not any(isinstance(m, ProtocolError) for m in out)
    return out  # type: ignore[return-value]


def hello(worker: BlockingWorker) -> Message:
    """What the worker answers to its first request."""
    return worker.run(ask_steps("hello", protocol=PROTOCOL), seconds=SECONDS)


def test_garbage_is_answered_with_an_error_and_work_goes_on() -> None:
    process = raw_worker()
    assert process.stdin is not None
    process.stdin.write(b"GET / HTTP/1.1\r\n\r\n" + encode({"type": "hello"}))
    process.stdin.write(encode({"type": "hello", "id": 5, "protocol": PROTOCOL}))
    first, second, third = answers(process, 3)
    assert (first["id"], first["code"]) == (None, "bad_frame")
    assert (second["id"], second["code"]) == (None, "bad_request")
    assert (third["type"], third["id"], third["protocol"]) == ("ok", 5, PROTOCOL)
    process.stdin.close()
    assert process.wait(SECONDS) == 0


def test_another_protocol_version_is_refused_in_words() -> None:
    process = raw_worker()
    assert process.stdin is not None
    process.stdin.write(encode({"type": "hello", "id": 1, "protocol": 99}))
    (answer,) = answers(process, 1)
    assert answer["code"] == "version"
    assert "same version of MASAM" in str(answer["message"])
    process.kill()
    process.wait()


def test_it_ends_when_its_parent_dies(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import subprocess, sys, time\n"
        "p = subprocess.Popen([sys.executable, '-m', 'masam_core.worker'], "
        "stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "print(p.pid, flush=True); time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    parent.wait()
    deadline = time.monotonic() + SECONDS
    while alive(child):
        assert time.monotonic() < deadline, "the worker outlived its parent"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_what_libraries_print_never_gets_between_frames(start_worker: Start) -> None:
    worker = start_worker(stand_in=True)
    worker.run(ask_steps("chatter"), seconds=SECONDS)
    assert hello(worker)["protocol"] == PROTOCOL
    worker.pump(0.2)
    log = "\n".join(worker.client.log)
    for words in ("a library says hello", "and so does C code", "a child, too"):
        assert words in log
    assert "not understood" not in log


@pytest.mark.parametrize("how", ["python", "torch"])
def test_out_of_memory_is_an_error_not_an_end(start_worker: Start, how: str) -> None:
    worker = start_worker(stand_in=True)
    with pytest.raises(WorkerError, match="memory is not enough") as caught:
        worker.run(ask_steps("fill_memory", how=how), seconds=SECONDS)
    assert caught.value.code == "memory"
    pid = worker.run(ask_steps("hello", protocol=PROTOCOL), seconds=SECONDS)["pid"]
    assert worker.client.hello is not None
    assert worker.client.hello["pid"] == pid


def test_a_bug_is_reported_and_the_worker_goes_on(start_worker: Start) -> None:
    worker = start_worker(stand_in=True)
    with pytest.raises(WorkerError, match="unforeseen") as caught:
        worker.run(ask_steps("bug"), seconds=SECONDS)
    assert caught.value.code == "internal"
    assert hello(worker)["protocol"] == PROTOCOL


def test_cancel_is_heard_while_it_works(start_worker: Start) -> None:
    worker = start_worker(stand_in=True)
    seen: list[object] = []
    with pytest.raises(Cancelled):
        worker.run(ask_steps("wait"), seen.append, cancelled=lambda: bool(seen), seconds=SECONDS)
    before = time.monotonic()
    worker.run(ask_steps("hello", protocol=PROTOCOL), seconds=SECONDS)
    assert time.monotonic() - before < 3.0  # of the four seconds that the whole would take


@pytest.mark.parametrize("kind", ["too_much", "no_message"])
def test_an_answer_that_cannot_be_sent_is_an_error_and_the_worker_goes_on(
    start_worker: Start, kind: str
) -> None:
    worker = start_worker(stand_in=True)
    pid = worker.run(ask_steps("hello", protocol=PROTOCOL), seconds=SECONDS)["pid"]
    with pytest.raises(WorkerError, match="answer can't be sent") as caught:
        worker.run(ask_steps(kind), seconds=SECONDS)
    assert caught.value.code == "too_large"
    assert worker.run(ask_steps("hello", protocol=PROTOCOL), seconds=SECONDS)["pid"] == pid


@pytest.mark.parametrize("target", [[1], {"a": 1}, None, "1", True, 1.5, b"x"])
def test_a_cancel_of_nothing_does_not_end_the_listening(target: object) -> None:
    sent: list[dict[str, object]] = []
    server = Server(SimpleNamespace(send=sent.append))  # type: ignore[arg-type]
    server._take({"type": "cancel", "id": 1, "target": target})
    assert (sent[0]["id"], sent[0]["code"]) == (1, "bad_request")
    server._take({"type": "cancel", "id": 2, "target": 7})
    assert sent[1] == {"type": "ok", "id": 2, "found": False}


def test_a_number_that_is_used_twice_is_answered_twice_and_cancelled_twice() -> None:
    sent: list[dict[str, object]] = []
    server = Server(SimpleNamespace(send=sent.append))  # type: ignore[arg-type]
    for number in (7, 7, 2**64 - 1):
        server._take({"type": "devices", "id": number})
    for target in (7, 2**64 - 1):
        server._take({"type": "cancel", "id": 1, "target": target})
        assert sent.pop()["found"] is True
    for _ in range(3):
        server._serve(server._waiting.get())
    assert [(a["id"], a["code"]) for a in sent] == [
        (7, "cancelled"),
        (7, "cancelled"),
        (2**64 - 1, "cancelled"),
    ]
    assert not server._open
    assert not server._cancelled


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="Windows stops no process.")
def test_a_worker_that_stops_while_a_volume_is_sent_holds_nobody_up(
    start_worker: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("masam_core.worker.client.GRACE_SECONDS", 0.2)
    monkeypatch.setattr("masam_core.worker.subprocess_transport.KILL_AFTER_SECONDS", 0.2)
    worker = start_worker(stand_in=True)
    pid = worker.run(ask_steps("hello", protocol=PROTOCOL), seconds=SECONDS)["pid"]
    os.kill(pid, signal.SIGSTOP)
    part = bytes(8 << 20)  # far more than a pipe holds
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        worker.run(ask_steps("volume_part", hash="x", offset=0, data=part), seconds=0.3)
    assert worker.run(ask_steps("hello", protocol=PROTOCOL), seconds=SECONDS)["pid"] != pid
    assert time.monotonic() - began < SECONDS
    deadline = time.monotonic() + SECONDS
    while alive(pid):
        assert time.monotonic() < deadline
        worker.pump(0.05)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="Windows stops no process.")
def test_closing_ends_a_worker_that_has_stopped_in_the_middle_of_a_volume(
    start_worker: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("masam_core.worker.subprocess_transport.KILL_AFTER_SECONDS", 0.2)
    worker = start_worker(stand_in=True)
    pid = worker.run(ask_steps("hello", protocol=PROTOCOL), seconds=SECONDS)["pid"]
    os.kill(pid, signal.SIGSTOP)
    part = bytes(8 << 20)
    with pytest.raises(Cancelled):
        worker.run(ask_steps("volume_part", hash="x", offset=0, data=part), cancelled=lambda: True)
    worker.close()
    assert not alive(pid)


def test_an_answer_without_its_fields_is_an_error_in_words(start_worker: Start) -> None:
    worker = start_worker(stand_in=True)

    def steps() -> Steps:
        return (yield Ask("odd_answer"))["known"]

    heard: list[object] = []
    with pytest.raises(WorkerError, match=r"can't be understood \(KeyError: 'known'\)"):
        worker.run(steps(), heard.append, seconds=SECONDS)
    assert heard == []  # a progress without a fraction, a lesion without a box
    assert "[not understood] a message of type 'progress'" in worker.client.log


def test_whatever_a_message_brings_the_next_one_is_heard() -> None:
    process = raw_worker()
    assert process.stdin is not None
    for target in ([1], {"a": [2]}):
        process.stdin.write(encode({"type": "cancel", "id": 4, "target": target}))
    process.stdin.write(encode({"type": "hello", "id": 5, "protocol": PROTOCOL}))
    assert [a["id"] for a in answers(process, 3)] == [4, 4, 5]
    process.stdin.close()
    assert process.wait(SECONDS) == 0


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="Windows stops no process.")
def test_a_request_after_the_cancel_of_a_stopped_worker_is_answered_by_another(
    start_worker: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("masam_core.worker.client.GRACE_SECONDS", 0.5)
    worker = start_worker(stand_in=True)
    pid = worker.run(ask_steps("hello", protocol=PROTOCOL), seconds=SECONDS)["pid"]
    seen: list[object] = []

    def stop(message: object) -> None:
        if not seen:
            os.kill(pid, signal.SIGSTOP)
        seen.append(message)

    with pytest.raises(Cancelled):
        worker.run(ask_steps("wait"), stop, cancelled=lambda: bool(seen), seconds=SECONDS)
    # At once, within the grace: it is sent to the worker that is stopped, and waits.
    assert worker.run(ask_steps("hello", protocol=PROTOCOL), seconds=SECONDS)["pid"] != pid
    assert "[restarted] It did not stop when it was told to." in worker.client.log


def test_a_dead_worker_is_reported_and_the_next_request_starts_another(start_worker: Start) -> None:
    worker = start_worker(stand_in=True)
    first = worker.run(ask_steps("hello", protocol=PROTOCOL), seconds=SECONDS)["pid"]
    with pytest.raises(WorkerError, match=r"ended unexpectedly \(exit code 9\)") as caught:
        worker.run(ask_steps("crash"), seconds=SECONDS)
    assert caught.value.code == "died"
    assert worker.run(ask_steps("hello", protocol=PROTOCOL), seconds=SECONDS)["pid"] != first


def test_a_worker_that_does_not_stop_is_replaced(
    start_worker: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("masam_core.worker.client.GRACE_SECONDS", 0.0)
    worker = start_worker(stand_in=True)
    first = worker.run(ask_steps("hello", protocol=PROTOCOL), seconds=SECONDS)["pid"]
    with pytest.raises(Cancelled):
        worker.run(ask_steps("hang"), cancelled=lambda: True, seconds=SECONDS)
    time.sleep(0.01)
    assert worker.run(ask_steps("hello", protocol=PROTOCOL), seconds=SECONDS)["pid"] != first


def test_a_program_that_is_not_there_is_an_error_in_words() -> None:
    worker = BlockingWorker(["no-such-python-here", "-m", "masam_core.worker"])
    with pytest.raises(WorkerError, match="could not be started") as caught:
        worker.run(ask_steps("devices"), seconds=SECONDS)
    assert caught.value.code == "start"
    assert not worker.client.running


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ssh gpu python -m masam_core.worker", 5),
        ("'/opt/my python/bin/python' -m masam_core.worker", 3),
    ],
)
def test_a_command_as_typed_is_split_into_words(text: str, words: int) -> None:
    assert len(split_command(text)) == words


@pytest.mark.parametrize("text", ["", "  ", "'unfinished"])
def test_a_command_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(WorkerError, match="worker command"):
        split_command(text)


def test_shutdown_ends_it_with_an_answer() -> None:
    process = raw_worker()
    assert process.stdin is not None
    process.stdin.write(encode({"type": "shutdown", "id": 3}))
    assert answers(process, 1) == [{"type": "ok", "id": 3}]
    assert process.wait(SECONDS) == 0


def test_a_task_can_recover_from_an_error(start_worker: Start) -> None:
    def steps() -> Steps:
        try:
            yield Ask("no such request")
        except WorkerError as error:
            return error.code, (yield Ask("hello", {"protocol": PROTOCOL}))["protocol"]

    assert start_worker().run(steps(), seconds=SECONDS) == ("unknown_request", PROTOCOL)
