"""Faults on purpose: what the product must never do, so that the oracle can be seen to find it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from masam_core.errors import VolumeError
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from Testing.fuzz.injection import Injection, Kind, Place
from Testing.fuzz.oracle import CANARY_FILE, Lost


def _leak(place: Place) -> Any:
    """Bytes of the file above, as the voxels of an image."""
    data = (place.folder.parent / CANARY_FILE).read_bytes()[:64]
    return Volume(np.frombuffer(data, "<i2").reshape(4, 4, 2), Geometry.from_spacing((4, 4, 2)))


def _raise(error: Exception) -> Any:
    raise error


def _lose(_place: Place) -> Any:
    raise Lost("the older file is gone")


FAULTS: dict[str, Callable[[Place], Any]] = {
    "taken": lambda place: None,
    "refused": lambda place: _raise(VolumeError(f"{place.target} is damaged.")),
    "exceptions": lambda place: {}[1],
    "lost": _lose,
    "leaks": _leak,
    "memory": lambda place: bytes(3 << 30),
    "wrong": lambda place: "differs",
    "nameless": lambda place: _raise(VolumeError("It is damaged.")),
    "printed": lambda place: print("Traceback (most recent call last):", file=sys.stderr),
    "hangs": lambda place: [n for n in range(1 << 24) if n < 0],
}


def _act(place: Place, injection: Injection) -> Any:
    return FAULTS[injection.settings["fault"]](place)


def _differs(_place: Place, injection: Injection, found: Any) -> str:
    return "another reader says otherwise" if found == "differs" else ""


def _planted(fault: str) -> Injection:
    return Injection({"file": b"content"}, "file", settings={"fault": fault})


KINDS = (
    Kind("planted", st.sampled_from(sorted(FAULTS)).map(_planted), _act, _differs, seconds=0.1),
    Kind("planted hang", st.just(_planted("")), lambda *_: time.sleep(600), seconds=0.2),
    Kind("planted crash", st.just(_planted("")), lambda *_: os._exit(7)),
)
