"""`masam evaluate`: Dice against expert masks, beside the inscribed ellipsoid."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from masam_core.cli.common import print_json, reported
from masam_core.errors import ConfigError


@reported
def evaluate_command(
    data: Annotated[Path, typer.Argument(help="Folder with index.csv, or the CSV file itself.")],
    split: Annotated[str, typer.Option(help="Cases of this split.")] = "val",
    model: Annotated[str, typer.Option(help="'bundled', a catalogue name, or a file.")] = "bundled",
    base: Annotated[
        Path | None, typer.Option(help="Backbone file, for models that hold only what was trained.")
    ] = None,
    quality: Annotated[str, typer.Option(help="fast, balanced or best.")] = "balanced",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda.")] = "auto",
    csv: Annotated[Path | None, typer.Option(help="Also write a line per case here.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Results as JSON on stdout.")] = False,
) -> None:
    """Segment each case from the tight 3D box of its expert mask, and compare."""
    from dataclasses import asdict

    from masam_core.catalog.resolve import load_by_name
    from masam_core.evaluation.evaluate import evaluate_cases, summary_rows
    from masam_core.evaluation.scores import write_scores
    from masam_core.inference.segmenter import Segmenter
    from masam_core.inference.windows import stride_of
    from masam_core.training.cases import read_index

    stride_of(quality, 1)  # type: ignore[arg-type]  # refuses an unknown word before the work
    if csv is not None and not csv.parent.is_dir():
        raise ConfigError(f"The folder {csv.parent} does not exist; make it first.")
    cases = [c for c in read_index(data) if c.split == split]
    if not cases:
        raise ConfigError(f"{data} lists no case with split '{split}'.")
    segmenter = Segmenter(load_by_name(model, base), device=device)

    def show(number: int, count: int, name: str) -> None:
        typer.echo(f"{number + 1}/{count} {name}", err=True)

    scores = evaluate_cases(cases, segmenter, quality, show)  # type: ignore[arg-type]
    rows = summary_rows(scores)
    if csv is not None:
        write_scores(csv, scores)
    if json:
        print_json({"cases": [asdict(s) for s in scores], "summary": rows})
        return
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for column in ("Cases", "n", "Dice", "Ellipsoid", "Worst", "Better than ellipsoid"):
        table.add_column(column, justify="left" if column == "Cases" else "right")
    for score in scores:
        better = "yes" if score.dice > score.ellipsoid else "no"
        table.add_row(score.case, "", f"{score.dice:.3f}", f"{score.ellipsoid:.3f}", "", better)
    table.add_section()
    for row in rows:
        table.add_row(
            row["cases"],
            str(row["n"]),
            f"{row['dice']:.3f}",
            f"{row['ellipsoid']:.3f}",
            f"{row['worst']:.3f}",
            f"{row['better']} of {row['n']}",
        )
    Console().print(table)
