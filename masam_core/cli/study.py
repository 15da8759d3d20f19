"""`masam study`: an ablation, every run of a grid trained and evaluated."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from masam_core.cli.common import ERROR, print_json, reported
from masam_core.cli.evaluate import show_tables
from masam_core.cli.interrupt import terminable
from masam_core.cli.terminal import say, say_error
from masam_core.errors import ConfigError


@reported
def study_command(
    study: Annotated[
        str,
        typer.Argument(
            help="YAML file, or one that comes with MASAM: adapters, backbone, decoder, rank, "
            "slices, tuning."
        ),
    ],
    data: Annotated[
        Path, typer.Argument(help="Data set with expert masks, as 'masam prepare' writes it.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for runs, table and plot.")],
    bases: Annotated[
        Path | None, typer.Option(help="Folder of the backbone files that the study names.")
    ] = None,
    gpus: Annotated[
        str | None,
        typer.Option(help="Numbers of the GPUs, a run on each at a time, e.g. 0,1,2,3."),
    ] = None,
    parallel: Annotated[
        int, typer.Option(min=1, max=64, help="Runs at a time, without --gpus.")
    ] = 1,
    device: Annotated[str, typer.Option(help="Of the evaluation: auto, cpu, cuda.")] = "auto",
    show: Annotated[
        bool, typer.Option("--show", help="Only print the commands of every run, and stop.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Results as JSON on stdout.")] = False,
) -> None:
    """Train and evaluate every run of a grid of settings, and show them in a table and a plot.

    The same command goes on where it was stopped; runs that are done are not done again. A run that
    fails stops no other.
    """
    from masam_core.data.reading import read_cases
    from masam_core.evaluation.paper_tables import write_tables
    from masam_core.experiments.grid import read_study
    from masam_core.experiments.outcome import draw_study, study_table
    from masam_core.experiments.study import Place, evaluate_words, run_study, train_words

    wanted = read_study(study)
    if gpus is not None and parallel > 1:
        raise ConfigError("--gpus says how many runs there are at a time; leave --parallel out.")
    place = Place(data, out, bases, _numbers(gpus), parallel, device)
    if show:
        for point in wanted.points:
            for words in (train_words, evaluate_words):
                say(shlex.join(words(wanted, point, place)))
        return
    read_cases(data)  # what is wrong with it is told now, not by every run
    with terminable():
        outcomes = run_study(wanted, place, lambda message: say(message, err=True))
    table = study_table(wanted, outcomes)
    for ending in ("md", "tex", "csv"):
        write_tables(out / f"table.{ending}", [table])
    done = [outcome for outcome in outcomes if outcome.result]
    if done:
        draw_study(out / "plot.png", wanted, outcomes)
    if json:
        print_json(
            {
                "study": wanted.name,
                "axes": list(wanted.axes),
                "columns": list(table.columns),
                "rows": table.rows,
                "problems": {o.point.title: o.problem for o in outcomes if o.problem},
            }
        )
    else:
        show_tables([table])
        say(f"Tables and plot: {out}")
    for outcome in outcomes:
        if outcome.problem:
            say_error(f"{outcome.point.title}: {outcome.problem}")
    if len(done) < len(outcomes):
        raise typer.Exit(ERROR)


def _numbers(text: str | None) -> tuple[int, ...]:
    if text is None:
        return ()
    try:
        numbers = tuple(int(word) for word in text.split(","))
    except ValueError:
        numbers = (-1,)
    if min(numbers) < 0 or len(set(numbers)) < len(numbers):
        raise ConfigError(f"--gpus is '{text}'; expected different numbers, e.g. 0,1,2,3.")
    return numbers
