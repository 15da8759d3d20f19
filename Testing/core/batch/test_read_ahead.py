"""The next case is read while one is computed, and its errors stay its own."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from masam_core.batch.case import BatchCase
from masam_core.batch.read_ahead import ReadAhead
from masam_core.errors import VolumeError
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume


def case(name: str, image: Path = Path("none.nrrd")) -> BatchCase:
    return BatchCase(name, image)


def volume(name: str) -> Volume:
    geometry = Geometry.from_spacing((2, 3, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    return Volume(np.zeros((2, 3, 4), np.int16), geometry, name=name)


def test_what_was_begun_is_read_meanwhile_and_once() -> None:
    done = threading.Event()
    reads: list[tuple[str, bool]] = []

    def read(asked: BatchCase) -> Volume:
        reads.append((asked.name, threading.current_thread() is threading.main_thread()))
        done.set()
        return volume(asked.name)

    ahead = ReadAhead(read)
    ahead.begin(case("a"))
    assert done.wait(10)  # without anyone taking it
    assert ahead.take(case("a")).name == "a"
    assert ahead.take(case("b")).name == "b"
    assert reads == [("a", False), ("b", True)]


def test_another_case_than_was_begun_is_read_all_the_same() -> None:
    ahead = ReadAhead(lambda asked: volume(asked.name))
    ahead.begin(case("a"))
    assert ahead.take(case("b")).name == "b"
    assert ahead.take(case("a")).name == "a"


def test_what_failed_in_advance_is_tried_again_in_its_turn() -> None:
    tries: list[str] = []

    def read(asked: BatchCase) -> Volume:
        tries.append(asked.name)
        if len(tries) == 1:
            raise MemoryError
        return volume(asked.name)

    ahead = ReadAhead(read)
    ahead.begin(case("a"))
    assert ahead.take(case("a")).name == "a"
    assert tries == ["a", "a"]


def test_an_error_that_stays_comes_in_its_own_cases_turn() -> None:
    def read(asked: BatchCase) -> Volume:
        raise VolumeError(f"{asked.name} is broken.")

    ahead = ReadAhead(read)
    ahead.begin(case("a"))
    with pytest.raises(VolumeError, match="a is broken"):
        ahead.take(case("a"))


def test_a_stalled_drive_does_not_hold_up_the_end() -> None:
    code = (
        "import time\n"
        "from pathlib import Path\n"
        "from masam_core.batch.cases import BatchCase\n"
        "from masam_core.batch.read_ahead import ReadAhead\n"
        "ReadAhead(lambda case: time.sleep(300)).begin(BatchCase('a', Path('x')))\n"
    )
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    assert time.monotonic() - began < 100
