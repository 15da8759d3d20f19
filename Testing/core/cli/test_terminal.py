"""What a person reads: every name as it is, on every console."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import masam_core.cli
from masam_core.cli.terminal import console, plain, progress, say, table
from masam_core.image.readable import readable
from masam_core.prompts.roi import write_roi

from .conftest import Masam

ODD = (
    "met [left]",
    "met [/x]",
    "[red]x[/red]",
    ":smile:",
    "a\x1b[31mb",
    "a\x07\r\x9bz",
    "\u202eexe",
)


@settings(max_examples=50)
@given(st.text())
@example("\x1b]0;title\x07")
@example("\udce4")
def test_no_character_moves_the_screen(text: str) -> None:
    shown = plain(text)
    shown.encode("utf-8")
    assert not [c for c in shown if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160]
    assert plain(shown) == shown


def test_scripts_of_every_language_stay() -> None:
    for name in ("Schädel", "肿瘤", "पैर", "أورام", "👩\u200d⚕️", "a\tb\nc"):
        assert plain(name) == name


def test_nothing_is_markup(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ODD:
        say(name)
        console().print(name, soft_wrap=True)
        console().print(table(["Name", "n"], [[name, 1]], ["n"]))
        console().log(name)
        with progress(quiet=False) as bar:
            bar.add_task(plain(name), total=1)
        out, err = capsys.readouterr()
        assert out.count(plain(name)) == 4
        assert plain(name) in err
        assert not set(out + err) & set("\x1b\x07\r\x9b\u202e")


def test_commands_print_in_no_other_way() -> None:
    """Otherwise one forgotten line would be markup again."""
    for path in Path(masam_core.cli.__file__).parent.glob("*.py"):
        if path.name == "terminal.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in (
                    "print",
                    "typer.echo",
                    "typer.secho",
                    "Console",
                    "Progress",
                ), f"{path.name}, line {node.lineno}: {called}"


@pytest.mark.parametrize("name", ODD)
def test_a_mask_is_written_whatever_its_name_is(
    masam: Masam, tiny_model: Path, image: Path, tmp_path: Path, name: str
) -> None:
    roi = tmp_path / "a.mrk.json"
    write_roi(roi, (5, 17, 112), (8, 8, 8), name=name)
    folder = tmp_path / "run [final]"
    folder.mkdir()
    target = folder / "m.seg.nrrd"
    words = ("segment", image, "--roi", roi, "-o", target, "--model", tiny_model)
    done = masam(*words, "--quality", "fast")
    assert done.exit_code == 0, done.output
    assert target.is_file()
    shown = plain(" ".join(readable(name).split()))  # a name is one line
    assert shown in done.stdout
    assert str(target) in done.stdout.replace("\n", "")
    assert not set(done.output) & set("\x1b\x07\r\x9b\u202e")


@pytest.mark.parametrize(
    "words",
    [
        ["segment", "{}.nii", "-o", "m.nrrd", "--box", "1 2 1 2 1 2"],
        ["segment", "{}", "-o", "{}", "--box", "{}"],
        ["segment", "x", "-o", "m.nrrd", "--roi", "{}", "--quality", "{}"],
        ["batch", "{}", "-o", "{}"],
        ["info", "{}"],
        ["check", "--device", "{}", "--worker", "{}"],
        ["models", "download", "{}"],
        ["models", "verify", "{}"],
        ["models", "add", "{}"],
        ["models", "{}"],
        ["convert", "{}.pth", "{}.safetensors"],
        ["evaluate", "{}"],
        ["train", "{}", "-o", "{}"],
        ["train", "--set", "{}"],
        ["bench", "--only", "{}"],
        ["{}"],
        ["info", "--{}"],
        ["info", "x", "{}"],
    ],
)
def test_every_command_repeats_what_it_was_given_as_plain_text(
    masam: Masam, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for odd in ("[/x]", "[left]", "\x1b[31m\x07"):
        done = masam(*[word.format(odd) for word in words])
        assert done.exit_code in (1, 2)
        assert isinstance(done.exception, SystemExit)
        assert "Traceback" not in done.output
        assert "unforeseen" not in done.output
        assert not set(done.output) & set("\x1b\x07")


def test_a_windows_console_gets_what_it_can_show(
    tiny_model: Path, image: Path, tmp_path: Path
) -> None:
    roi, target = tmp_path / "d.mrk.json", tmp_path / "d.seg.nrrd"
    write_roi(roi, (5, 17, 112), (8, 8, 8), name="肿瘤")
    tiny = Path(__file__).with_name("with_tiny_model.py")
    command = [sys.executable, str(tiny), "segment", str(image), "--roi", str(roi)]
    command += ["-o", str(target), "--model", str(tiny_model), "--quality", "fast"]
    environment = os.environ | {"PYTHONIOENCODING": "cp1252"}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode("cp1252")
    assert rb"\u80bf\u7624" in done.stdout
    assert target.is_file()


def test_json_has_no_control_characters(masam: Masam, tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text("image,boxes,name\na.nii,b.mrk.json,x\x7f\x1b[31m\n")
    done: Any = masam("batch", tmp_path / "cases.csv", "-o", tmp_path / "o", "--dry-run", "--json")
    assert json.loads(done.stdout)[0]["case"] == readable("x\x7f\x1b[31m")
    assert not set(done.stdout) & set("\x7f\x1b")
