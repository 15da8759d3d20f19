"""`masam bench`: how fast this machine is, and against what."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from masam_core.catalog.choice import ModelChoice
from masam_core.cli.common import print_json, reported
from masam_core.cli.options import Base, Device
from masam_core.cli.terminal import console, say
from masam_core.errors import ConfigError


@reported
def bench_command(
    backbone: Annotated[
        str, typer.Option(help="vit_s14, vit_b, vit_l or vit_h, with random weights.")
    ] = "vit_b",
    image_size: Annotated[
        int | None, typer.Option(help="Side of the network's input; default 512 (ViT-S: 504).")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Instead of random weights: 'bundled', a catalogue name, or a file."),
    ] = None,
    base: Base = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="window, job, refine, length, loading, queue, start, growth, scale (with "
            "growth and tabs), tabs, runtimes; repeat for more. Default: all but growth, scale, "
            "tabs and, unless the model is the bundled one, runtimes."
        ),
    ] = None,
    agreement: Annotated[
        Path | None,
        typer.Option(help="Also compare the settings' masks on these cases' validation split."),
    ] = None,
    busy: Annotated[
        int | None,
        typer.Option(
            min=1, help="Also a lesion beside so many processes that never rest (sample volume)."
        ),
    ] = None,
    int8: Annotated[
        Path | None,
        typer.Option(
            help="In runtimes, also this folder: of masam convert bundled --to openvino --int8."
        ),
    ] = None,
    slices: Annotated[int, typer.Option(min=1, max=60, help="Slices of the lesion.")] = 20,
    repeats: Annotated[int, typer.Option(min=1, help="Runs, of which the median counts.")] = 3,
    device: Device = ModelChoice.device,
    json: Annotated[bool, typer.Option("--json", help="Results as JSON on stdout.")] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Only one window, operation by operation.")
    ] = False,
) -> None:
    """Compare the literal MA-SAM procedure with MASAM, same weights and input, in one run.

    About a quarter of an hour for ViT-B on two cores, a few minutes with --model bundled. With
    --agreement or --busy alone only that is measured.
    """
    from masam_core.bench.agreement import agreement_rows
    from masam_core.bench.busy import busy_rows
    from masam_core.bench.inputs import random_model
    from masam_core.bench.profile import profile_window
    from masam_core.bench.rows import Setup
    from masam_core.bench.run import BY_DEFAULT, FILE_WIDTH, SECTIONS, machine, show
    from masam_core.catalog.choice import ModelChoice
    from masam_core.catalog.resolve import load_by_name
    from masam_core.inference.device import choose_device, choose_precision
    from masam_core.inference.runtimes.openvino_device import is_openvino

    usual = (*BY_DEFAULT, "runtimes") if model == "bundled" else BY_DEFAULT
    sections = list(only or (() if agreement or busy else usual))
    unknown = sorted(set(sections) - set(SECTIONS))
    if unknown:
        raise ConfigError(f"Unknown section {unknown[0]}; expected {', '.join(SECTIONS)}.")
    if agreement is not None and model is None:
        raise ConfigError("Agreement needs a trained model: add --model bundled.")
    if busy and not sections and model is None:
        model = "bundled"
    if int8 is not None and "runtimes" not in sections:
        raise ConfigError("--int8 is for the section runtimes: add --only runtimes.")
    if is_openvino(device):
        raise ConfigError(
            "'masam bench' runs on PyTorch's devices, and measures OpenVINO beside PyTorch in its "
            "section 'runtimes'. Leave --device out."
        )
    chosen = choose_device(device)
    size = image_size or (504 if backbone == "vit_s14" else 512)
    setup = Setup(
        build=partial(load_by_name, model, base)
        if model
        else partial(random_model, backbone, size),
        device=chosen,
        precision=str(choose_precision("auto", chosen)).removeprefix("torch."),
        slices=slices,
        repeats=repeats,
        int8=int8,
        tell=lambda text: console(err=True).print(text, style="dim"),
    )
    if profile:
        say(profile_window(setup))
        return
    rows = [row for name in sections for row in SECTIONS[name](setup)]
    if agreement is not None:
        rows += agreement_rows(setup, agreement)
    if busy:
        choice = ModelChoice(model or "bundled", str(base) if base else None, str(chosen))
        rows += busy_rows(setup, busy, choice)
    about = machine(chosen) | {"model": model or f"{backbone} at {size}, random weights"}
    if json:
        print_json({"machine": about, "rows": [row.to_dict() for row in rows]})
        return
    shown = console()
    if not shown.is_terminal:
        shown.width = FILE_WIDTH
    shown.print(", ".join(f"{key} {value}" for key, value in about.items()))
    show(rows, shown)
