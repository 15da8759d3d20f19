"""`masam convert`: from one weight format to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from masam_core.cli.common import reported
from masam_core.cli.terminal import say
from masam_core.errors import CheckpointError

FORMATS = ("whole", "delta", "base", "authors")


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
    if to not in FORMATS:
        raise CheckpointError(f"--to is {to!r}; expected one of {', '.join(FORMATS)}.")
    ending = ".pth" if to == "authors" else ".safetensors"
    if target.suffix.lower() != ending:
        raise CheckpointError(f"{target} must end in {ending} for --to {to}.")
    if to == "authors" and half:
        raise CheckpointError("The authors' format is float32; leave out --half.")

    from masam_core.model.checkpoint import load_model, save_authors_delta, save_model
    from masam_core.targets import require_targets

    require_targets([target], [source, *([base] if base is not None else [])], CheckpointError)
    if source.suffix.lower() == ".onnx":
        if to != "base":
            raise CheckpointError("An .onnx file holds a backbone; convert it with --to base.")
        from masam_core.model.convert_dinov2 import model_from_onnx

        save_model(model_from_onnx(source), target, part="base", half=half)
    else:
        model = load_model(source, base=base)
        if to == "authors":
            save_authors_delta(model, target)
        else:
            save_model(model, target, part=to, half=half)  # type: ignore[arg-type]
    say(f"Wrote {target} ({target.stat().st_size / 1e6:.1f} MB)")
