"""`masam pacs`: find, get and put in a hospital's archive."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from masam_core.cli.common import ERROR, plural, print_json, reported
from masam_core.cli.terminal import console, progress, say, say_error, table, warn
from masam_core.errors import ConfigError, PacsError
from masam_core.pacs.pacs import MOST_STUDIES, Way

if TYPE_CHECKING:
    from masam_core.pacs.pacs import Pacs
    from masam_core.pacs.records import Series

app = typer.Typer(
    help="A hospital's archive (PACS): search it, fetch series, send results.",
    no_args_is_help=True,
)
Json = Annotated[bool, typer.Option("--json", help="Results as JSON on stdout.")]
SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", help="Settings file; see 'masam pacs settings' for the usual one."),
]
WayOption = Annotated[
    Way | None,
    typer.Option("--by", help="Way to the PACS; the first that the settings name by default."),
]


@app.command("find")
@reported
def find_command(
    patient: Annotated[str, typer.Option(help="Patient's id; * and ? stand for letters.")] = "",
    name: Annotated[
        str, typer.Option(help="Patient's name, or how it begins; * and ? stand for letters.")
    ] = "",
    study: Annotated[str, typer.Option(help="StudyInstanceUID.")] = "",
    series: Annotated[str, typer.Option(help="SeriesInstanceUID.")] = "",
    date: Annotated[
        str, typer.Option(help="Of the study: 2024-01-31, 2024-01-01..2024-01-31, or 2024-01-01..")
    ] = "",
    modality: Annotated[str, typer.Option(help="CT, MR, SEG, SR, ...")] = "",
    most: Annotated[int, typer.Option(min=1, help="Studies at most.")] = MOST_STUDIES,
    settings: SettingsFile = None,
    by: WayOption = None,
    json: Json = False,
) -> None:
    """List the series of patients and studies, the newest study first."""
    from masam_core.pacs.records import Query

    query = Query(patient, name, study, series, date, modality)
    with _open(settings, by) as pacs:
        found, more = pacs.find(query, most)
    if json:
        print_json({"series": [_document(one) for one in found], "more": more})
        return
    _show(found)
    if more:
        warn(f"There may be more studies than these {most}; narrow the search, or use --most.")


@app.command("get")
@reported
def get_command(
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder to make; a sub-folder a series for a study.")
    ],
    series: Annotated[
        str | None, typer.Argument(help="SeriesInstanceUID, from 'masam pacs find'.")
    ] = None,
    study: Annotated[
        str, typer.Option(help="StudyInstanceUID: all its series, or that of SERIES.")
    ] = "",
    settings: SettingsFile = None,
    by: WayOption = None,
    json: Json = False,
) -> None:
    """Fetch a series, or all of a study, into a folder; a broken try goes on."""
    from masam_core.pacs.fetching import fetch_series, find_series
    from masam_core.pacs.records import Query

    if not series and not study:
        raise ConfigError("Nothing to fetch was given; expected a series, or --study.")
    with _open(settings, by) as pacs:
        if series:
            wanted = [(find_series(pacs, series, study), out)]
        else:
            found, _ = pacs.find(Query(study=study))
            if not found:
                raise PacsError(f"{pacs.words} has no study {study}.")
            wanted = [(s, out / _folder_name(s)) for s in found]
        done = []
        with progress(quiet=json or not sys.stderr.isatty(), transient=True) as bar:
            for one, folder in wanted:
                task = bar.add_task(f"{one.modality} {one.description}", total=one.images)
                folder.parent.mkdir(parents=True, exist_ok=True)
                done.append(
                    fetch_series(
                        pacs,
                        one.study,
                        one.series,
                        folder,
                        lambda had, total, task=task: bar.update(  # type: ignore[misc]
                            task, completed=had, total=total
                        ),
                    )
                )
    if json:
        rows = [{"folder": str(d.folder), "images": d.images, "had": d.had} for d in done]
        print_json({"series": rows})
        return
    for one_done in done:
        say(f"{plural(one_done.images, 'image')} in {one_done.folder}")


def _folder_name(series: Series) -> str:
    """Name of a series' folder, from what a PACS answers, whatever that is."""
    from masam_core.pacs.files import digest

    kind = re.sub(r"[^A-Za-z0-9]", "", series.modality)[:16] or "series"
    return f"{kind}_{digest(series.series)[:8]}"


