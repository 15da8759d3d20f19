"""`masam train`: train MA-SAM from simulated box prompts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from masam_core.cli.common import reported


@reported
def train_command(
    data: Annotated[Path, typer.Argument(help="Folder with index.csv, or the CSV file itself.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for checkpoints and logs.")],
    preset: Annotated[str, typer.Option(help="Model to train.")] = "tumour-box-small",
    base: Annotated[
        Path | None,
        typer.Option(help="Backbone file; the bundled one for tumour-box-small."),
    ] = None,
    decoder_from: Annotated[
        Path | None,
        typer.Option(help="File with SAM-layout prompt encoder and decoder weights to start from."),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps.")] = 3600,
    batch: Annotated[int, typer.Option(min=1, help="Windows per step.")] = 2,
    lr: Annotated[float, typer.Option(help="Peak learning rate.")] = 4e-4,
    warmup: Annotated[int, typer.Option(min=0, help="Warm-up steps.")] = 100,
    power: Annotated[float, typer.Option(help="Power of the decay (the paper's is 7).")] = 1.5,
    jitter: Annotated[
        float, typer.Option(min=0, max=0.4, help="Most a box side is off, of its length.")
    ] = 0.1,
    synthetic: Annotated[
        float, typer.Option(min=0, max=1, help="Share of samples with a synthetic lesion.")
    ] = 0.3,
    seed: Annotated[int, typer.Option(help="Makes the run repeatable.")] = 0,
    validate_every: Annotated[
        int, typer.Option(min=0, help="Steps between validations; 0: never.")
    ] = 600,
    save_every: Annotated[int, typer.Option(min=1, help="Steps between checkpoints.")] = 50,
    precision: Annotated[str, typer.Option(help="32-true, bf16-mixed or 16-mixed.")] = "bf16-mixed",
    accelerator: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Train on image and label pairs; run it again to go on where it stopped.

    Needs the extra 'train' (pip install "masam[train]").
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from masam_core.errors import ConfigError

    try:
        from masam_core.training.train import TrainConfig, train
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"Training needs the package '{error.name}': pip install 'masam[train]'"
        ) from error
    from masam_core.catalog.bundled import bundled_base_path
    from masam_core.training.presets import preset as preset_model

    model = preset_model(preset)
    if base is None:
        if model.backbone != "vit_s14":
            raise ConfigError(f"The preset {preset} needs --base, a SAM {model.backbone} file.")
        base = bundled_base_path()
    config = TrainConfig(
        data=data,
        out=out,
        base=base,
        decoder_from=decoder_from,
        model=model,
        steps=steps,
        batch=batch,
        lr=lr,
        warmup=warmup,
        power=power,
        jitter=jitter,
        synthetic=synthetic,
        seed=seed,
        validate_every=validate_every,
        save_every=save_every,
        accelerator=accelerator,
        precision=precision,
    )
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("training", total=steps)

        def advance(done: int, total: int, loss: float) -> None:
            bar.update(task, completed=done, total=total, description=f"loss {loss:.3f}")

        best = train(config, report=console.log, progress=advance)
    console.print(f"Best weights: {best}")
