"""`masam check`, with a real worker and the bundled model."""

from __future__ import annotations

import getpass
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from masam_core.cli import check as command

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def own_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have workers run the checkout's code."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def test_a_sound_installation_is_found_sound_with_figures_on_the_sample(masam: Any) -> None:
    done = masam("check", "--json", "--device", "cpu")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["state"] in ("ok", "note")  # a remark on little memory is no fault of ours
    (here, worker) = report["sections"]
    assert "command line" in here["heading"]
    assert "on this machine" in worker["heading"]
    found = {f["title"]: f for f in worker["findings"]}
    assert list(found) == [
        "Worker",
        "Python",
        "PyTorch",
        "OpenVINO",
        "Packages",
        "GPU",
        "Memory",
        "Disk",
        "Model file",
        "Sample mask",
    ]
    assert found["Sample mask"]["state"] in ("ok", "note")
    assert "0.885" in found["Sample mask"]["words"]
    assert found["Model file"]["state"] == "ok"
    assert f"/{getpass.getuser()}/" not in done.stdout


def test_a_worker_that_does_not_start_is_told_with_exit_code_1(masam: Any) -> None:
    done = masam("check", "--worker", f'"{sys.executable}" -m masam_gone.worker')
    assert done.exit_code == 1
    assert "Something is wrong. Worker:" in done.stdout
    assert "pip install masam_gone" in " ".join(done.stdout.split())


def test_ctrl_c_gives_what_was_found_until_then(
    masam: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "pump", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    done = masam("check")
    assert done.exit_code == 130
    assert "Stopped (starting the worker" in done.stdout


def test_without_pytorch_and_simpleitk_the_command_still_says_what_is_wrong() -> None:
    """In a Python that lacks both; the worker that it starts is the tests' own stand-in."""
    worker = (
        "import sys; sys.modules.update(torch=None, torchvision=None, openvino=None);"
        "from masam_core.worker.server import serve; serve()"
    )
    code = (
        "import sys; sys.modules.update(torch=None, SimpleITK=None);"
        "from masam_core.cli.main import main; main()"
    )
    arguments = ["check", "--worker", f'"{sys.executable}" -c "{worker}"']
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 1, done.stderr
    said = " ".join(done.stdout.split())
    assert "SimpleITK is not installed" in said
    assert "PyTorch is not installed, so nothing can be segmented." in said
    assert "Not checked: PyTorch does not work." in said
    assert "Not tried: something is wrong with PyTorch." in said
