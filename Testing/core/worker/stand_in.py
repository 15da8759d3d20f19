"""The real server with requests that misbehave on command: run by the tests as a process."""

from __future__ import annotations

import os
import time
from typing import Any

from masam_core.errors import Cancelled
from masam_core.worker.protocol import MAX_BODY
from masam_core.worker.requests import Requests
from masam_core.worker.server import serve


class Misbehaving(Requests):
    """Adds requests that a healthy worker does not have."""

    def __init__(self) -> None:
        super().__init__()
        self._known |= {
            "chatter": self._chatter,
            "odd_answer": self._odd_answer,
            "wait": self._wait,
            "fill_memory": self._fill_memory,
            "crash": lambda *_: os._exit(9),
            "hang": lambda *_: time.sleep(60) or {},
            "bug": lambda *_: {}[1],
            "too_much": lambda *_: {"data": bytes(MAX_BODY)},
            "no_message": lambda *_: {"data": object()},
        }

    def _chatter(self, *_: Any) -> dict[str, Any]:
        print("a library says hello")
        os.write(1, b"and so does C code\n")
        os.system("echo a child, too")
        return {}

    def _odd_answer(self, _message: Any, send: Any, *_: Any) -> dict[str, Any]:
        for odd in ({"type": "progress"}, {"type": "lesion"}, {"type": "news", "text": "?"}):
            send(odd)
        return {}

    def _wait(self, message: Any, send: Any, cancelled: Any) -> dict[str, Any]:
        for step in range(200):
            if cancelled():
                raise Cancelled("Stopped.")
            send({"type": "progress", "fraction": step / 200, "text": "waiting"})
            time.sleep(0.02)
        return {}

    def _fill_memory(self, message: Any, *_: Any) -> dict[str, Any]:
        if message.get("how") == "torch":
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you ...")
        raise MemoryError


if __name__ == "__main__":
    serve(Misbehaving())
