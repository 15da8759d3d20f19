"""`masam convert`: from one weight format to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from masam_core.cli.common import reported
from masam_core.cli.terminal import say
from masam_core.errors import CheckpointError


@reported
def convert_command(
    source: Annotated[Path, typer.Argument(help="Weight file, or ViT-S/14 as .onnx for a base.")],
    target: Annotated[Path, typer.Argument(help="File to write.")],
    to: Annotated[
        str,
        typer.Option(
            help="whole, delta (without the backbone) or base (the backbone alone) as "
            ".safetensors; authors: as MA-SAM's authors save it (.pth)."
        ),
    ] = "whole",
    base: Annotated[
        Path | None, typer.Option(help="Backbone file, for sources that hold none.")
    ] = None,
    half: Annotated[bool, typer.Option(help="Store float16: half the size.")] = False,
) -> None:
    """Convert a checkpoint; the result is written whole or not at all."""
    from masam_core.model.checkpoint import load_model, save_model
    from masam_core.model.formats.registry import writable
    from masam_core.targets import require_targets

    ending = writable(to).ending
    if target.suffix.lower() != ending:
        raise CheckpointError(f"{target} must end in {ending} for --to {to}.")

    require_targets([target], [source, *([base] if base is not None else [])], CheckpointError)
    if source.suffix.lower() == ".onnx":
        if to != "base":
            raise CheckpointError("An .onnx file holds a backbone; convert it with --to base.")
        from masam_core.model.encoders.dinov2_onnx import model_from_onnx

        save_model(model_from_onnx(source), target, "base", half)
    else:
        save_model(load_model(source, base=base), target, to, half)
    say(f"Wrote {target} ({target.stat().st_size / 1e6:.1f} MB)")
