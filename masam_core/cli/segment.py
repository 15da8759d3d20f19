"""`masam segment`: prompts in, masks out."""

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
    Anonymous,
    Base,
    Classes,
    Device,
    DiameterPlaneOption,
    ExtendOption,
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
from masam_core.cli.prompts import Frame, Typed
from masam_core.cli.segment_video import segment_video
from masam_core.cli.terminal import console, plain, progress, say, table
from masam_core.errors import SegmentationError
from masam_core.inference.options import SegmentOptions
from masam_core.lesion.cleaning_options import PostprocessOptions
from masam_core.prompts.per import Per

if TYPE_CHECKING:
    from masam_core.image.volume import Volume
    from masam_core.lesion.lesion import Lesion

PROMPTS = "Prompt (choose one kind)"
CORRECTIONS = "Corrections (of one lesion; repeat for more)"
FILES = "Further files"


@reported
def segment_command(
    image: Annotated[
        Path,
        typer.Argument(
            help="NIfTI, NRRD or MetaImage file, or a DICOM series folder; or a video or a folder "
            "of frames."
        ),
    ],
    out: Annotated[
        list[Path],
        typer.Option(
            "--out",
            "-o",
            help=".seg.nrrd for 3D Slicer, .nii.gz, .nrrd or .mha; of a DICOM series also .seg.dcm "
            "(SEG), .rt.dcm (RTSTRUCT), .sr.dcm (report); repeat for more. For a video a folder.",
        ),
    ],
    roi: Annotated[
        list[Path] | None,
        typer.Option(
            help="File of prompts: a Slicer ROI, line or point list (.mrk.json), a DICOM report, "
            "presentation state, structure set or segmentation; repeat for more.",
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
    classes: Classes = None,
    line: Annotated[
        list[str] | None,
        typer.Option(
            help="Ends of the longest diameter, and of the one across it if there is one; repeat "
            "for more.",
            metavar="X,Y,Z X,Y,Z [X,Y,Z X,Y,Z]",
            rich_help_panel=PROMPTS,
        ),
    ] = None,
    slice_box: Annotated[
        list[str] | None,
        typer.Option(
            help="Two opposite corners of a box on one slice, or all four; repeat for more.",
            metavar="X,Y,Z X,Y,Z",
            rich_help_panel=PROMPTS,
        ),
    ] = None,
    click: Annotated[
        list[str] | None,
        typer.Option(
            help="A point in the lesion; repeat for more.",
            metavar="X,Y,Z",
            rich_help_panel=PROMPTS,
        ),
    ] = None,
    prompts: Annotated[
        Path | None,
        typer.Option(
            help="Run again what was stored with a result: .seg.nrrd, a scene (.mrb, .mrml), or "
            "the .json of --json; or a DICOM object, as --roi.",
            rich_help_panel=PROMPTS,
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="With --prompts or --mask: this lesion alone.", rich_help_panel=PROMPTS),
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option(
            help="Label image, DICOM SEG or RTSTRUCT whose mask the lesion begins with, alone or "
            "beside another prompt.",
            rich_help_panel=PROMPTS,
        ),
    ] = None,
    point: Annotated[
        list[str] | None,
        typer.Option(help="Belongs to the lesion.", metavar="X,Y,Z", rich_help_panel=CORRECTIONS),
    ] = None,
    not_point: Annotated[
        list[str] | None,
        typer.Option(help="Does not belong to it.", metavar="X,Y,Z", rich_help_panel=CORRECTIONS),
    ] = None,
    scribble: Annotated[
        list[Path] | None,
        typer.Option(
            help="Slicer curve or points (.mrk.json) that a line is drawn through; it does not "
            "belong to the lesion if its name says so (not, negative, -).",
            rich_help_panel=CORRECTIONS,
        ),
    ] = None,
    not_scribble: Annotated[
        list[Path] | None,
        typer.Option(help="The same; does not belong to the lesion.", rich_help_panel=CORRECTIONS),
    ] = None,
    lasso: Annotated[
        list[Path] | None,
        typer.Option(
            help="Slicer closed curve or points (.mrk.json) around an area on a slice; names as "
            "for --scribble.",
            rich_help_panel=CORRECTIONS,
        ),
    ] = None,
    not_lasso: Annotated[
        list[Path] | None,
        typer.Option(help="The same; does not belong to the lesion.", rich_help_panel=CORRECTIONS),
    ] = None,
    frame: Annotated[
        Frame,
        typer.Option(
            help="What X,Y,Z are: R,A,S mm as 3D Slicer shows them, L,P,S mm, or voxel indices "
            "I,J,K.",
            rich_help_panel=PROMPTS,
        ),
    ] = Frame.RAS,
    reference: Annotated[
        Path | None,
        typer.Option(
            help="DICOM series of which a NIfTI or NRRD image was made: .seg.dcm, .sr.dcm and "
            ".rt.dcm then belong to it. Its voxels must be the image's.",
            rich_help_panel=FILES,
        ),
    ] = None,
    overlay: Annotated[
        Path | None,
        typer.Option(
            help="Picture of the result (.png); of a video a video (.mp4).", rich_help_panel=FILES
        ),
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
    extend: ExtendOption = SegmentOptions.extend,
    modality: ModalityOption = None,
    series: Annotated[
        str | None,
        typer.Option(help="SeriesInstanceUID, in a folder of several.", rich_help_panel=SETTINGS),
    ] = None,
    device: Device = ModelChoice.device,
    precision: PrecisionOption = ModelChoice.precision,
    anonymous: Anonymous = False,
    json: Annotated[bool, typer.Option("--json", help="Results as JSON on stdout.")] = False,
) -> None:
    """Segment one lesion for each prompt and write them into one file.

    Lesions are numbered in the order given. No voxel outside a box (plus --margin) is ever set,
    unless the box is extended (--extend auto) or a correction says so.
    """
    typed = Typed(
        roi=roi or (),
        box=box or (),
        boxes_from=boxes_from,
        per=per,
        line=line or (),
        slice_box=slice_box or (),
        click=click or (),
        prompts=prompts,
        only=only or (),
        mask=mask,
        automatic=automatic,
        classes=classes or (),
        point=point or (),
        not_point=not_point or (),
        scribble=scribble or (),
        not_scribble=not_scribble or (),
        lasso=lasso or (),
        not_lasso=not_lasso or (),
        frame=frame,
    )
    from masam_core.video.frames import is_video  # with numpy, which the help has no use for

    if is_video(image):
        given = {
            "--measurements": measurements,
            "--probability": probability,
            "--margin": margin != SegmentOptions.margin_mm,
            "--keep": keep != PostprocessOptions.keep,
            "--fill-holes": fill_holes != PostprocessOptions.fill_holes,
            "--smooth": smooth != PostprocessOptions.smooth_mm,
            "--slice-axis": slice_axis,
            "--diameter-plane": diameter_plane != SegmentOptions.diameter_plane,
            "--extend": extend != SegmentOptions.extend,
            "--modality": modality,
            "--series": series,
            "--class": classes,
            "another prompt": typed.beside_box_and_automatic,
            "a second --out": len(out) > 1,
            "--anonymous": anonymous,
            "--reference": reference,
        }
        segment_video(
            image,
            out[0],
            overlay,
            automatic,
            box or [],
            [name for name, value in given.items() if value],
            ModelChoice(model, device=device, precision=precision),
            base,
            quality,
            threshold,
            json,
        )
        return
    typed.require_sense()
    inputs = [image, *typed.files, *([] if reference is None else [reference])]
    _require_outputs(inputs, out, overlay, measurements, probability)

    from masam_core.cli.read_prompts import read_typed
    from masam_core.export.anonymous import without_patient
    from masam_core.export.segmentation import require_formats
    from masam_core.image.volume import read_volume
    from masam_core.inference.automatic import segment_classes
    from masam_core.inference.box_segmenter import not_found, segment_record
    from masam_core.inference.segmenter import Segmenter

    options = segment_options(
        quality,
        threshold,
        margin,
        keep,
        fill_holes,
        smooth,
        slice_axis,
        diameter_plane,
        extend,
    )
    source = None
    of_image = None if reference is not None else series  # a file holds no series to choose from
    volume = read_volume(image, series=of_image).with_modality(modality)
    if reference is None:
        try:
            require_formats(out, volume.geometry)
        except SegmentationError as error:
            if volume.geometry.images is not None:
                raise
            words = f"{error} Or name the series that it was made of: --reference SERIES_FOLDER."
            raise SegmentationError(words) from error
    else:
        source = _read_reference(reference, series, volume, out, anonymous)
    asked = read_typed(typed, volume, "The prompts" if anonymous else "")
    segmenter = Segmenter(model, device, precision, base=base)
    segmenter.set_volume(volume)
    lesions = []
    with _progress(quiet=json) as show:
        for number, record in enumerate(asked.records, 1):
            shown = show(record.name, number, len(asked.records))
            lesions.append(segment_record(segmenter, record, options, shown, mask=asked.mask))
        if automatic:
            lesions = segment_classes(
                segmenter,
                options.quality,
                show("all slices", 1, 1),
                slice_axis=options.slice_axis,
                diameter_plane=options.diameter_plane,
                classes=classes or (),
            )
    if automatic and not any(lesion.mask.any() for lesion in lesions):
        raise SegmentationError(f"Nothing was found in {image}; no file was written.")
    if anonymous:
        lesions, volume = without_patient(lesions, volume)
    notes = asked.notes + tuple(filter(None, [not_found(lesions)]))
    others = out
    if source is not None:
        from masam_core.export.reference import onto_reference
        from masam_core.export.segmentation import write_files

        moved, told = onto_reference(lesions, source, diameter_plane, options.slice_axis)
        of_series, others = _parted(out)
        notes += (*told, *write_files(of_series, moved, source))
    notes += _write(volume, lesions, others, overlay, measurements, probability)
    if json:
        name = volume.name if anonymous else str(image)
        print_json(_document(name, out, segmenter, lesions, notes))
    else:
        _table(lesions, notes, out)


def _require_outputs(
    given: list[Path],
    out: list[Path],
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
    # One of them has to hold the masks; the first that does not is named where none does.
    format_of(next((path for path in out if format_of(path).masks), out[0]), masks=True)
    for path, kind in kinds:
        if path is not None and format_of(path) is not kind:
            raise SegmentationError(f"{path} must end in {listed(kind.endings)}.")
    further = [path for path, _ in kinds if path is not None]
    require_targets([*out, *further], given, SegmentationError)


def _parted(out: list[Path]) -> tuple[list[Path], list[Path]]:
    """DICOM objects, and the others."""
    of_series = [path for path in out if path.name.lower().endswith(".dcm")]
    return of_series, [path for path in out if path not in of_series]


def _read_reference(
    folder: Path, series: str | None, volume: Volume, out: list[Path], anonymous: bool
) -> Volume:
    """The series to which results of another file belong."""
    from dataclasses import replace

    from masam_core.export.anonymous import anonymous_geometry
    from masam_core.export.reference import require_reference
    from masam_core.export.segmentation import require_formats
    from masam_core.image.volume import read_volume

    of_series, _ = _parted(out)
    if not of_series:
        raise SegmentationError(
            "--reference is for DICOM results: name one with -o, such as lesion.seg.dcm."
        )
    source = read_volume(folder, series=series)
    require_reference(volume.geometry, source.geometry)
    if anonymous:
        source = replace(source, geometry=anonymous_geometry(source.geometry))
    require_formats(of_series, source.geometry)
    return source


def _write(
    volume: Volume,
    lesions: list[Lesion],
    out: list[Path],
    overlay: Path | None,
    measurements: Path | None,
    probability: Path | None,
) -> tuple[str, ...]:
    from masam_core.export.measurements import measurement_rows, write_measurements
    from masam_core.export.overlay.overlay import render_overlay
    from masam_core.export.segmentation import write_files, write_probability

    notes = write_files(out, lesions, volume)
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
    image: str, out: list[Path], segmenter: Any, lesions: list[Lesion], notes: tuple[str, ...]
) -> dict[str, Any]:
    return {
        "image": image,
        "output": str(out[0]),
        "outputs": [str(path) for path in out],
        "model": segmenter.config.name,
        "device": str(segmenter.device),
        "lesions": [
            {
                "value": number,
                "name": lesion.name,
                "confidence": _rounded(lesion.known_confidence),
                "cuts": [cut.to_dict() for cut in lesion.cuts],
                "looked_mm": lesion.looked_mm,
                "messages": list(lesion.messages),
                **({} if lesion.term is None else {"term": lesion.term.to_dict()}),
                "prompts": lesion.prompts and lesion.prompts.to_dict(lesion.geometry),
                **lesion.measurements.to_dict(),
            }
            for number, lesion in enumerate(lesions, 1)
        ],
        "messages": list(notes),
    }


def _rounded(confidence: float | None) -> float | None:
    return None if confidence is None else round(confidence, 4)


def _table(lesions: list[Lesion], notes: tuple[str, ...], out: list[Path]) -> None:
    from masam_core.lesion.measurements.diameters import diameters_text
    from masam_core.lesion.telling import notes_of

    figures = ("Volume ml", "Diameters mm", "Confidence")
    rows = []
    for number, lesion in enumerate(lesions, 1):
        m = lesion.measurements
        diameters = diameters_text(m) or "-"
        volume = "-" if not m.voxels else f"{m.volume_ml:.2f}"
        sure = lesion.known_confidence
        unknown = "cut off" if lesion.cuts else "not known" if m.voxels else "-"
        shown = unknown if sure is None else f"{sure:.0%}"
        rows.append((number, lesion.name, volume, diameters, shown))
    what = "lesion" if any(lesion.term is None for lesion in lesions) else "structure"
    console().print(table(("", what.capitalize(), *figures), rows, figures))
    for note in (*notes_of(lesions), *notes):
        say(note, typer.colors.YELLOW)
    written = sum(lesion.term is None or bool(lesion.mask.any()) for lesion in lesions)
    say(f"Wrote {plural(written, what)} to {', '.join(map(str, out))}")
