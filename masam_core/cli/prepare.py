"""`masam prepare`: a public data set as its owner distributes it, made ready for train."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from masam_core.cli.common import plural, print_json, reported
from masam_core.cli.terminal import console, progress, say, table, warn
from masam_core.errors import ConfigError


@reported
def prepare_command(
    name: Annotated[
        str | None, typer.Argument(help="Name of the data set; --list shows them.")
    ] = None,
    source: Annotated[
        Path | None, typer.Argument(help="Folder of the unpacked download; it is not changed.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder to write.")] = None,
    show_list: Annotated[
        bool, typer.Option("--list", help="Show the known data sets, and stop.")
    ] = False,
    val: Annotated[
        float,
        typer.Option(
            min=0.0, max=0.9, help="Share of the training patients that is held out as 'val'."
        ),
    ] = 0.0,
    splits: Annotated[
        Path | None,
        typer.Option(
            help="In place of the usual split: a CSV with the columns case and split, or the "
            "authors' pickled lists (.pkl)."
        ),
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Take what is there and sound; leave the rest out.")
    ] = False,
    image_geometry: Annotated[
        bool,
        typer.Option(
            "--image-geometry",
            help="Where a label has its image's size and another place in space, take the image's.",
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Results as JSON on stdout.")] = False,
) -> None:
    """Make a public data set ready for train and evaluate.

    Looks through all files first and says what is missing or wrong; writes nothing until all is
    well. The same command goes on where it was stopped.
    """
    if show_list:
        _show_list(json)
        return
    if name is None or source is None or out is None:
        raise ConfigError(
            "Expected masam prepare NAME SOURCE --out DATA; masam prepare --list shows the names."
        )
    from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn

    from masam_core.data.prepare.run import Options, prepare

    options = Options(val, splits, partial, image_geometry)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with progress(*columns, quiet=json, transient=True) as bar:
        task = bar.add_task("", total=None)

        def tell(what: str, number: int, count: int, case: str) -> None:
            bar.update(task, description=f"{what} {case}", completed=number, total=count)

        done = prepare(name, source, out, options, tell)
    counts = {s: sum(c.split == s for c in done.cases) for s in ("train", "val", "test")}
    if json:
        print_json(
            {
                "folder": str(done.folder),
                "cases": counts,
                "kept": done.kept,
                "lists": list(done.lists),
                "notes": list(done.notes),
            }
        )
        return
    for note in done.notes:
        warn(note)
    divided = ", ".join(f"{count} {split}" for split, count in counts.items() if count)
    before = f"; {done.kept} were there already" if done.kept else ""
    say(f"{plural(len(done.cases), 'case')} ({divided}) in {done.folder}{before}.")
    if len(done.lists) > 1:
        say(f"Lists: {', '.join(done.lists)}")
    say(f"Owner, licence and citation: {done.folder / 'ABOUT.md'}")


def _show_list(json: bool) -> None:
    from masam_core.data.prepare.registry import DATASETS

    if json:
        print_json(
            [
                {
                    "name": d.name,
                    "title": d.title,
                    "what": d.what,
                    "offered": d.offered,
                    "size": d.size,
                    "licence": d.licence,
                    "said": d.said,
                    "citation": d.citation,
                    "expects": d.expects,
                    "split": d.split,
                }
                for d in DATASETS
            ]
        )
        return
    rows = [(d.name, d.what, d.size, d.offered) for d in DATASETS]
    console().print(table(("Name", "What", "Download", "Where its owner offers it"), rows, ()))
    say("")
    for d in DATASETS:
        say(f"{d.name}: SOURCE is {d.expects}. Licence: {d.licence} {d.said}")
