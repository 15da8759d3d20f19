"""Options that several commands take, stated once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from masam_core.inference.limits import MARGIN_MM, SMOOTH_MM, THRESHOLD

SETTINGS = "Settings"

Model = Annotated[
    str,
    typer.Option(
        help="'bundled', a name from 'masam models list', or a file.", rich_help_panel=SETTINGS
    ),
]
Base = Annotated[
    Path | None,
    typer.Option(
        help="Backbone file, for models that hold only what was trained.", rich_help_panel=SETTINGS
    ),
]
QualityOption = Annotated[
    str, typer.Option(help="fast, balanced or best.", rich_help_panel=SETTINGS)
]
Threshold = Annotated[
    float | None,
    typer.Option(
        help=f"Probability that makes a voxel lesion, {THRESHOLD.words}; default: the model's.",
        rich_help_panel=SETTINGS,
    ),
]
Margin = Annotated[
    float,
    typer.Option(
        help=f"How far a mask may leave its box, {MARGIN_MM.words}.", rich_help_panel=SETTINGS
    ),
]
Keep = Annotated[
    str,
    typer.Option(
        help="Pieces kept: 'centre' (touching the box's middle), 'largest' or 'all'.",
        rich_help_panel=SETTINGS,
    ),
]
FillHoles = Annotated[bool, typer.Option(help="Fill enclosed holes.", rich_help_panel=SETTINGS)]
Smooth = Annotated[
    float,
    typer.Option(help=f"Smoothing of the outline, {SMOOTH_MM.words}.", rich_help_panel=SETTINGS),
]
SliceAxis = Annotated[
    str | None,
    typer.Option(
        help="Voxel axis across the slices: i, j or k. Default: the one with the widest spacing; "
        "'masam info IMAGE' says which.",
        metavar="[i|j|k]",
        rich_help_panel=SETTINGS,
    ),
]
ModalityOption = Annotated[
    str | None,
    typer.Option(help="CT or MR, where the file does not say.", rich_help_panel=SETTINGS),
]
Device = Annotated[
    str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.", rich_help_panel=SETTINGS)
]
PrecisionOption = Annotated[
    str,
    typer.Option(
        help="auto, float32, bfloat16, float16; int8 on a CPU without bfloat16.",
        rich_help_panel=SETTINGS,
    ),
]
