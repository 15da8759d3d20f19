"""`masam convert`: from one weight format to another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from masam_core.cli.common import reported
from masam_core.cli.terminal import say
from masam_core.errors import CheckpointError, ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from masam_core.model.masam import MASAM

OPENVINO = "openvino"


@reported
def convert_command(
    source: Annotated[
        Path,
        typer.Argument(help="Weight file, a model's name, or ViT-S/14 as .onnx for a base."),
    ],
    target: Annotated[Path | None, typer.Argument(help="File or folder to write.")] = None,
    to: Annotated[
        str,
        typer.Option(
            help="whole, delta (without the backbone) or base (the backbone alone) as "
            ".safetensors; authors: as MA-SAM's authors save it (.pth); openvino: a folder that "
            "segments without PyTorch."
        ),
    ] = "whole",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The same as TARGET.")
    ] = None,
    base: Annotated[
        Path | None, typer.Option(help="Backbone file, for sources that hold none.")
    ] = None,
    half: Annotated[bool, typer.Option(help="Store float16: half the size.")] = False,
    int8: Annotated[
        bool,
        typer.Option(
            "--int8",
            help="With --to openvino: an encoder in int8, quicker and a little less exact "
            "(extra int8).",
        ),
    ] = False,
    calibrate: Annotated[
        Path | None,
        typer.Option(
            help="With --int8: cases, as for evaluate, that its scales are found on; default: the "
            "samples that come with MASAM.",
        ),
    ] = None,
) -> None:
    """Convert a checkpoint; the result is written whole or not at all."""
    from masam_core.model.checkpoint import load_model, save_model
    from masam_core.model.formats.registry import writable
    from masam_core.targets import require_targets

    wanted = output if target is None else target
    if wanted is None or (output is not None and target is not None):
        raise ConfigError("Say once what is to be written: as TARGET, or with -o.")
    if int8 and to != OPENVINO:
        raise ConfigError("--int8 is for --to openvino.")
    if calibrate is not None and not int8:
        raise ConfigError("--calibrate is for --int8.")
    if to == OPENVINO:
        from masam_core.inference.runtimes.conversion import require_new, write_folder

        require_new(wanted)
        model = _model(source, base)
        write_folder(model, wanted, half, _windows(model, calibrate) if int8 else ())
        size = sum(file.stat().st_size for file in wanted.iterdir())
        say(f"Wrote {wanted} ({size / 1e6:.1f} MB). Segment with: --model {wanted}")
        return
    ending = writable(to).ending
    if wanted.suffix.lower() != ending:
        raise CheckpointError(f"{wanted} must end in {ending} for --to {to}.")

    require_targets([wanted], [source, *([base] if base is not None else [])], CheckpointError)
    if source.suffix.lower() == ".onnx":
        if to != "base":
            raise CheckpointError("An .onnx file holds a backbone; convert it with --to base.")
        from masam_core.model.encoders.dinov2_onnx import model_from_onnx

        save_model(model_from_onnx(source), wanted, "base", half)
    elif source.suffix:
        save_model(load_model(source, base=base), wanted, to, half)
    else:
        save_model(_model(source, base), wanted, to, half)
    say(f"Wrote {wanted} ({wanted.stat().st_size / 1e6:.1f} MB)")


def _windows(model: MASAM, calibrate: Path | None) -> list[NDArray[np.float32]]:
    """What int8's scales are found on."""
    from masam_core.inference.calibrating import calibration_pairs, calibration_windows
    from masam_core.inference.runtimes.conversion import require_convertible
    from masam_core.inference.runtimes.quantizing import require_nncf

    require_nncf()  # before the work that is for it
    require_convertible(model)
    return calibration_windows(model, calibration_pairs(calibrate))


def _model(source: Path, base: Path | None) -> MASAM:
    """The model of a file or a name."""
    from masam_core.catalog.resolve import load_by_name

    return load_by_name(str(source), base)
