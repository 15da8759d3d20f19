"""`masam watch` and a real PACS, each killed in the middle of its work (kill -9)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from masam_core.batch.states import RUNNING
from masam_core.pacs.opening import open_pacs
from masam_core.pacs.pacs import Way
from masam_core.pacs.settings import read_settings
from masam_core.watch.status import status_of

from ...conftest import ROOT
from ..pacs.orthanc import Orthanc, free_port
from .making import SECRETS, write_case
from .quick_worker import PAUSE

pytest.importorskip("highdicom")
PATIENCE = 120.0  # seconds, on a busy machine
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")


def wait_for(what: str, condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"in vain waited for: {what}"
        time.sleep(0.05)


class Night:
    """The command in a process of its own, and what sends to it."""

    def __init__(self, orthanc: Orthanc, folder: Path) -> None:
        self.work = folder / "work"
        self.log = folder / "out.txt"
        port = free_port()
        self.settings = orthanc.write_settings(
            folder / "pacs.json", listener={"ae_title": "NIGHT", "port": port}
        )
        sending = folder / "sending.json"
        entry = {"host": "127.0.0.1", "port": port, "ae_title": "NIGHT"}
        sending.write_text(json.dumps({"dimse": entry, "timeout_s": 10}))
        self._ear = open_pacs(read_settings(sending), Way.DIMSE)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it listens at some time after."""
        worker = f"{sys.executable} -m Testing.core.watch.quick_worker"
        command = [sys.executable, "-m", "masam_core", "watch", "--worker", worker]
        command += ["--settings", str(self.settings), "--work", str(self.work)]
        command += ["--whole-after", "1"]
        paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                command,
                stdout=out,
                stderr=out,
                env={**os.environ, PAUSE: "1", "PYTHONPATH": paths},
                start_new_session=True,
            )

    def kill(self) -> None:
        """End it and its worker at once."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def send(self, folder: Path) -> None:
        """Send until each file is taken, as a scanner does."""
        for path in sorted(folder.rglob("*.dcm")):
            wait_for("an open ear", lambda path=path: self._ear.store(path).kept)  # type: ignore[misc]

    def is_running_a_case(self) -> bool:
        """Whether a case is being computed."""
        there = (self.work / ".masam").is_dir()
        return there and any(row.status == RUNNING for row in status_of(self.work))

    def outbox(self) -> list[Path]:
        """Cases whose results wait."""
        return [p for p in (self.work / "outbox").glob("case-*") if any(p.glob("*.dcm"))]


@pytest.fixture
def own_orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    """A PACS that may be killed."""
    (tmp_path / "orthanc").mkdir()
    made = Orthanc(tmp_path / "orthanc")
    made.start()
    yield made
    made.kill()


def test_every_case_ends_once_whoever_is_killed(own_orthanc: Orthanc, tmp_path: Path) -> None:
    for number in (1, 2):
        write_case(tmp_path / str(number), number)
    night = Night(own_orthanc, tmp_path)
    try:
        night.start()
        night.send(tmp_path / "1")
        wait_for("the first case", night.is_running_a_case)
        night.kill()

        own_orthanc.kill()
        night.start()
        night.send(tmp_path / "2")
        wait_for("two results for a PACS that is dead", lambda: len(night.outbox()) == 2)
        night.kill()

        own_orthanc.start()
        night.start()
        night.send(tmp_path / "1")  # a sender that was not sure
        wait_for("a first result in the PACS", lambda: bool(own_orthanc.instances()))
        own_orthanc.kill()
        own_orthanc.start()
        wait_for("an empty outbox", lambda: not night.outbox())
        wait_for("the end of all cases", lambda: not night.is_running_a_case())
        assert night.process is not None
        night.process.terminate()
        assert night.process.wait(PATIENCE) == 0
        night.process = None
    finally:
        night.kill()
    assert len(own_orthanc.instances("SEG")) == 2
    assert len(own_orthanc.instances("SR")) == 2
    assert len(own_orthanc.instances()) == 4
    assert [(row.status, row.sent) for row in status_of(night.work)] == [("done", "yes")] * 2
    said = night.log.read_text("utf-8") + (night.work / "watch.log").read_text("utf-8")
    assert "Stopped; the same command goes on." in said
    assert not any(secret in said for secret in SECRETS)
