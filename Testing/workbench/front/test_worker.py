"""One worker for several tabs: nobody gets another one's answer, model or volume."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from masam_core.worker.protocol import Decoder, Message, encode
from Testing.workbench.conftest import requireWorkbench

A, B = "first tab", "second tab"


class Fake:
    """A worker's process: what it is asked is kept until the test answers."""

    def __init__(self) -> None:
        self.asked: list[Message] = []
        self.stopped = False
        self.on_output: Callable[[bytes], None] = lambda _: None
        self.on_log: Callable[[bytes], None] = lambda _: None
        self.on_closed: Callable[[int | None], None] = lambda _: None
        self._decoder = Decoder()

    def start(self) -> None:
        pass

    def write(self, data: bytes) -> None:
        for message in self._decoder.feed(data):
            assert isinstance(message, dict)
            if message["type"] == "hello":
                self.say("ok", message, protocol=2)
            elif message["type"] != "cancel":
                self.asked.append(message)

    def stop(self) -> None:
        self.stopped = True

    def call_later(self, _seconds: float, _call: Callable[[], None]) -> None:
        pass

    def say(self, kind: str, to: Message, **fields: Any) -> None:
        self.on_output(encode({"type": kind, "id": to["id"], **fields}))

    def answer(self, **fields: Any) -> None:
        """Answer the last request."""
        self.say("ok", self.asked[-1], **fields)

    @property
    def kinds(self) -> list[str]:
        return [message["type"] for message in self.asked]


class Office:
    """The shared worker, and what it has told each tab."""

    def __init__(self) -> None:
        from masam_workbench.front.worker import SharedWorker

        self.processes: list[Fake] = []
        self.told: dict[str, list[Message]] = {A: [], B: []}
        self.shared = SharedWorker(self._make)

    def _make(self) -> Fake:
        self.processes.append(Fake())
        return self.processes[-1]

    @property
    def process(self) -> Fake:
        return self.processes[-1]

    def ask(self, tab: str, kind: str, number: int, **fields: Any) -> None:
        self.shared.hear(tab, {"type": kind, "id": number, **fields}, self.told[tab].append)

    def finals(self, tab: str) -> list[tuple[int, str]]:
        """Number and kind of the final answers of a tab."""
        return [(m["id"], m["type"]) for m in self.told[tab] if m["type"] != "progress"]


@pytest.fixture
def office(harness: Any) -> Office:
    requireWorkbench()
    return Office()


def test_each_tab_gets_its_own_answers_under_its_own_numbers(office: Office) -> None:
    office.ask(A, "devices", 1)
    office.ask(B, "devices", 1)
    assert office.process.kinds == ["devices"]  # one after the other
    assert [m["text"] for m in office.told[B]] == ["waiting for another tab"]
    office.process.say("progress", office.process.asked[0], fraction=0.5, text="half")
    office.process.answer(devices=["a"])
    office.process.answer(devices=["b"])
    assert [m.get("devices") for m in office.told[A]] == [None, ["a"]]
    assert [m.get("devices") for m in office.told[B]] == [None, ["b"]]
    assert len(office.processes) == 1


def test_a_tab_computes_with_the_model_that_it_has_loaded_itself(office: Office) -> None:
    office.ask(A, "load_model", 1, model="small")
    office.process.answer(name="small")
    office.ask(B, "load_model", 1, model="large")
    office.process.answer(name="large")
    office.ask(A, "segment", 2, volume="v")
    assert office.process.kinds == ["load_model", "load_model", "load_model"]
    assert office.process.asked[-1]["model"] == "small"
    office.process.answer(name="small")
    assert office.process.asked[-1]["type"] == "segment"
    office.process.answer(seconds=1.0)
    office.ask(A, "segment", 3, volume="v")  # it is loaded still
    assert office.process.kinds[3:] == ["segment", "segment"]
    office.process.answer(seconds=1.0)
    assert office.finals(A) == [(1, "ok"), (2, "ok"), (3, "ok")]


def test_nobody_comes_between_the_parts_of_a_volume(office: Office) -> None:
    office.ask(A, "put_volume", 1, hash="a")
    office.ask(B, "put_volume", 1, hash="b")
    office.process.answer(known=False)
    assert office.process.kinds == ["put_volume"]
    office.ask(A, "volume_part", 2, hash="a")
    office.process.answer(complete=False)
    office.ask(A, "volume_part", 3, hash="a")
    office.process.answer(complete=True)
    assert office.process.kinds == ["put_volume", "volume_part", "volume_part", "put_volume"]
    assert office.process.asked[-1]["hash"] == "b"


@pytest.mark.parametrize("how", ["forget", "cancel", "another task"])
def test_a_volume_that_is_given_up_keeps_nobody_waiting(office: Office, how: str) -> None:
    office.ask(A, "put_volume", 1, hash="a")
    office.process.answer(known=False)
    office.ask(A, "volume_part", 2, hash="a")
    office.ask(B, "devices", 1)
    if how == "forget":
        office.shared.forget(A)
    elif how == "cancel":
        office.ask(A, "cancel", 3, target=2)
    else:
        office.process.answer(complete=False)
        office.ask(A, "measure", 3)
        office.process.answer(measurements={})
    assert office.process.asked[-1]["type"] == "devices"
    office.process.answer(devices=[])
    assert office.finals(B) == [(1, "ok")]


def test_a_request_that_is_cancelled_before_its_turn_is_never_sent(office: Office) -> None:
    office.ask(A, "segment", 1)
    office.ask(B, "segment", 1)
    office.ask(B, "cancel", 2, target=1)
    assert office.finals(B) == [(1, "error"), (2, "ok")]
    assert office.told[B][-1]["found"] is True
    office.process.answer(seconds=1.0)
    assert office.process.kinds == ["segment"]
    assert office.finals(A) == [(1, "ok")]


def test_one_tab_can_not_cancel_what_another_has_asked(office: Office) -> None:
    office.ask(A, "segment", 1)
    office.ask(B, "cancel", 5, target=1)
    assert office.told[B] == [{"type": "ok", "id": 5, "found": False}]
    office.process.answer(seconds=1.0)
    assert office.finals(A) == [(1, "ok")]


def test_a_tab_that_has_gone_gets_nothing_and_its_requests_are_dropped(office: Office) -> None:
    office.ask(A, "segment", 1)
    office.ask(A, "segment", 2)
    office.ask(B, "devices", 1)
    running = office.process.asked[0]
    office.shared.forget(A)
    assert office.process.kinds == ["segment", "devices"]
    office.process.say("ok", running, seconds=1.0)
    office.process.answer(devices=[])
    assert office.finals(A) == []
    assert office.finals(B) == [(1, "ok")]


def test_after_the_death_of_the_worker_each_tab_is_told_and_goes_on(office: Office) -> None:
    office.ask(A, "load_model", 1, model="small")
    office.process.answer(name="small")
    office.ask(A, "segment", 2)
    office.ask(B, "devices", 1)
    office.process.on_closed(-9)
    assert office.finals(A) == [(1, "ok"), (2, "error")]
    assert office.told[A][-1]["code"] == "died"
    assert len(office.processes) == 2  # for the other tab's request
    office.process.answer(devices=[])
    office.ask(A, "segment", 3)
    assert office.process.kinds == ["devices", "load_model"]
    assert office.finals(B) == [(1, "ok")]