@app.command("put")
@reported
def put_command(
    files: Annotated[
        list[Path], typer.Argument(help="DICOM files of any kind (SEG, SR, images), or folders.")
    ],
    settings: SettingsFile = None,
    by: WayOption = None,
    json: Json = False,
) -> None:
    """Send files; says of each that the PACS does not take why."""
    from masam_core.pacs.sending import files_of, send_files

    paths = files_of(files)
    bar = progress(quiet=json or not sys.stderr.isatty(), transient=True)
    with _open(settings, by) as pacs, bar:
        task = bar.add_task("Sending", total=len(paths))
        sent = send_files(pacs, paths, lambda _sent: bar.advance(task))
        words = pacs.words
    kept = sum(one.stored.kept for one in sent)
    if json:
        rows = [
            {"file": str(one.path), "stored": one.stored.kept, "message": one.stored.words}
            for one in sent
        ]
        print_json({"pacs": words, "files": rows})
    else:
        for one in sent:
            if not one.stored.kept:
                say_error(f"{one.path}: {one.stored.words}")
            elif one.stored.words:
                warn(f"{one.path}: stored, but {one.stored.words}.")
        say(f"{kept} of {plural(len(sent), 'file')} stored by {words}")
    if kept < len(sent):
        raise typer.Exit(ERROR)


@app.command("settings")
@reported
def settings_command(settings: SettingsFile = None, json: Json = False) -> None:
    """Show the settings without their secrets, and try each way to the PACS."""
    from masam_core.pacs.opening import open_pacs, ways_of
    from masam_core.pacs.settings import read_settings

    read = read_settings(settings)
    tried: dict[str, str] = {}
    for way in ways_of(read):
        try:
            pacs = open_pacs(read, way)
            try:
                pacs.check()
            finally:
                pacs.close()
            tried[way.value] = ""
        except (PacsError, ConfigError) as error:
            tried[way.value] = str(error)
    if json:
        print_json(
            {
                "file": str(read.path),
                "settings": read.shown(),
                "warnings": list(read.warnings),
                "connections": {way: {"works": not e, "message": e} for way, e in tried.items()},
            }
        )
    else:
        say(f"Settings: {read.path}")
        for name, value in read.shown().items():
            say(f"  {name}: {value}")
        for warning in read.warnings:
            warn(warning)
        for tried_way, fault in tried.items():
            if fault:
                say_error(f"{tried_way}: {fault}")
            else:
                say(f"{tried_way}: the PACS answers.")
    if any(tried.values()):
        raise typer.Exit(ERROR)


@contextmanager
def _open(path: Path | None, by: Way | None) -> Iterator[Pacs]:
    """The PACS of the settings, with their warnings told."""
    from masam_core.pacs.opening import open_pacs
    from masam_core.pacs.settings import read_settings

    settings = read_settings(path)
    for warning in settings.warnings:
        warn(warning)
    pacs = open_pacs(settings, by)
    try:
        yield pacs
    finally:
        pacs.close()


def _document(series: Series) -> dict[str, Any]:
    return dict(vars(series))


def _show(found: list[Series]) -> None:
    rows = [
        (
            number,
            one.date,
            one.patient,
            one.name,
            one.modality,
            one.description or one.study_description,
            "" if one.images is None else one.images,
        )
        for number, one in enumerate(found, 1)
    ]
    columns = ("", "Date", "Patient", "Name", "Modality", "Series", "Images")
    console().print(table(columns, rows, ["", "Images"]))
    for number, one in enumerate(found, 1):  # in a table they would be broken over several lines
        say(f"{number:>3}  {one.series}")
    say(f"{len(found)} series of {_studies(found)}")


def _studies(found: list[Series]) -> str:
    count = len({one.study for one in found})
    return "1 study" if count == 1 else f"{count} studies"
