"""`masam train`: train MA-SAM on image and label pairs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from masam_core.catalog.choice import ModelChoice
from masam_core.catalog.resolve import resolve_model
from masam_core.cli.common import print_json, reported
from masam_core.cli.terminal import console, progress, say, table
from masam_core.cli.train_slurm import train_on_slurm
from masam_core.errors import ConfigError
from masam_core.training.presets import DEFAULT, PRESETS

if TYPE_CHECKING:
    from masam_core.training.settings import TrainConfig

FILES, RUN = "Files to start from", "The run; every other entry: --set"
OWN_RUN = "adapted"  # folder in the data, where a run of the preset adapt was given none


@reported
def train_command(
    data: Annotated[
        Path | None,
        typer.Argument(
            help="Data set with expert masks: a folder, or a CSV or JSON list "
            "(docs/TRAINING.md shows the layouts)."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for checkpoints and logs.")
    ] = None,
    preset: Annotated[
        str, typer.Option(help=f"One of {', '.join(PRESETS)}; {DEFAULT} is the bundled model's.")
    ] = DEFAULT,
    config: Annotated[
        Path | None,
        typer.Option(help="YAML file over the preset; any entry of the training configuration."),
    ] = None,
    entries: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="ENTRY=VALUE",
            help="Any entry, over preset, file and options: lr=1e-4, model.image_size=512, "
            "prompts=null. Repeat for more; --show lists them all.",
        ),
    ] = None,
    show: Annotated[
        bool,
        typer.Option("--show", help="Only print every entry of the run as YAML, and stop."),
    ] = False,
    preview: Annotated[
        Path | None,
        typer.Option(help="Only draw what the network will see as a PNG, and stop."),
    ] = None,
    pack: Annotated[
        Path | None,
        typer.Option(
            help="Only write the training cases as one small .npz file of crops, which "
            "'masam train FILE' takes on a machine without the images, and stop."
        ),
    ] = None,
    corrector: Annotated[
        bool,
        typer.Option(
            "--corrector",
            help="Train the network that answers clicks (corrector.safetensors), not MA-SAM.",
        ),
    ] = False,
    base: Annotated[
        Path | None,
        typer.Option(help="Backbone file; the bundled one for ViT-S/14.", rich_help_panel=FILES),
    ] = None,
    decoder_from: Annotated[
        Path | None,
        typer.Option(
            help="File with SAM-layout prompt encoder and decoder weights.", rich_help_panel=FILES
        ),
    ] = None,
    start_from: Annotated[
        str | None,
        typer.Option(
            help="Model to go on from with other data (fine-tuning): 'bundled', a name from "
            "'masam models list', or a file.",
            rich_help_panel=FILES,
        ),
    ] = None,
    background: Annotated[
        list[Path] | None,
        typer.Option(
            help="Image without labels, for synthetic lesions; repeat for more.",
            rich_help_panel=FILES,
        ),
    ] = None,
    label: Annotated[
        list[int] | None,
        typer.Option(
            help="Label value that counts; repeat for more. Default: all above 0.",
            rich_help_panel=RUN,
        ),
    ] = None,
    each_lesion: Annotated[
        bool | None,
        typer.Option(
            "--each-lesion/--whole-label",
            help="Each separate part of a label is a lesion with its own box.",
            rich_help_panel=RUN,
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Optimiser steps.", rich_help_panel=RUN)] = None,
    batch: Annotated[
        int | None, typer.Option(help="Windows per step, over all devices.", rich_help_panel=RUN)
    ] = None,
    at_once: Annotated[
        int | None, typer.Option(help="Windows that a device holds at once.", rich_help_panel=RUN)
    ] = None,
    validate_every: Annotated[
        int | None,
        typer.Option(help="Steps between validations; 0: never.", rich_help_panel=RUN),
    ] = None,
    devices: Annotated[
        int | None, typer.Option(help="On each machine.", rich_help_panel=RUN)
    ] = None,
    nodes: Annotated[
        int | None,
        typer.Option(help="Machines; start with torchrun, or --slurm.", rich_help_panel=RUN),
    ] = None,
    slurm: Annotated[
        str | None,
        typer.Option(
            help="Run as a job of Slurm with these options of sbatch, e.g. '--partition gpu --gres "
            "gpu:8': torchrun on so many --nodes with so many --devices (extra slurm).",
            metavar="OPTIONS",
            rich_help_panel=RUN,
        ),
    ] = None,
    tensorboard: Annotated[
        bool | None,
        typer.Option("--tensorboard", help="Also log to TensorBoard.", rich_help_panel=RUN),
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            help="Of the preset adapt: keep the new model under this name among your models, so "
            "that --model, panel and workbench know it.",
            rich_help_panel=RUN,
        ),
    ] = None,
    json: Annotated[
        bool,
        typer.Option(
            "--json", help="Of the preset adapt: old against new as JSON.", rich_help_panel=RUN
        ),
    ] = False,
) -> None:
    """Train on image and label pairs; run it again to go on where it stopped.

    Later wins: preset, --config, options, --set. Needs the extra 'train' (dev.py setup installs
    it).
    """
    try:
        from masam_core.training.train import train
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"Training needs the package '{error.name}': pip install 'masam[train]'"
        ) from error
    from masam_core.training.layers import read_overrides, read_yaml
    from masam_core.training.presets import preset as read_preset
    from masam_core.training.settings import build_config, config_as_yaml
    from masam_core.training.starting import start_layer

    entries_of_preset = read_preset(preset)
    started: dict[str, Any] = {}
    if "model" not in entries_of_preset and not corrector:
        started = start_layer(start_from or ModelChoice.model, base)
    elif start_from is not None:
        started = {"start_from": resolve_model(start_from)} if not corrector else {}
    given: dict[str, Any] = {
        "data": data,
        "out": out,
        "base": base,
        "decoder_from": decoder_from,
        "start_from": Path(start_from) if corrector and start_from else None,
        "backgrounds": background or None,
        "steps": steps,
        "batch": batch,
        "at_once": at_once,
        "validate_every": validate_every,
        "devices": devices,
        "nodes": nodes,
        "tensorboard": tensorboard,
    }
    options = {name: value for name, value in given.items() if value is not None}
    target = {"labels": label or None, "instances": each_lesion}
    target = {name: value for name, value in target.items() if value is not None}
    if corrector and (pack is not None or preview is not None):
        raise ConfigError(
            "--pack and --preview show what MA-SAM is trained on; a pack serves --corrector, too. "
            "Leave --corrector out here."
        )
    if data is not None and not data.exists() and not show:
        raise ConfigError(
            f"There is no folder {data}. Name the folder of the cases, such as masam collect or "
            "masam prepare writes it."
        )
    if out is None and data is not None and not data.is_file() and entries_of_preset.get("compare"):
        options["out"] = data / OWN_RUN
    layers = [
        started,
        entries_of_preset,
        _corrector_defaults() if corrector else {},
        read_yaml(config) if config is not None else {},
        {**options, "target": target} if target else options,
        read_overrides(entries or []),
    ]
    run = build_config(_default_base(layers), _classes_of_data(layers), *layers)
    if (keep or json) and not run.compare:
        raise ConfigError(
            "--keep and --json belong to runs that compare old and new, such as --preset adapt."
        )
    if slurm is not None and (keep or json or show or corrector or preview or pack):
        raise ConfigError(
            "--slurm runs the training alone; leave --show, --preview, --pack, --corrector, --keep "
            "and --json out."
        )
    if slurm is not None:
        train_on_slurm(run, slurm)
    elif show:
        say(config_as_yaml(run), end=False)
    elif preview is not None:
        _preview(run, preview)
    elif pack is not None:
        _pack(run, pack)
    elif corrector:
        _train_corrector(run)
    elif run.compare:
        _adapt(run, keep, json)
    else:
        _train(run, train)


def _default_base(layers: list[dict[str, Any]]) -> dict[str, Any]:
    """The bundled backbone, for a model that stands on it; nothing where a base is given."""
    from masam_core.catalog.bundled import BUNDLED_BACKBONE, bundled_base_path
    from masam_core.model.backbones import backbone_spec
    from masam_core.training.settings import merge_layers

    merged = merge_layers(*layers)
    if merged.get("base") is not None:
        return {}
    backbone = (merged.get("model") or {}).get("backbone")
    if backbone != BUNDLED_BACKBONE:
        weights = backbone_spec(backbone).weights
        raise ConfigError(f"A model on {backbone} needs --base, {weights}.")
    return {"base": bundled_base_path()}


def _classes_of_data(layers: list[dict[str, Any]]) -> dict[str, Any]:
    """The classes of a prepared data set, for a run without prompts to which nobody gave any."""
    from masam_core.data.label_names import label_names
    from masam_core.training.settings import merge_layers

    merged = merge_layers(*layers)
    model, target = merged.get("model") or {}, merged.get("target") or {}
    automatic = "prompts" in merged and merged["prompts"] is None
    said = {"num_classes", "class_names"} & set(model) or target.get("labels")
    if said or not automatic or merged.get("data") is None:
        return {}
    names = label_names(merged["data"])
    if not names:
        return {}
    classes = {"num_classes": len(names), "class_names": tuple(names.values())}
    return {"model": classes, "target": {"labels": tuple(names)}}


def _preview(run: TrainConfig, path: Path) -> None:
    from masam_core.targets import require_targets
    from masam_core.training.preview import write_preview

    require_targets([path], raises=ConfigError)
    write_preview(path, run, lambda message: say(message, err=True))
    say(f"What the network will see: {path}", err=True)


def _pack(run: TrainConfig, path: Path) -> None:
    from masam_core.data.reading import read_cases
    from masam_core.targets import require_targets
    from masam_core.training.pack import SUFFIX, write_pack
    from masam_core.training.train import prepare_images, split_cases

    if run.prompts is None or run.model.sees_video:
        raise ConfigError("A pack holds crops around lesions, for training with boxes on volumes.")
    if path.suffix != SUFFIX:
        raise ConfigError(f"--pack is {path}; expected a file name that ends in {SUFFIX}.")
    require_targets([path], raises=ConfigError)
    cases = split_cases(read_cases(run.data), "train")
    images, _ = prepare_images(cases, run, lambda message: say(message, err=True))
    size = write_pack(path, images)
    say(f"{sum(map(len, images))} lesions, {size / 1e6:.1f} MB: {path}", err=True)


def _corrector_defaults() -> dict[str, Any]:
    """What a run of the corrector has of its own, over the preset."""
    from masam_core.training.corrections.train import CorrectorRun

    return {n: getattr(CorrectorRun, n) for n in ("lr", "warmup", "steps", "batch", "average")}


def _train_corrector(run: TrainConfig) -> None:
    """The run's data and pace, for the other network."""
    from masam_core.training.corrections.train import (
        CorrectorRun,
        held_out_fields,
        train_corrector,
    )
    from masam_core.training.train import training_sources

    unused = [
        name
        for name, value in (
            ("decoder_from", run.decoder_from),
            ("at_once", 0 < run.at_once < run.batch),
            ("devices", run.devices > 1),
            ("nodes", run.nodes > 1),
            ("tensorboard", run.tensorboard),
            ("model.channels: rgb", run.model.sees_video),
        )
        if value
    ]
    if unused:
        raise ConfigError(
            f"The corrector is trained on one device, from fields: it has no {', '.join(unused)}."
        )
    sources = training_sources(run, lambda message: say(message, err=True))
    settings = CorrectorRun(
        out=run.out,
        steps=run.steps,
        minutes=run.minutes,
        batch=run.batch,
        lr=run.lr,
        warmup=run.warmup,
        average=run.average,
        workers=run.workers,
        accelerator=run.accelerator,
        precision=run.precision,
        seed=run.seed,
        save_every=run.save_every,
        start_from=run.start_from,
    )
    held_out = held_out_fields(run) if run.validate_every else None
    path = train_corrector(
        sources, settings, held_out, report=lambda message: say(message, err=True)
    )
    say(f"Weights of the corrector: {path}", err=True)


