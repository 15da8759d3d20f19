"""`masam`: the commands."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from typing import Annotated

import typer

import masam_core
from masam_core.cli.batch import batch_command
from masam_core.cli.bench import bench_command
from masam_core.cli.check import check_command
from masam_core.cli.collect import collect_command
from masam_core.cli.convert import convert_command
from masam_core.cli.evaluate import evaluate_command
from masam_core.cli.followup import followup_command
from masam_core.cli.info import info_command
from masam_core.cli.models import app as models_app
from masam_core.cli.pacs import app as pacs_app
from masam_core.cli.prepare import prepare_command
from masam_core.cli.segment import segment_command
from masam_core.cli.study import study_command
from masam_core.cli.terminal import PlainGroup, forgiving_streams, say, say_error
from masam_core.cli.train import train_command
from masam_core.cli.watch import watch_command
from masam_core.threads import share_processor

FRONT_ENDS = "masam.commands"  # entry points of packages that add a command

app = typer.Typer(
    name="masam",
    cls=PlainGroup,
    help="Outline tumours in 3D images: a tight 3D box in, a mask out. Research use only.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("segment")(segment_command)
app.command("batch")(batch_command)
app.command("followup")(followup_command)
app.command("info")(info_command)
app.command("check")(check_command)
app.add_typer(models_app, name="models")
app.add_typer(pacs_app, name="pacs")
app.command("watch")(watch_command)
app.command("convert")(convert_command)
app.command("collect")(collect_command)
app.command("prepare")(prepare_command)
app.command("train")(train_command)
app.command("evaluate")(evaluate_command)
app.command("study")(study_command)
app.command("bench")(bench_command)


def add_front_ends(target: typer.Typer) -> None:
    """Add the commands that installed front ends bring (entry points ``masam.commands``).

    One that can't be loaded is named and left out: it must not take the others down.
    """
    for point in sorted(entry_points(group=FRONT_ENDS), key=lambda found: found.name):
        try:
            target.command(point.name)(point.load())
        except Exception as error:  # of another package: whatever it is
            say_error(f"The command '{point.name}' can't be loaded: {error}")


add_front_ends(app)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"masam {masam_core.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options of `masam` itself."""


# Options that take several numbers, and how many at most; each may be repeated.
_NUMBERS = {"--box": 6, "--line": 12, "--slice-box": 12, "--click": 3, "--point": 3}
_NUMBERS["--not-point"] = 3


def join_numbers(arguments: list[str]) -> list[str]:
    """Put the numbers after ``--box``, ``--line``, ``--click`` and the like into one argument.

    Typer has no option that both takes several values and may be repeated. Of a line and of a box
    on a slice, six numbers or twelve are taken.
    """
    out: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        out.append(word)
        most = _NUMBERS.get(word, 0)
        follow = next((n for n, text in enumerate(rest[:most]) if not _is_number(text)), len(rest))
        count = most if follow >= most else 6 if most == 12 and follow >= 6 else 0
        if count:
            out.append(" ".join(rest[:count]))
            del rest[:count]
    return out


def _is_number(text: str) -> bool:
    """Whether a word is one number, and not several with commas between."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def main() -> None:
    """Read the words typed and run the command."""
    forgiving_streams()
    share_processor()  # no command has loaded PyTorch yet
    app(join_numbers(sys.argv[1:]))


if __name__ == "__main__":
    main()
