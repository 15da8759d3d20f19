"""The worker's process: what it is given."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import masam_core


def test_threads_give_way_beside_slicer_unless_the_user_wants_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from MASAMSlicerLib.workerprocess import workerEnvironment

    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    values = workerEnvironment()
    assert values["OMP_WAIT_POLICY"] == "PASSIVE"
    assert "OMP_WAIT_POLICY" not in os.environ  # Slicer's own threads are not ours to change
    folder = str(Path(masam_core.__file__).resolve().parents[1])
    assert values["PYTHONPATH"].split(os.pathsep)[0] == folder
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert workerEnvironment()["OMP_WAIT_POLICY"] == "ACTIVE"
