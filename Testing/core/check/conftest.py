"""A worker that answers from a script, inside the test's own process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import masam_core
from masam_core.check.report import Report
from masam_core.check.run import CheckRun, Plan
from masam_core.check.sample import Sample, read_sample
from masam_core.worker.protocol import PROTOCOL, Decoder, Message, encode, error_message, pack_mask

Script = dict[str, Callable[[Message], list[Message]]]


class ScriptedTransport:
    """Answers each request by its type; one whose script is empty is never answered."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[Message] = []
        self.stopped = False
        self.on_output: Callable[[bytes], None] = lambda _: None
        self.on_log: Callable[[bytes], None] = lambda _: None
        self.on_closed: Callable[[int | None], None] = lambda _: None
        self._decoder = Decoder()

    def start(self) -> None:
        """Nothing is started."""

    def write(self, data: bytes) -> None:
        """Take a request; its answers wait for :meth:`pump`."""
        for message in self._decoder.feed(data):
            assert isinstance(message, dict)
            self.asked.append(message)

    def stop(self) -> None:
        """Remember it."""
        self.stopped = True

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        """Never: a script knows no clock."""

    def pump(self) -> bool:
        """Answer one request; False when all are answered."""
        waiting = [m for m in self.asked if not m.get("answered")]
        if not waiting:
            return False
        message = waiting[0]
        message["answered"] = True
        for answer in self.script.get(message["type"], unknown)(message):
            self.on_output(encode({**answer, "id": message["id"]}))
        return True


def ok(**fields: Any) -> Callable[[Message], list[Message]]:
    """Answer with these fields."""
    return lambda _: [{"type": "ok", **fields}]


def refuse(code: str, words: str) -> Callable[[Message], list[Message]]:
    """Answer with an error."""
    return lambda message: [error_message(message["id"], code, words)]


def unknown(message: Message) -> list[Message]:
    """Answer as a worker does that does not know the request."""
    return refuse("unknown_request", f"The worker does not know '{message['type']}'.")(message)


@pytest.fixture(scope="session")
def sample() -> Sample:
    """The bundled sample."""
    return read_sample()


@pytest.fixture
def script(sample: Sample) -> Script:
    """A worker that is well, but for its mask, which is the expert's own."""
    lesion = {
        "type": "lesion",
        "box": "sample",
        "mask": pack_mask(sample.expert, (0, 0, 0)),
        "corners_ijk": sample.box.corners_ijk.reshape(-1).tolist(),
        "confidence": 0.9,
        "measurements": {},
        "messages": [],
    }
    fine = {"state": "ok", "words": "as it should be", "advice": ""}
    return {
        "hello": ok(protocol=PROTOCOL, version=masam_core.__version__, pid=1, host="elsewhere"),
        "check": ok(findings=[{"title": title, **fine} for title in ("PyTorch", "Model file")]),
        "load_model": ok(name="masam", device="cpu", sha256="0" * 64),
        "put_volume": ok(known=True),
        "segment": lambda _: [lesion, {"type": "ok", "seconds": 2.5}],
        "cancel": ok(found=True),
    }


@pytest.fixture
def check(script: Script) -> Callable[..., tuple[Report, ScriptedTransport]]:
    """Run a whole check with the script's worker; the report and the transport."""

    def run(**plan: Any) -> tuple[Report, ScriptedTransport]:
        transport, reports = ScriptedTransport(script), []
        begun = CheckRun(Plan("a test", **plan), lambda: transport, reports.append)
        begun.start()
        while transport.pump():
            pass
        assert begun.finished
        assert len(reports) == 1
        return reports[0], transport

    return run
