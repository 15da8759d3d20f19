"""`masam` itself: quick help, version, wrong usage."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

import masam_core
from masam_core.cli import main
from masam_core.cli.common import plural
from masam_core.cli.main import join_numbers

from .conftest import Masam

COMMANDS = ("segment", "models", "convert", "info", "train", "evaluate")


def test_help_lists_the_commands_with_a_line_each(masam: Masam) -> None:
    shown = masam("--help")
    assert shown.exit_code == 0
    for command in COMMANDS:
        assert command in shown.stdout
        assert masam(command, "-h").exit_code == 0


def test_help_is_quick_and_loads_nothing_heavy() -> None:
    code = (
        "import sys, time; sys.argv = ['masam', '--help']\n"
        "from masam_core.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'SimpleITK', 'matplotlib', 'requests'} & set(sys.modules)\n"
        "print(time.process_time(), file=sys.stderr)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    # The processor's time, which other programs on the machine hardly change.
    assert float(done.stderr) < 1.5


def test_the_version_is_the_packages(masam: Masam) -> None:
    assert masam("--version").stdout.strip() == f"masam {masam_core.__version__}"


@pytest.mark.parametrize("words", [("segmnt",), ("segment",), ("info", "x", "--colour", "red")])
def test_wrong_usage_is_2(masam: Masam, words: tuple[str, ...]) -> None:
    result = masam(*words)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_python_dash_m_is_masam() -> None:
    command = [sys.executable, "-m", "masam_core", "--version"]
    shown = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert shown.stdout.startswith("masam ")


def test_six_numbers_after_box_become_one_word() -> None:
    words = ["segment", "--box", "1", "2", "3", "4", "-5", "6", "-o", "x", "--box", "1 2 3 4 5 6"]
    assert join_numbers(words) == [
        *("segment", "--box", "1 2 3 4 -5 6", "-o", "x", "--box", "1 2 3 4 5 6")
    ]
    assert join_numbers(["--box", "1", "2", "out.nrrd"]) == ["--box", "1", "2", "out.nrrd"]


def test_positions_may_be_typed_without_quotes() -> None:
    line = ["--line", *map(str, range(6)), "--point", "-1.5", "2e1", "3", "-o", "x"]
    assert join_numbers(line) == ["--line", "0 1 2 3 4 5", "--point", "-1.5 2e1 3", "-o", "x"]
    both = ["--line", *map(str, range(12)), "--click", "1", "2"]
    assert join_numbers(both) == ["--line", " ".join(map(str, range(12))), "--click", "1", "2"]
    quoted = ["--line", "1,2,3 4,5,6", "--not-point", "1,2,3"]
    assert join_numbers(quoted) == quoted


def test_plurals() -> None:
    assert [plural(1, "box"), plural(2, "box"), plural(0, "lesion")] == [
        *("1 box", "2 boxes", "0 lesions")
    ]


def test_a_front_end_brings_its_command_and_a_broken_one_takes_nothing_down(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise ImportError("no module named 'gone'")

    points = [
        SimpleNamespace(name="good", load=lambda: lambda: typer.echo("it runs")),
        SimpleNamespace(name="bad", load=broken),
    ]
    monkeypatch.setattr(main, "entry_points", lambda group: points if group else [])
    app = typer.Typer()
    app.command("own")(lambda: typer.echo("own"))
    main.add_front_ends(app)
    assert "'bad' can't be loaded: no module named 'gone'" in capsys.readouterr().err
    assert CliRunner().invoke(app, ["good"]).output == "it runs\n"
    assert CliRunner().invoke(app, ["own"]).output == "own\n"
