"""`masam evaluate`: agreement with expert masks, beside the ellipsoid, peers, other weights."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from masam_core.catalog.choice import ModelChoice
from masam_core.cli.common import print_json, reported
from masam_core.cli.evaluate_classes import (
    Wanted,
    classes_of,
    evaluate_classes,
    read_shots,
)
from masam_core.cli.terminal import console, say
from masam_core.errors import CheckpointError, ConfigError
from masam_core.evaluation.peers import PEERS
from masam_core.inference.options import SegmentOptions
from masam_core.inference.quality import Quality

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from masam_core.data.cases import Case, Target
    from masam_core.evaluation.tables import Table
    from masam_core.inference.box_segmenter import BoxSegmenter
    from masam_core.inference.segmenter import Segmenter


ALL = "all"


@reported
def evaluate_command(
    data: Annotated[
        Path, typer.Argument(help="Folder with index.csv or dataset.json, or the list itself.")
    ],
    split: Annotated[
        str, typer.Option(help="Cases of this split: val, test, train; 'all' for every case.")
    ] = "val",
    model: Annotated[
        str,
        typer.Option(
            help="'bundled', a catalogue name, or a file; 'none' compares --predictions alone."
        ),
    ] = ModelChoice.model,
    base: Annotated[
        Path | None, typer.Option(help="Backbone file, for models that hold only what was trained.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="A second model, compared in a paired test.")
    ] = None,
    against_base: Annotated[
        Path | None,
        typer.Option(help="The second model's backbone file; default: its own, else --base."),
    ] = None,
    peer: Annotated[
        list[str] | None,
        typer.Option(help=f"Also evaluate a peer: {', '.join(PEERS)}. Repeat for more."),
    ] = None,
    jitter: Annotated[
        list[float] | None,
        typer.Option(min=0.01, max=0.4, help="Also with sides off by up to this; repeat for more."),
    ] = None,
    repeats: Annotated[
        int | None, typer.Option(min=1, help="Boxes a lesion for --jitter; default 3.")
    ] = None,
    label: Annotated[
        list[int] | None,
        typer.Option(help="Label value that counts; repeat for more. Default: all above 0."),
    ] = None,
    each_lesion: Annotated[
        bool,
        typer.Option(
            "--each-lesion", help="Each separate part of a label is a lesion with its own box."
        ),
    ] = False,
    automatic: Annotated[
        bool,
        typer.Option(
            "--automatic", help="Whole volumes without boxes, for models trained without prompts."
        ),
    ] = False,
    interactive: Annotated[
        bool,
        typer.Option(
            "--interactive",
            help="As a user works: six kinds of first prompts, then clicks into mistakes.",
        ),
    ] = False,
    clicks: Annotated[
        int | None, typer.Option(min=0, max=50, help="Of --interactive, a lesion; default 5.")
    ] = None,
    first: Annotated[
        list[str] | None,
        typer.Option(
            help="First prompt of --interactive: box, loose box, cutting box, line, 2D box, click. "
            "Repeat for more; default: all."
        ),
    ] = None,
    quality: Annotated[
        Quality, typer.Option(help="How many windows see each slice.")
    ] = SegmentOptions.quality,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda.")] = ModelChoice.device,
    precision: Annotated[
        str, typer.Option(help="auto, float32, bfloat16, float16, int8.")
    ] = ModelChoice.precision,
    labels_map: Annotated[
        str | None,
        typer.Option(
            "--map",
            help="Which label values are the model's classes: amos-to-btcv, btcv, or a YAML file.",
        ),
    ] = None,
    predictions: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FOLDER",
            help="Another program's masks in the same table, e.g. nnU-Net's; repeat for more.",
        ),
    ] = None,
    predictions_map: Annotated[
        str | None,
        typer.Option(help="Their label values, where these are not those of the data."),
    ] = None,
    shots: Annotated[
        int | None,
        typer.Option(min=1, help="Also fine-tune the model on so many patients of the data."),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, max=20, help="Of --shots: how often anew; default 3.")
    ] = None,
    shot_steps: Annotated[
        int | None, typer.Option(min=1, help="Of --shots: steps of each fine-tuning; default 200.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Of --shots: folder for the fine-tunings.")
    ] = None,
    table: Annotated[
        list[Path] | None,
        typer.Option(help="Class by class as in the paper, as .md, .tex or .csv; repeat for more."),
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Also write a line per lesion here.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="Also write an HTML report with the worst cases pictured.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Results as JSON on stdout.")] = False,
) -> None:
    """Segment each lesion from the tight 3D box of its expert mask, and compare.

    Needs the extra 'train' (dev.py setup installs it).
    """
    from masam_core.data.cases import Target
    from masam_core.data.reading import read_cases
    from masam_core.evaluation.html_report import write_report
    from masam_core.evaluation.peers import load_peer
    from masam_core.evaluation.scores import plain, write_scores
    from masam_core.evaluation.study import run_study
    from masam_core.evaluation.tables import study_tables
    from masam_core.inference.segmenter import Segmenter
    from masam_core.targets import require_targets

    if repeats is not None and not jitter:
        raise ConfigError(
            "--repeats is the number of boxes drawn for each --jitter, and no --jitter was given. "
            "Tight boxes have one result."
        )
    if against_base is not None and against is None:
        raise ConfigError("--against-base is the backbone of the model that --against names.")
    if report is not None and automatic:
        raise ConfigError("The report pictures boxes; use --csv or --json with --automatic.")
    if interactive and (automatic or jitter or against is not None or report is not None):
        raise ConfigError(
            "--interactive has tables of its own; leave --automatic, --jitter, --against and "
            "--report out."
        )
    if not interactive and (clicks is not None or first):
        raise ConfigError("--clicks and --first belong to --interactive, which was not given.")
    fine_tuning = read_shots(shots, seeds, shot_steps, out, automatic)
    wanted = Wanted(labels_map, predictions or (), predictions_map, table or (), fine_tuning)
    if wanted.given and (
        interactive or jitter or against is not None or report is not None or peer or each_lesion
    ):
        raise ConfigError(
            "Class by class (--map, --predictions, --shots, --table) goes with --automatic, "
            "--label and --csv alone."
        )
    written = [file for file in (csv, report, *wanted.tables) if file is not None]
    require_targets(written, [data], ConfigError)
    try:
        import monai.metrics  # noqa: F401
        import scipy.stats  # noqa: F401
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"Evaluation needs the package '{error.name}': pip install 'masam[train]'"
        ) from error
    pool = read_cases(data)
    cases = [c for c in pool if split in (c.split, ALL)]
    if not cases:
        there = ", ".join(sorted({c.split for c in pool}))
        raise ConfigError(
            f"{data} lists no case with split '{split}', but {there}; '--split {ALL}' takes every "
            "case."
        )
    if wanted.given:
        evaluate_classes(
            data,
            pool,
            cases,
            model,
            base,
            device,
            precision,
            automatic,
            label or (),
            wanted,
            quality,
            csv,
            json,
            show_tables,
        )
        return
    segmenter = Segmenter(model, device, precision, base=base)
    segmenters: dict[str, BoxSegmenter] = {_short(model): segmenter}
    if against is not None:
        name = f"{_short(against)} (second)" if _short(against) in segmenters else _short(against)
        segmenters[name] = _second(against, against_base, base, device, precision)
    for name in peer or []:
        segmenters[name] = load_peer(name)
    target = Target(tuple(label or ()), each_lesion)
    if automatic and not label:
        _, target = classes_of(data, segmenter, (), None)

    def show(title: str, number: int, count: int, name: str) -> None:
        say(f"{title}: {number + 1}/{count} {name}", err=True)

    if interactive:
        peers = {name: one for name, one in segmenters.items() if one is not segmenter}
        _interactive(
            cases, segmenter, _short(model), peers, quality, target, clicks, first, show, csv, json
        )
        return
    boxes = (jitter or (), repeats or 3)
    study = run_study(cases, segmenters, quality, target, *boxes, show, automatic)
    if csv is not None:
        write_scores(csv, study.scores)
    if report is not None:
        command = shlex.join(["masam", *sys.argv[1:]])
        write_report(report, study, cases, segmenter, command, quality, target)
    if json:
        print_json(plain(study))
        return
    show_tables(study_tables(study))


def _interactive(
    cases: list[Case],
    segmenter: Segmenter,
    name: str,
    peers: dict[str, BoxSegmenter],
    quality: Quality,
    target: Target,
    clicks: int | None,
    first: list[str] | None,
    show: Callable[[str, int, int, str], None],
    csv: Path | None,
    json: bool,
) -> None:
    from masam_core.evaluation.interactive.first_prompts import FIRST_PROMPTS
    from masam_core.evaluation.interactive.run import CLICKS, run_interactive
    from masam_core.evaluation.interactive.summary import (
        course_tables,
        summarise_courses,
        write_courses,
    )
    from masam_core.evaluation.scores import plain

    for kind in first or []:
        if kind not in FIRST_PROMPTS:
            raise ConfigError(f"--first is {kind!r}; expected one of {', '.join(FIRST_PROMPTS)}.")
    played = CLICKS if clicks is None else clicks
    firsts = first or list(FIRST_PROMPTS)
    courses = run_interactive(cases, segmenter, name, peers, quality, target, played, firsts, show)
    if csv is not None:
        write_courses(csv, courses)
    summaries = summarise_courses(courses)
    if json:
        print_json(plain({"summaries": summaries, "courses": courses}))
    else:
        show_tables(course_tables(summaries))


def show_tables(tables: Sequence[Table]) -> None:
    """Print tables, no figure cut off on a narrow terminal."""
    from rich import box
    from rich.measure import Measurement
    from rich.table import Table as RichTable

    shown, unbounded = console(), console()
    wide, unbounded.width = shown.width, 10_000
    for content in tables:
        table = RichTable(
            box=box.SIMPLE_HEAD, title=content.title, title_justify="left", padding=(0, 1)
        )
        for number, column in enumerate(content.columns):
            table.add_column(column, justify="right" if number else "left", no_wrap=True)
        for row in content.rows:
            table.add_row(*row)
        # A narrow terminal may fold the lines, but no figure is cut.
        shown.width = max(wide, Measurement.get(unbounded, unbounded.options, table).maximum)
        shown.print(table)
        shown.width = wide
        if content.note:
            shown.print(f"{content.note}\n", style="dim")


def _second(
    name: str, base: Path | None, first_base: Path | None, device: str, precision: str
) -> Segmenter:
    """The second model with its own backbone; where it has none by itself, the first one's."""
    from masam_core.inference.segmenter import Segmenter

    try:
        return Segmenter(name, device, precision, base=base)
    except CheckpointError:
        if base is not None or first_base is None:
            raise
        return Segmenter(name, device, precision, base=first_base)


def _short(model: str) -> str:
    """A name for tables: the product's for the bundled model, a file's without its folder."""
    return "MASAM" if model == ModelChoice.model else Path(model).stem
