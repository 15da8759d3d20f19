"""Ctrl-C at moments when libraries are being loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Presses Ctrl-C when a module is loaded; some libraries make an error of their own of it.
PROGRAM = """
import builtins, os, signal, sys
load, when, hidden = builtins.__import__, sys.argv[1], sys.argv[2] == "hidden"
def press(name, *rest, **more):
    if name == when:
        builtins.__import__ = load
        try:
            os.kill(os.getpid(), signal.SIGINT)
            for _ in range(1000):
                pass
        except KeyboardInterrupt:
            if hidden:
                raise ImportError("the library failed to load") from None
            raise
    return load(name, *rest, **more)
from masam_core.__main__ import main
builtins.__import__ = press
sys.argv = ["masam", "info", "system"]
main()
"""


@pytest.mark.parametrize("hidden", ["hidden", "open"])
@pytest.mark.parametrize("module", ["typer", "masam_core.cli.segment", "platform", "torch"])
def test_a_press_during_an_import_says_stopped(module: str, hidden: str) -> None:
    command = [sys.executable, "-c", PROGRAM, module, hidden]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "Error: Stopped."
    assert done.returncode == 130
    assert done.stdout == ""
