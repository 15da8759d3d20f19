"""A worker process, and one whose computing is replaced by something quick."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from masam_core.worker.subprocess_transport import BlockingWorker

ROOT = Path(__file__).resolve().parents[3]
STAND_IN = Path(__file__).with_name("stand_in.py")
Start = Callable[..., BlockingWorker]


@pytest.fixture
def start_worker(masam_home: Path) -> Iterator[Start]:
    """Starts workers; ``stand_in=True`` takes requests that need no model."""
    begun: list[BlockingWorker] = []

    def start(stand_in: bool = False) -> BlockingWorker:
        command = [sys.executable, str(STAND_IN)]
        if not stand_in:
            command = [sys.executable, "-m", "masam_core.worker"]
        environment: dict[str, Any] = {**os.environ, "PYTHONPATH": str(ROOT)}
        worker = BlockingWorker(command, environment)
        begun.append(worker)
        return worker

    yield start
    for worker in begun:
        worker.close()
