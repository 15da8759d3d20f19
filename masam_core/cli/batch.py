"""`masam batch`: many images, overnight if need be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from masam_core.batch.shards import MOST, Shard
from masam_core.batch.spec import BatchSpec
from masam_core.catalog.choice import ModelChoice
from masam_core.cli.batch_bar import Bar
from masam_core.cli.batch_ray import batch_on_ray
from masam_core.cli.batch_shards import merged_of, require_one, shard_words
from masam_core.cli.batch_slurm import batch_on_slurm
from masam_core.cli.common import ERROR, INTERRUPTED, plural, print_json, reported
from masam_core.cli.options import (
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
    WorkerCommand,
    segment_options,
)
from masam_core.cli.terminal import console, say, table, warn
from masam_core.errors import ConfigError
from masam_core.image.readable import readable
from masam_core.inference.options import SegmentOptions
from masam_core.lesion.cleaning_options import PostprocessOptions
from masam_core.prompts.per import Per

if TYPE_CHECKING:
    from masam_core.batch.case import BatchCase
    from masam_core.batch.queue import BatchQueue

JOBS = 10
RUN, CLUSTER = "Run", "Several processes and machines (docs/SCALE.md)"


@reported
def batch_command(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            help="Folder of images with their boxes beside them, with sub-folders, or a CSV list "
            "(image, boxes); with an automatic model images alone.",
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for masks, logs and measurements.csv.")
    ],
    labels: Annotated[
        Path | None, typer.Option(help="Folder of label images that bear the images' names.")
    ] = None,
    format: Annotated[
        str,
        typer.Option(
            help="Format of the masks: .seg.nrrd, .nii.gz, .nrrd or .mha; of DICOM series also "
            ".seg.dcm or .rt.dcm."
        ),
    ] = BatchSpec.format,
    also: Annotated[
        list[str] | None,
        typer.Option(
            help="A further format of each case, e.g. .sr.dcm (DICOM report); repeat for more.",
            metavar="ENDING",
        ),
    ] = None,
    overlay: Annotated[
        bool, typer.Option(help="Also write a picture of each case.")
    ] = BatchSpec.overlay,
    per: Annotated[
        Per, typer.Option(help="With label images: one box a connected component or a label value.")
    ] = BatchSpec.per,
    automatic: Annotated[
        bool,
        typer.Option(
            "--automatic",
            help="No boxes: whole images, every class of a model that was trained without prompts. "
            "Such a model is recognised by itself, but on another machine.",
        ),
    ] = BatchSpec.automatic,
    classes: Classes = None,
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
    device: Device = ModelChoice.device,
    precision: PrecisionOption = ModelChoice.precision,
    anonymous: Anonymous = BatchSpec.anonymous,
    worker: WorkerCommand = "",
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Forget an earlier run of these cases.", rich_help_panel=RUN),
    ] = False,
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed", help="Run failed cases again.", rich_help_panel=RUN),
    ] = False,
    shard: Annotated[
        str | None,
        typer.Option(
            help="Work on part i of n alone, e.g. 3/20, told by the cases' names; other processes, "
            "also on other machines, work on the others in the same folder.",
            metavar="I/N",
            rich_help_panel=CLUSTER,
        ),
    ] = None,
    merge: Annotated[
        bool,
        typer.Option(
            "--merge",
            help="Only write table and report of what all shards have done so far.",
            rich_help_panel=CLUSTER,
        ),
    ] = False,
    slurm: Annotated[
        str | None,
        typer.Option(
            help="Run as a job array of Slurm with these options of sbatch, e.g. '--partition gpu "
            "--gres gpu:1' (extra slurm).",
            metavar="OPTIONS",
            rich_help_panel=CLUSTER,
        ),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            help="Run on Ray: the address of a cluster, or 'auto' for the one that runs, else one "
            "of its own on this machine (extra ray).",
            metavar="ADDRESS",
            rich_help_panel=CLUSTER,
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST,
            help=f"Jobs of --slurm, default {JOBS}; workers of --ray, default as many as there is "
            "room for.",
            rich_help_panel=CLUSTER,
        ),
    ] = None,
    cores: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Cores of each worker of --ray that has no GPU; default 2.",
            rich_help_panel=CLUSTER,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only list the cases.", rich_help_panel=RUN),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Results as JSON on stdout.")] = False,
) -> None:
    """Segment many images; a case that fails stops no other.

    A run that was stopped goes on when the same command is given again. Cases whose image, boxes,
    model or settings have changed since are run again.
    """
    from masam_core.batch.driver import look_for, open_batch
    from masam_core.worker.client import split_command

    spec = BatchSpec(
        source,
        out,
        labels,
        format,
        overlay,
        per,
        modality,
        segment_options(
            quality,
            threshold,
            margin,
            keep,
            fill_holes,
            smooth,
            slice_axis,
            diameter_plane,
            extend,
        ),
        ModelChoice(model, None if base is None else str(base), device, precision),
        tuple(split_command(worker)) if worker else (),
        fresh,
        retry_failed,
        tuple(also or ()),
        anonymous,
        automatic,
        tuple(classes or ()),
    )
    part = None if shard is None else Shard.read(shard)
    require_one({"--shard": shard, "--merge": merge or None, "--slurm": slurm, "--ray": ray})
    if jobs is not None and slurm is None and ray is None:
        raise ConfigError("--jobs says how many jobs --slurm or --ray makes; give one of them.")
    if cores is not None and ray is None:
        raise ConfigError("--cores is of the workers of --ray; give that, too.")
    if slurm is not None and not dry_run:
        batch_on_slurm(spec, slurm, jobs or JOBS, json)
        return
    if ray is not None and not dry_run:
        batch_on_ray(spec, ray, jobs, cores, json)
        return
    if dry_run or merge:
        spec, cases, notes = look_for(spec)
        _say(notes)
        cases = cases if part is None else part.of(cases)
        if dry_run:
            _list(cases, json)
        else:
            merged_of(out, cases, json)
        return
    batch = open_batch(spec, part)
    queue = batch.queue
    _say(batch.notes)
    with Bar(queue, quiet=json) as bar:
        whole = batch.run(bar.on_case, bar.on_progress, lambda: False)
    _tell(queue, out, json)
    if part is not None and whole and not json:
        say(shard_words(part, batch.merged, out))
    if not whole:
        say("Stopped; the same command goes on.", err=True)
        raise typer.Exit(INTERRUPTED)
    if queue.count("failed"):
        raise typer.Exit(ERROR)


def _say(notes: list[str]) -> None:
    for note in notes:
        warn(note)


def _list(cases: list[BatchCase], as_json: bool) -> None:
    rows = [
        {
            "case": case.name,
            "image": str(case.image),
            "boxes": [str(path) for path in case.boxes],
        }
        for case in cases
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        boxes = f" with {', '.join(row['boxes'])}" if row["boxes"] else ""
        say(readable(f"{row['case']}: {row['image']}{boxes}"))


def _tell(queue: BatchQueue, out: Path, as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "case": name,
                "status": status,
                "message": message,
                "seconds": queue.cases[name].seconds,
            }
            for name, status, message in queue.table()
        ]
        print_json({"output": str(out), "cases": rows})
        return
    cells = [
        (name, status, len(queue.cases[name].rows), message)
        for name, status, message in queue.table()
    ]
    console().print(table(("Case", "Status", "Lesions", "Message"), cells, ["Lesions"]))
    say(f"{plural(len(queue.cases), 'case')}: {queue.summary()} Results in {out}")
