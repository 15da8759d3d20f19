"""Options that several commands take, stated once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from masam_core.inference.extend import Extend
from masam_core.inference.options import SegmentOptions, axis_of
from masam_core.inference.quality import Quality
from masam_core.lesion.cleaning_options import Keep, PostprocessOptions
from masam_core.lesion.diameter_plane import DiameterPlane
from masam_core.limits import MARGIN_MM, SMOOTH_MM, THRESHOLD

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
    Quality,
    typer.Option(help="How many windows see each slice.", rich_help_panel=SETTINGS),
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
KeepOption = Annotated[
    Keep,
    typer.Option(
        help="Pieces kept; 'centre' are those that touch the box's middle.",
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
ExtendOption = Annotated[
    Extend,
    typer.Option(
        help="What happens where a box cuts the lesion off: 'never' tells, 'auto' extends it.",
        rich_help_panel=SETTINGS,
    ),
]
DiameterPlaneOption = Annotated[
    DiameterPlane,
    typer.Option(
        help="Plane of the diameters; 'auto' is axial on CT, else the plane of acquisition.",
        rich_help_panel=SETTINGS,
    ),
]
ModalityOption = Annotated[
    str | None,
    typer.Option(help="CT or MR, where the file does not say.", rich_help_panel=SETTINGS),
]
Device = Annotated[
    str,
    typer.Option(
        help="auto, cpu, cuda, cuda:1, mps, openvino, openvino:GPU, openvino:NPU.",
        rich_help_panel=SETTINGS,
    ),
]
PrecisionOption = Annotated[
    str,
    typer.Option(
        help="auto, float32, bfloat16, float16; int8 on a CPU without bfloat16.",
        rich_help_panel=SETTINGS,
    ),
]

Classes = Annotated[
    list[str] | None,
    typer.Option(
        "--class",
        help="With --automatic: this class alone, by name or synonym; one without a side takes "
        "both. Repeat for more.",
        metavar="NAME",
        rich_help_panel=SETTINGS,
    ),
]
Anonymous = Annotated[
    bool,
    typer.Option(
        "--anonymous",
        help="Leave the patient's data out of every file: DICOM tags, names of image and lesions; "
        "UIDs become hashes.",
        rich_help_panel=SETTINGS,
    ),
]


WorkerCommand = Annotated[
    str,
    typer.Option(
        help="Compute elsewhere: a command such as 'ssh gpu python -m masam_core.worker'.",
        rich_help_panel=SETTINGS,
    ),
]


def segment_options(
    quality: Quality,
    threshold: float | None,
    margin: float,
    keep: Keep,
    fill_holes: bool,
    smooth: float,
    slice_axis: str | None,
    diameter_plane: DiameterPlane,
    extend: Extend = SegmentOptions.extend,
) -> SegmentOptions:
    """The settings of a segmentation as typed; raises ConfigError for what makes no sense."""
    cleaning = PostprocessOptions(keep, fill_holes, smooth)
    axis = axis_of(slice_axis)
    return SegmentOptions(quality, threshold, margin, cleaning, axis, diameter_plane, extend)
