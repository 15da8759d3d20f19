"""`masam segment`: boxes in, masks out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from masam_core.catalog.choice import ModelChoice
from masam_core.cli.common import plural, print_json, reported
from masam_core.cli.options import (
    SETTINGS,
    Base,
    Device,
    DiameterPlaneOption,
    FillHoles,
    KeepOption,
    Margin,
    ModalityOption,
    Model,
    PrecisionOption,
    QualityOption,
    SliceAxis,
    Smooth,
    Threshold,
    segment_options,
)
from masam_core.cli.terminal import console, plain, progress, say, table
from masam_core.errors import BoxError, SegmentationError
from masam_core.inference.options import SegmentOptions
from masam_core.lesion.cleaning_options import PostprocessOptions
from masam_core.lesion.measurements.diameters import diameters_text
from masam_core.prompts.per import Per

if TYPE_CHECKING:
    from masam_core.image.volume import Volume
    from masam_core.lesion.lesion import Lesion
    from masam_core.prompts.boxes import BoxPrompt

PROMPTS = "Prompt (choose one kind)"
FILES = "Further files"


@reported
def segment_command(
    image: Annotated[
        Path, typer.Argument(help="NIfTI, NRRD or MetaImage file, or a DICOM series folder.")
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help=".seg.nrrd for 3D Slicer, or .nii.gz, .nrrd, .mha."),
    ],
    roi: Annotated[
        list[Path] | None,
        typer.Option(
            help="File of boxes, e.g. a Slicer ROI (.mrk.json); repeat for more.",
            rich_help_panel=PROMPTS,
        ),
    ] = None,
    box: Annotated[
        list[str] | None,
        typer.Option(
            help="Six voxel indices, both ends included; repeat for more.",
            metavar="I0 I1 J0 J1 K0 K1",
            rich_help_panel=PROMPTS,
        ),
    ] = None,
    boxes_from: Annotated[
        Path | None,
        typer.Option(
            help="Label image: the tight box of each connected piece.", rich_help_panel=PROMPTS
        ),
    ] = None,
    per: Annotated[
        Per,
        typer.Option(
            help="With --boxes-from: one box a connected component or a label value.",
            rich_help_panel=PROMPTS,
        ),
    ] = Per.COMPONENT,
    automatic: Annotated[
        bool,
        typer.Option(
            "--automatic",
            help="No boxes: every class of a model that was trained without prompts.",
            rich_help_panel=PROMPTS,
        ),
    ] = False,
    overlay: Annotated[
        Path | None, typer.Option(help="Picture of the result (.png).", rich_help_panel=FILES)
    ] = None,
    measurements: Annotated[
        Path | None, typer.Option(help="Table of measurements (.csv).", rich_help_panel=FILES)
    ] = None,
    probability: Annotated[
        Path | None,
        typer.Option(help="Probability map (.nii.gz, .nrrd, .mha).", rich_help_panel=FILES),
    ] = None,
    model: Model = ModelChoice.model,
    base: Base = None,
    quality: QualityOption = SegmentOptions.quality,
    threshold: Threshold = SegmentOptions.threshold,
    margin: Margin = SegmentOptions.margin_mm,
    keep: KeepOption = PostprocessOptions.keep,
    fill_holes: FillHoles = PostprocessOptions.fill_holes,
    smooth: Smooth = PostprocessOptions.smooth_mm,
    slice_axis: SliceAxis = None,
    diameter_plane: DiameterPlaneOption = SegmentOptions.diameter_plane,
    modality: ModalityOption = None,
    series: Annotated[
        str | None,
        typer.Option(help="SeriesInstanceUID, in a folder of several.", rich_help_panel=SETTINGS),
    ] = None,
    device: Device = ModelChoice.device,
    precision: PrecisionOption = ModelChoice.precision,
    json: Annotated[bool, typer.Option("--json", help="Results as JSON on stdout.")] = False,
) -> None:
    """Segment one lesion for each box and write them into one file.

    Lesions are numbered in the order given. No voxel outside a box (plus --margin) is ever set.
    """
    _require_one_prompt(roi, box, boxes_from, automatic)
    given = [image, *(roi or []), *([boxes_from] if boxes_from is not None else [])]
    _require_outputs(given, out, overlay, measurements, probability)

    from masam_core.image.volume import read_volume
    from masam_core.inference.automatic import segment_classes
    from masam_core.inference.segmenter import Segmenter

    options = segment_options(
        quality, threshold, margin, keep, fill_holes, smooth, slice_axis, diameter_plane
    )
    volume = read_volume(image, series=series).with_modality(modality)
    boxes = [] if automatic else _boxes(volume, roi or [], box or [], boxes_from, per)
    segmenter = Segmenter(model, device, precision, base=base)
    segmenter.set_volume(volume)
    lesions = []
    with _progress(quiet=json) as show:
        for number, prompt in enumerate(boxes, 1):
            name = prompt.name or f"lesion {number}"
            lesions.append(
                segmenter.segment(
                    prompt.renamed(name), options, progress=show(name, number, len(boxes))
                )
            )
        if automatic:
            lesions = segment_classes(
                segmenter,
                options.quality,
                show("all slices", 1, 1),
                slice_axis=options.slice_axis,
                diameter_plane=options.diameter_plane,
            )
    if automatic and not any(lesion.mask.any() for lesion in lesions):
        raise SegmentationError(f"Nothing was found in {image}; no file was written.")
    notes = _write(volume, lesions, out, overlay, measurements, probability)
    if json:
        print_json(_document(image, out, segmenter, lesions, notes))
    else:
        _table(lesions, notes, out)


def _require_one_prompt(
    roi: list[Path] | None,
    box: list[str] | None,
    boxes_from: Path | None,
    automatic: bool,
) -> None:
    given = [bool(roi), bool(box), boxes_from is not None, automatic]
    if sum(given) != 1:
        raise BoxError(
            "Give the boxes in exactly one way: --roi FILE.mrk.json, --box 'I0 I1 J0 J1 K0 K1', "
            "or --boxes-from LABELS; or none with --automatic."
        )


def _require_outputs(
    given: list[Path],
    out: Path,
    overlay: Path | None,
    measurements: Path | None,
    probability: Path | None,
) -> None:
    """Check names, rights and folders before the work, not after it."""
    from masam_core.export.formats.label_image import LABEL_IMAGE
    from masam_core.export.formats.picture import PICTURE
    from masam_core.export.formats.registry import format_of, listed
    from masam_core.export.formats.table import TABLE
    from masam_core.targets import require_targets

    kinds = [(overlay, PICTURE), (measurements, TABLE), (probability, LABEL_IMAGE)]
    format_of(out, masks=True)
    for path, kind in kinds:
        if path is not None and format_of(path) is not kind:
            raise SegmentationError(f"{path} must end in {listed(kind.endings)}.")
    further = [path for path, _ in kinds if path is not None]
    require_targets([out, *further], given, SegmentationError)


def _boxes(
    volume: Volume, roi: list[Path], box: list[str], boxes_from: Path | None, per: Per
) -> list[BoxPrompt]:
    from masam_core.prompts.boxes import BoxPrompt
    from masam_core.prompts.readers.registry import read_boxes

    files = roi if boxes_from is None else [boxes_from]
    if files:
        return [b for path in files for b in read_boxes(path, volume.geometry, per)]
    return [BoxPrompt.from_voxels(*_six(text)) for text in box]


def _six(text: str) -> list[int]:
    parts = text.replace(",", " ").split()
    try:
        numbers = [int(p) for p in parts]
    except ValueError:
        numbers = []
    if len(numbers) != 6:
        raise BoxError(
            f"--box {text!r}: expected six whole numbers 'I0 I1 J0 J1 K0 K1', in quotes."
        )
    return numbers


def _write(
    volume: Volume,
    lesions: list[Lesion],
    out: Path,
    overlay: Path | None,
    measurements: Path | None,
    probability: Path | None,
) -> tuple[str, ...]:
    from masam_core.export.measurements import measurement_rows, write_measurements
    from masam_core.export.overlay.overlay import render_overlay
    from masam_core.export.segmentation import write_probability, write_segmentation

    notes = write_segmentation(out, lesions, volume)
    if probability is not None:
        write_probability(probability, lesions, volume)
    if measurements is not None:
        write_measurements(measurements, measurement_rows(lesions, volume))
    if overlay is not None:
        render_overlay(overlay, volume, lesions)
    return notes


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[str, int, int], Callable[[float, str], None]]]:
    """Yields a function that makes a progress callback for each lesion."""
    from rich.progress import BarColumn, TimeElapsedColumn

    quiet = quiet or not sys.stderr.isatty()
    with progress(BarColumn(), TimeElapsedColumn(), quiet=quiet, transient=True) as bar:
        task = bar.add_task("", total=1.0)

        def start(name: str, number: int, count: int) -> Callable[[float, str], None]:
            def show(fraction: float, text: str) -> None:
                description = plain(f"{name} ({number} of {count}): {text}")
                bar.update(task, completed=(number - 1 + fraction) / count, description=description)

            return show

        yield start


def _document(
    image: Path, out: Path, segmenter: Any, lesions: list[Lesion], notes: tuple[str, ...]
) -> dict[str, Any]:
    return {
        "image": str(image),
        "output": str(out),
        "model": segmenter.config.name,
        "device": str(segmenter.device),
        "lesions": [
            {
                "value": number,
                "name": lesion.name,
                "confidence": round(lesion.confidence, 4),
                "messages": list(lesion.messages),
                **lesion.measurements.to_dict(),
            }
            for number, lesion in enumerate(lesions, 1)
        ],
        "messages": list(notes),
    }


def _table(lesions: list[Lesion], notes: tuple[str, ...], out: Path) -> None:
    figures = ("Volume ml", "Diameters mm", "Confidence")
    rows = []
    for number, lesion in enumerate(lesions, 1):
        m = lesion.measurements
        diameters = diameters_text(m) or "-"
        volume = "-" if not m.voxels else f"{m.volume_ml:.2f}"
        rows.append((number, lesion.name, volume, diameters, f"{lesion.confidence:.0%}"))
    console().print(table(("", "Lesion", *figures), rows, figures))
    for lesion in lesions:
        for message in lesion.messages:
            say(f"{lesion.name}: {message}", typer.colors.YELLOW)
    for note in notes:
        say(note, typer.colors.YELLOW)
    say(f"Wrote {plural(len(lesions), 'lesion')} to {out}")
