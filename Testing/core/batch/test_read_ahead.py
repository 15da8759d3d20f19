"""The next case is read while one is computed, and its errors stay its own."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.batch.cases import BatchCase
from masam_core.batch.read_ahead import ReadAhead, read_case
from masam_core.errors import VolumeError
from masam_core.geometry import Geometry
from masam_core.volume import Volume


def case(name: str, image: Path = Path("none.nrrd")) -> BatchCase:
    return BatchCase(name, image, (), None)


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

    with ReadAhead(read) as ahead:
        ahead.begin(case("a"))
        assert done.wait(10)  # without anyone taking it
        assert ahead.take(case("a")).name == "a"
        assert ahead.take(case("b")).name == "b"
    assert reads == [("a", False), ("b", True)]


def test_another_case_than_was_begun_is_read_all_the_same() -> None:
    with ReadAhead(lambda asked: volume(asked.name)) as ahead:
        ahead.begin(case("a"))
        assert ahead.take(case("b")).name == "b"
        assert ahead.take(case("a")).name == "a"


def test_an_error_comes_in_its_own_cases_turn() -> None:
    def read(asked: BatchCase) -> Volume:
        raise VolumeError(f"{asked.name} is broken.")

    with ReadAhead(read) as ahead:
        ahead.begin(case("a"))
        with pytest.raises(VolumeError, match="a is broken"):
            ahead.take(case("a"))


def test_a_file_is_read_with_its_hash(tmp_path: Path) -> None:
    file = tmp_path / "x.nrrd"
    sitk.WriteImage(sitk.GetImageFromArray(np.arange(24, dtype=np.int16).reshape(2, 3, 4)), file)
    got = read_case(case("x", file))
    assert got.array[1, 2, 3] == 23
    assert "content_hash" in vars(got)
