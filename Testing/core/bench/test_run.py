"""What is shown, and the command."""

from __future__ import annotations

import io
import json

import pytest
import torch
from rich.console import Console

from masam_core.bench import window
from masam_core.bench.rows import Row
from masam_core.bench.run import figure, machine, show

from ..cli.conftest import Masam, masam

__all__ = ["masam"]  # a fixture


def test_figures_have_as_many_digits_as_say_something() -> None:
    assert figure(Row("s", "w", 0.01234)) == "0.0123 s"
    assert figure(Row("s", "w", 1.2345)) == "1.234 s"
    assert figure(Row("s", "w", 123.45, "MB")) == "123.5 MB"
    assert figure(Row("s", "w", None)) == "-"
    assert figure(Row("s", "w", None, ratio=1.3)) == ""


def test_each_section_is_a_table() -> None:
    out = io.StringIO()
    rows = [Row("One", "a", 1.0, ratio=2.5, aim="2x", note="why"), Row("Two", "b", 2.0)]
    show(rows, Console(file=out, width=100))
    text = out.getvalue()
    assert text.index("One") < text.index("2.50x") < text.index("Two")


def test_the_machine_is_named() -> None:
    about = machine(torch.device("cpu"))
    assert about["torch"] == torch.__version__
    assert about["processor"]


def test_the_command_gives_one_json_document(
    masam: Masam, backbone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Memory is not looked at here, so nothing needs a process of its own.
    monkeypatch.setattr(window, "apart", lambda work, *arguments: work(*arguments))
    done = masam(
        *("bench", "--backbone", backbone, "--image-size", "56", "--only", "window"),
        *("--repeats", "1", "--device", "cpu", "--json"),
    )
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["machine"]["model"] == f"{backbone} at 56, random weights"
    exact = next(row for row in found["rows"] if row["what"] == "MASAM, float32")
    assert exact["details"]["logits_differ"] < 1e-3
    assert exact["ratio"] > 0


def test_what_it_does_not_know_is_refused_in_words(masam: Masam) -> None:
    done = masam("bench", "--only", "speed")
    assert done.exit_code == 1
    assert "Unknown section speed" in done.stderr
    assert "trained model" in masam("bench", "--agreement", ".").stderr
