"""`masam collect`: lesions that were put right, as a data set to train on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from masam_core.cli.common import print_json, reported
from masam_core.cli.terminal import progress, say, warn
from masam_core.collect import HELD_OUT


@reported
def collect_command(
    sources: Annotated[
        list[Path],
        typer.Argument(
            help="Saved scenes (.mrb, .mrml), results of 'masam batch', or folders with such."
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of the data set; may be gone on with.")
    ],
    everything: Annotated[
        bool, typer.Option("--all", help="Take lesions that nobody has put right, too.")
    ] = False,
    held_out: Annotated[
        float, typer.Option(help="Share of the patients held out for comparisons.")
    ] = HELD_OUT,
    seed: Annotated[int, typer.Option(help="Of the choice of those patients.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Results as JSON on stdout.")] = False,
) -> None:
    """Gather image, mask, prompts and origin of lesions that were locked, touched up or confirmed.

    'masam train' and 'masam evaluate' read the folder. Names in it say nothing of a patient; the
    images are theirs all the same, and nothing leaves this machine.
    """
    from rich.progress import BarColumn

    from masam_core.collect.run import collect

    with progress(BarColumn(), transient=True) as bar:
        task = bar.add_task("looking", total=1.0)

        def advance(fraction: float, words: str) -> None:
            bar.update(task, completed=fraction, description=words)

        found = collect(sources, out, everything, held_out, seed, advance)
    if json:
        print_json(
            {
                "folder": str(found.folder),
                **{name: found.counts[name] for name in ("added", "renewed", "known")},
                "left_out": [{"what": each.what, "why": each.why} for each in found.left_out],
                "lesions": found.lesions,
                "patients": found.patients,
                "held_out": found.held_out,
            }
        )
        return
    for each in found.left_out:
        warn(f"Left out: {each.what}: {each.why}.".replace("..", "."))
    say(found.summary)
