"""The worker's loop: one thread listens, one computes."""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections import Counter
from typing import Any

from masam_core.errors import Cancelled, DeviceMemoryError, MasamError
from masam_core.worker.channel import Channel
from masam_core.worker.codes import code_of
from masam_core.worker.protocol import Decoder, Message, ProtocolError, error_message
from masam_core.worker.requests import Requests

log = logging.getLogger("masam.worker")


class Server:
    """Answers requests in order; hears ``cancel`` and the end of its input while computing."""

    def __init__(self, channel: Channel, requests: Requests | None = None) -> None:
        self.channel = channel
        self.requests = requests or Requests()
        self._waiting: queue.Queue[Message] = queue.Queue()
        self._cancelled: set[int] = set()
        # Requests that came and have no final answer yet: a sender may use a number twice.
        self._open: Counter[int] = Counter()
        self._lock = threading.Lock()

    def run(self) -> None:
        """Serve until ``shutdown``; when the asking process goes away, end this one."""
        threading.Thread(target=self._listen, daemon=True).start()
        going = True
        while going:
            going = self._serve(self._waiting.get())

    def _listen(self) -> None:
        decoder = Decoder()
        while True:
            try:
                data = self.channel.read()
            except OSError:
                data = b""
            if not data:
                # Nobody is left to take a result: end at once, even in the middle of a window.
                log.info("The input has ended; so does the worker.")
                logging.shutdown()
                os._exit(0)
            for item in decoder.feed(data):
                try:
                    self._take(item)
                except Exception as error:  # whatever a message brings, it must go on listening
                    log.exception("Unforeseen error while listening")
                    words = f"A request can't be understood ({type(error).__name__})."
                    self._send(error_message(None, "bad_request", words))

    def _take(self, item: Message | ProtocolError) -> None:
        if isinstance(item, ProtocolError):
            log.warning("%s", item)
            self._send(error_message(None, "bad_frame", str(item)))
            return
        request_id = item.get("id")
        if not isinstance(request_id, int) or isinstance(request_id, bool):
            self._send(error_message(None, "bad_request", "A request needs a number as its 'id'."))
        elif item["type"] == "cancel":
            self._cancel(item)
        else:
            with self._lock:
                self._open[request_id] += 1
            self._waiting.put(item)

    def _cancel(self, message: Message) -> None:
        target = message.get("target")
        if not isinstance(target, int) or isinstance(target, bool):
            words = "'cancel' needs the number of a request as its 'target'."
            self._send(error_message(message["id"], "bad_request", words))
            return
        with self._lock:
            found = self._open[target] > 0
            if found:
                self._cancelled.add(target)
        self._send({"type": "ok", "id": message["id"], "found": found})

    def _serve(self, message: Message) -> bool:
        """Answer one request; False after ``shutdown``."""
        request_id = message["id"]
        if message["type"] == "shutdown":
            self._send({"type": "ok", "id": request_id})
            return False
        answer: Message
        try:
            if request_id in self._cancelled:
                raise Cancelled("Cancelled before it began.")
            fields = self.requests.answer(
                message,
                lambda part: self._send({**part, "id": request_id}),
                lambda: request_id in self._cancelled,
            )
            answer = {"type": "ok", **fields, "id": request_id}
        except Exception as error:
            answer = self._failure(request_id, message["type"], error)
        with self._lock:
            self._open[request_id] -= 1
            if not self._open[request_id]:
                del self._open[request_id]
                self._cancelled.discard(request_id)
        try:
            self._send(answer)
        except ProtocolError as error:  # too large, or something that can't be sent
            log.warning("The answer to '%s' can't be sent: %s", message["type"], error)
            words = f"The worker's answer can't be sent. {error}"
            self._send(error_message(request_id, "too_large", words))
        return True

    def _failure(self, request_id: int, kind: str, error: Exception) -> Message:
        if isinstance(error, (MasamError, Cancelled)):
            if isinstance(error, DeviceMemoryError):
                self.requests.make_room()
            return error_message(request_id, code_of(error), str(error))
        if is_out_of_memory(error):
            self.requests.make_room()
            log.warning("Out of memory in '%s': %s", kind, error)
            return error_message(
                request_id,
                "memory",
                "The memory is not enough for this. Close other programs, choose a smaller model "
                "or another device, or crop the volume around the lesion.",
            )
        log.exception("Unforeseen error in '%s'", kind)
        return error_message(
            request_id,
            "internal",
            f"Something unforeseen happened: {type(error).__name__}: {error}",
        )

    def _send(self, message: Message) -> None:
        """Send a message; raises ProtocolError where it can't be put into a frame."""
        try:
            self.channel.send(message)
        except OSError:
            log.info("Nobody listens any more; the worker ends.")
            logging.shutdown()
            os._exit(0)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether main memory or a GPU's was not enough (torch has no one type for both)."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "out of memory" in text or "can't allocate memory" in text or "not enough memory" in text
    )


def serve(requests: Any = None) -> None:
    """Run the worker on this process's stdin and stdout."""
    channel = Channel.take_over_stdio()
    logging.basicConfig(
        level=os.environ.get("MASAM_LOG", "INFO"),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    log.info("MASAM worker %d is ready.", os.getpid())
    Server(channel, requests).run()
