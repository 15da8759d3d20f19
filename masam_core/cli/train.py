"""`masam train`: train MA-SAM on image and label pairs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from masam_core.cli.common import reported
from masam_core.errors import ConfigError

if TYPE_CHECKING:
    from masam_core.training.settings import TrainConfig

DATA, RUN, DEVICES = "What is learnt from", "The run", "Devices"


@reported
def train_command(
    data: Annotated[
        Path | None,
        typer.Argument(
            help="Folder with index.csv or dataset.json (Medical Segmentation Decathlon), or a "
            "CSV or JSON list."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for checkpoints and logs.")
    ] = None,
    preset: Annotated[
        str, typer.Option(help="tumour-box-small (the bundled model) or pancreas-tumour-box.")
    ] = "tumour-box-small",
    config: Annotated[
        Path | None,
        typer.Option(help="YAML file over the preset; any entry of the training configuration."),
    ] = None,
    preview: Annotated[
        Path | None,
        typer.Option(help="Only draw what the network will see as a PNG, and stop."),
    ] = None,
    base: Annotated[
        Path | None, typer.Option(help="Backbone file; the bundled one for ViT-S/14.")
    ] = None,
    decoder_from: Annotated[
        Path | None,
        typer.Option(help="File with SAM-layout prompt encoder and decoder weights to start from."),
    ] = None,
    start_from: Annotated[
        Path | None, typer.Option(help="MASAM file to go on from with other data (fine-tuning).")
    ] = None,
    background: Annotated[
        list[Path] | None,
        typer.Option(
            help="Image without labels, for synthetic lesions; repeat for more.",
            rich_help_panel=DATA,
        ),
    ] = None,
    label: Annotated[
        list[int] | None,
        typer.Option(
            help="Label value that counts; repeat for more. Default: all above 0.",
            rich_help_panel=DATA,
        ),
    ] = None,
    each_lesion: Annotated[
        bool | None,
        typer.Option(
            "--each-lesion/--whole-label",
            help="Each separate part of a label is a lesion with its own box.",
            rich_help_panel=DATA,
        ),
    ] = None,
    jitter: Annotated[
        float | None,
        typer.Option(
            min=0, max=0.4, help="Most a box side is off, of its length.", rich_help_panel=DATA
        ),
    ] = None,
    without_prompts: Annotated[
        bool,
        typer.Option(
            "--without-prompts",
            help="Automatic segmentation: whole slices, no boxes.",
            rich_help_panel=DATA,
        ),
    ] = False,
    synthetic: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Share of samples with a synthetic lesion.", rich_help_panel=DATA
        ),
    ] = None,
    regions: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Share with a region of the image itself.", rich_help_panel=DATA
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Optimiser steps.", rich_help_panel=RUN)
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Instead of steps: windows per slice.", rich_help_panel=RUN),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(min=1, help="Windows per step, over all devices.", rich_help_panel=RUN),
    ] = None,
    at_once: Annotated[
        int | None,
        typer.Option(min=1, help="Windows that a device holds at once.", rich_help_panel=RUN),
    ] = None,
    lr: Annotated[float | None, typer.Option(help="Peak rate.", rich_help_panel=RUN)] = None,
    seed: Annotated[
        int | None, typer.Option(help="Makes the run repeatable.", rich_help_panel=RUN)
    ] = None,
    validate_every: Annotated[
        int | None,
        typer.Option(min=0, help="Steps between validations; 0: never.", rich_help_panel=RUN),
    ] = None,
    save_every: Annotated[
        int | None,
        typer.Option(min=1, help="Steps between checkpoints.", rich_help_panel=RUN),
    ] = None,
    checkpointing: Annotated[
        bool | None,
        typer.Option(
            "--checkpointing/--no-checkpointing",
            help="Less memory for more time: ViT-H on a 24 GB card.",
            rich_help_panel=DEVICES,
        ),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(help="32-true, bf16-mixed or 16-mixed.", rich_help_panel=DEVICES),
    ] = None,
    accelerator: Annotated[
        str | None, typer.Option(help="auto, cpu or cuda.", rich_help_panel=DEVICES)
    ] = None,
    devices: Annotated[
        int | None, typer.Option(min=1, help="On each machine.", rich_help_panel=DEVICES)
    ] = None,
    nodes: Annotated[
        int | None,
        typer.Option(min=1, help="Machines; start with torchrun.", rich_help_panel=DEVICES),
    ] = None,
    tensorboard: Annotated[
        bool | None,
        typer.Option("--tensorboard", help="Also log to TensorBoard.", rich_help_panel=RUN),
    ] = None,
) -> None:
    """Train on image and label pairs; run it again to go on where it stopped.

    Later wins: preset, --config, options. Needs the extra 'train' (dev.py setup installs it).
    """
    try:
        from masam_core.training.train import train
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"Training needs the package '{error.name}': pip install 'masam[train]'"
        ) from error
    from masam_core.training.presets import preset as preset_values
    from masam_core.training.settings import build_config, read_yaml

    values: dict[str, Any] = {
        "data": data,
        "out": out,
        "base": base,
        "decoder_from": decoder_from,
        "start_from": start_from,
        "backgrounds": background or None,
        "steps": steps,
        # --steps given: a preset's epochs no longer count.
        "epochs": 0 if steps is not None and epochs is None else epochs,
        "batch": batch,
        "at_once": at_once,
        "lr": lr,
        "synthetic": synthetic,
        "regions": regions,
        "seed": seed,
        "validate_every": validate_every,
        "save_every": save_every,
        "checkpointing": checkpointing,
        "precision": precision,
        "accelerator": accelerator,
        "devices": devices,
        "nodes": nodes,
        "tensorboard": tensorboard,
    }
    values = {name: value for name, value in values.items() if value is not None}
    target: dict[str, Any] = {"labels": label} if label else {}
    if each_lesion is not None:
        target["instances"] = each_lesion
    if target:
        values["target"] = target
    if jitter is not None:
        values["prompts"] = {"jitter": jitter}
    layers = [preset_values(preset), read_yaml(config) if config is not None else {}, values]
    if without_prompts:
        layers.append({"prompts": None})
    layers = [_default_base(layers), *layers]
    run = build_config(*layers)
    if preview is not None:
        _preview(run, preview)
        return
    _train(run, train)


def _default_base(layers: list[dict[str, Any]]) -> dict[str, Any]:
    """The bundled backbone, for a model that stands on it."""
    from masam_core.catalog.bundled import BUNDLED_BACKBONE, bundled_base_path
    from masam_core.model.encoders.registry import backbone_spec

    backbone: Any = None
    for layer in layers:
        model = layer.get("model")
        if isinstance(model, dict):
            backbone = model.get("backbone", backbone)
    if any(layer.get("base") is not None for layer in layers):
        return {}
    if backbone != BUNDLED_BACKBONE:
        weights = backbone_spec(backbone).weights
        raise ConfigError(f"A model on {backbone} needs --base, {weights}.")
    return {"base": bundled_base_path()}


def _preview(run: TrainConfig, path: Path) -> None:
    from masam_core.training.preview import write_preview

    if not path.parent.is_dir():
        raise ConfigError(f"The folder {path.parent} does not exist; make it first.")
    write_preview(path, run, lambda message: typer.echo(message, err=True))
    typer.echo(f"What the network will see: {path}", err=True)


def _train(run: TrainConfig, train: Any) -> None:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("preparing", total=None)

        def advance(done: int, total: int, loss: float) -> None:
            bar.update(task, completed=done, total=total, description=f"loss {loss:.3f}")

        best = train(run, report=console.log, progress=advance)
    console.print(f"Best weights: {best}")
