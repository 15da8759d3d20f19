"""Frames to a worker: bytes and fields made wrong; it must go on listening and answer what is good.

The process is the real server with a model that is quick. Each injection ends with a ``hello``, to
which an answer must come.
"""

from __future__ import annotations

import atexit
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
from hypothesis import strategies as st

from masam_core.errors import MasamError
from masam_core.worker.protocol import HEADER, MARKER, PROTOCOL, Decoder, ProtocolError, encode
from Testing.fuzz.injection import Injection, Kind, Place
from Testing.fuzz.mutate import NUMBERS, changed, damaged, odd_values, odd_words
from Testing.fuzz.oracle import HANG, Wrong

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 20.0
END = 1 << 40  # id of the first hello behind an injection
MOST_HELLOS = 4000  # a frame that claims more than is there swallows some
BITS = np.packbits(np.ones(8, bool)).tobytes()
VOLUME = {
    "hash": "h",
    "shape": [4, 5, 6],
    "dtype": "<i2",
    "ijk_to_lps": np.eye(4).ravel().tolist(),
    "modality": "CT",
    "name": "scan",
}
BOX = {"id": "b", "name": "one", "corners_ijk": [float(n) for n in range(24)]}
MESSAGES: tuple[dict[str, Any], ...] = (
    {"type": "hello", "protocol": PROTOCOL},
    {"type": "models"},
    {"type": "load_model", "model": "quick", "base": None, "device": "cpu"},
    {"type": "put_volume", **VOLUME},
    {"type": "volume_part", "hash": "h", "offset": 0, "data": bytes(240)},
    {"type": "segment", "volume": "h", "boxes": [BOX], "options": {"quality": "fast"}},
    {"type": "measure", "volume": "h", "mask": {"shape": [2, 2, 2], "offset": [0, 0, 0],
                                               "bits": b"x"}, "slice_axis": None},
    {"type": "verify_model", "name": "unknown"},
    {"type": "cancel", "target": 1},
    {"type": "release", "what": "cache"},
    {"type": "release", "what": "volumes"},
)  # fmt: skip
PLAIN = tuple(m for m in MESSAGES if m["type"] not in ("volume_part", "measure"))


@st.composite
def conversations(draw: st.DrawFn) -> Injection:
    """A few frames, of which some are no messages, no frames, or lie about their length."""
    frames = []
    for number in range(draw(st.integers(1, 4))):
        message: Any = dict(draw(st.sampled_from(MESSAGES)), id=number)
        if draw(st.booleans()):
            message = draw(changed(dict(draw(st.sampled_from(PLAIN)), id=number)))
        if isinstance(message, dict) and draw(st.integers(0, 5)) == 0:
            message[draw(odd_words())] = draw(odd_values())
        frames.append(draw(_frame(message)))
    return Injection({"frames": b"".join(frames)}, "frames")


@st.composite
def _frame(draw: st.DrawFn, message: Any) -> bytes:
    try:
        body = msgpack.packb(message, use_bin_type=True, unicode_errors="surrogatepass")
    except (TypeError, ValueError, OverflowError):
        body = b"\x81\xa4type\xa5hello"
    way = draw(st.integers(0, 7))
    if way == 0:
        body = draw(damaged(body))
    length = len(body)
    if way == 1:
        length = draw(st.sampled_from(NUMBERS)) % (1 << 12) if draw(st.booleans()) else length + 9
    elif way == 2:
        length = draw(st.sampled_from((1 << 31, (1 << 32) - 1)))
    frame = HEADER.pack(MARKER, length) + body
    if way == 3:
        frame = draw(damaged(frame))
    return draw(st.sampled_from((b"", b"", b"MSA", b"garbage"))) + frame


class _Worker:
    """The process, and what it has said."""

    def __init__(self) -> None:
        self.log = tempfile.TemporaryFile()  # noqa: SIM115  (as long as the process)
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "Testing.fuzz.quick_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env={**os.environ, "PYTHONPATH": path, "MASAM_LOG": "ERROR"},
        )
        self.answers: queue.Queue[Any] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        decoder = Decoder()
        assert self.process.stdout is not None
        while data := os.read(self.process.stdout.fileno(), 1 << 16):
            for message in decoder.feed(data):
                self.answers.put(message)
        self.answers.put(None)

    def send(self, data: bytes) -> None:
        """Write bytes; it may have ended."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(data)
            self.process.stdin.flush()
        except OSError:
            return

    def end(self) -> str:
        """End it; what it has logged."""
        self.process.kill()
        self.process.wait()
        self.log.seek(0)
        return self.log.read().decode("utf-8", "replace")


_running: list[_Worker] = []


def _end_all() -> None:
    for worker in _running:
        worker.end()


atexit.register(_end_all)


def converse(_place: Place, injection: Injection) -> Any:
    """Send the frames, and a hello; read to the answer to it."""
    if not _running:
        _running.append(_Worker())
    worker = _running[0]
    _compare_pieces(injection.files["frames"])
    worker.send(injection.files["frames"])
    refused = _to_the_end(worker)
    if refused is not None:
        raise MasamError(refused)
    return None


def _to_the_end(worker: _Worker) -> str | None:
    """Ask until there is an answer to the last question; a refusal that came before it."""
    asked, ends, refused = END - 1, time.monotonic() + SECONDS, None
    while True:
        # The first may have to wait for work; the others fill up a frame that was cut.
        for _ in range(1 if asked < END else 20 if asked < END + MOST_HELLOS else 0):
            asked += 1
            worker.send(encode({"type": "hello", "id": asked, "protocol": PROTOCOL}))
        try:
            answer = worker.answers.get(timeout=0.2)
        except queue.Empty:
            if time.monotonic() < ends:
                continue
            _running.clear()
            raise Wrong(f"{HANG}: no answer any more\n{worker.end()[-2000:]}") from None
        if answer is None:
            _running.clear()
            raise Wrong(f"the worker has ended\n{worker.end()[-2000:]}")
        refused = _refusal(answer) or refused
        if answer["id"] == asked:
            return refused


def _refusal(answer: Any) -> str | None:
    if isinstance(answer, ProtocolError):
        raise Wrong(f"the worker sent what is no message: {answer}")
    if answer["type"] == "error" and answer["code"] == "internal":
        raise MasamError(f"Something unforeseen: {answer['message']}")
    return answer["message"] if answer["type"] == "error" else None


def _compare_pieces(data: bytes) -> None:
    """The same messages come of the same bytes, in however many pieces they come."""
    whole, pieces = Decoder(), Decoder()
    once = [m for m in whole.feed(data) if not isinstance(m, ProtocolError)]
    bit = [m for at in range(0, len(data), 7) for m in pieces.feed(data[at : at + 7])]
    bit = [m for m in bit if not isinstance(m, ProtocolError)]
    if json.dumps(once, default=repr) != json.dumps(bit, default=repr):
        raise Wrong("the messages depend on the pieces in which the bytes come")


KINDS = (Kind("frames", conversations(), converse, names_target=False, seconds=60.0, cost=2.0),)