def _adapt(run: TrainConfig, keep: str | None, json: bool) -> None:
    """Train on from a model, show old against new, and keep the new one where that was asked."""
    from rich.progress import BarColumn, TimeElapsedColumn

    from masam_core.training.adapting.keep import keep_model, require_free
    from masam_core.training.adapting.outcome import COLUMNS, NOTE
    from masam_core.training.adapting.run import adapt

    if keep is not None:
        require_free(keep)
    with progress(BarColumn(), TimeElapsedColumn()) as bar:
        task = bar.add_task("preparing", total=1.0)

        def advance(fraction: float, words: str) -> None:
            bar.update(task, completed=fraction, description=words)

        outcome = adapt(run, report=bar.console.log, progress=advance)
    if json:
        print_json(outcome.to_dict())
    else:
        console().print(table(COLUMNS, outcome.rows(), []))
        say(f"{outcome.verdict}\n{outcome.about()}\n{NOTE}")
    say(f"The new model: {outcome.model}", err=True)
    if keep is None:
        say(f"To choose it by a name: masam models add {outcome.model} --name NAME", err=True)
    else:
        say(f"It is kept as {keep}: {keep_model(outcome.model, keep).path}", err=True)


def _train(run: TrainConfig, train: Any) -> None:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with progress(*columns) as bar:
        task = bar.add_task("preparing", total=None)

        def advance(done: int, total: int, loss: float) -> None:
            bar.update(task, completed=done, total=total, description=f"loss {loss:.3f}")

        best = train(run, report=bar.console.log, progress=advance)
    say(f"{'Best' if best.stem == 'best' else 'Last'} weights: {best}", err=True)
