"""`masam watch`: the night shift."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from masam_core.catalog.choice import ModelChoice
from masam_core.cli.common import ERROR, print_json, reported
from masam_core.cli.options import (
    Base,
    Device,
    DiameterPlaneOption,
    ExtendOption,
    Model,
    PrecisionOption,
    QualityOption,
    Threshold,
    WorkerCommand,
    segment_options,
)
from masam_core.cli.pacs import SettingsFile, WayOption
from masam_core.cli.terminal import console, say, table, warn
from masam_core.errors import ConfigError
from masam_core.inference.options import SegmentOptions
from masam_core.lesion.cleaning_options import PostprocessOptions

if TYPE_CHECKING:
    from masam_core.pacs.pacs import Pacs, Way
    from masam_core.watch.watch import Watch

RUN = "Run"


@reported
def watch_command(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Folder into which others put DICOM files; without one, a listener waits for "
            "what a PACS sends (C-STORE)."
        ),
    ] = None,
    work: Annotated[
        Path | None,
        typer.Option(help="Folder for all that must outlive a stop; the user's own by default."),
    ] = None,
    results: Annotated[
        Path | None, typer.Option(help="Put the results into this folder, not into the PACS.")
    ] = None,
    settings: SettingsFile = None,
    by: WayOption = None,
    whole_after: Annotated[
        float, typer.Option(help="Seconds without a new image after which a series is whole.")
    ] = 30.0,
    keep: Annotated[
        float, typer.Option(help="Hours for which images are kept that nobody has asked about.")
    ] = 72.0,
    wait: Annotated[
        float, typer.Option(help="Hours for which a measurement waits for images that lack.")
    ] = 72.0,
    model: Model = ModelChoice.model,
    base: Base = None,
    quality: QualityOption = SegmentOptions.quality,
    threshold: Threshold = SegmentOptions.threshold,
    diameter_plane: DiameterPlaneOption = SegmentOptions.diameter_plane,
    extend: ExtendOption = SegmentOptions.extend,
    device: Device = ModelChoice.device,
    precision: PrecisionOption = ModelChoice.precision,
    worker: WorkerCommand = "",
    once: Annotated[
        bool,
        typer.Option("--once", help="End when nothing waits any more.", rich_help_panel=RUN),
    ] = False,
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed",
            help="Run failed cases, and send refused results, again.",
            rich_help_panel=RUN,
        ),
    ] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Only show what was done.", rich_help_panel=RUN)
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="With --status: as JSON on stdout.")] = False,
) -> None:
    """Segment what a reader has measured, as it comes, and send it back to the PACS.

    A series counts as whole after a quiet time. Each line or contour in a report (SR) or a
    presentation state (GSPS) on it becomes a segment (SEG) with its measurements (SR). What comes
    is kept until the PACS has the result; a stop or a crash at any moment loses nothing.
    """
    from masam_core.watch.spec import WatchSpec, own_worker, usual_folder
    from masam_core.worker.client import split_command

    place = work or usual_folder()
    if status:
        _show_status(place, json)
        return
    if folder is not None and not folder.is_dir():
        raise ConfigError(f"There is no folder {folder} to watch.")
    spec = WatchSpec(
        place,
        whole_after,
        keep,
        wait,
        segment=segment_options(
            quality,
            threshold,
            SegmentOptions.margin_mm,
            PostprocessOptions.keep,
            PostprocessOptions.fill_holes,
            PostprocessOptions.smooth_mm,
            None,
            diameter_plane,
            extend,
        ),
        model=ModelChoice(model, None if base is None else str(base), device, precision),
        worker=tuple(split_command(worker)) if worker else own_worker(),
    )
    with _watch(spec, folder, results, settings, by) as watch:
        if retry_failed:
            say(f"{watch.retry_failed()} are tried again.")
        with _ended_by_signals(watch):
            watch.run(once)
    say("Stopped; the same command goes on." if not once else "Nothing waits any more.")


@contextlib.contextmanager
def _watch(
    spec: object, folder: Path | None, results: Path | None, path: Path | None, by: Way | None
) -> Iterator[Watch]:
    """A night shift with all that it needs, until the block ends."""
    from masam_core.export.dicom.lesions import import_highdicom
    from masam_core.pacs.opening import missing, open_pacs
    from masam_core.pacs.settings import read_settings
    from masam_core.watch.inbox import Inbox
    from masam_core.watch.sender import FolderTarget, Target
    from masam_core.watch.spec import WatchSpec
    from masam_core.watch.watch import Watch
    from masam_core.worker.remote import RemoteSegmenter

    assert isinstance(spec, WatchSpec)
    import_highdicom()  # what is missing is told now, not at night
    needed = results is None or folder is None or path is not None
    settings = read_settings(path) if needed else None
    for warning in settings.warnings if settings is not None else ():
        warn(warning)
    pacs: Pacs | None = open_pacs(settings, by) if settings is not None else None
    target: Target
    if results is not None:
        target = FolderTarget(results)
    else:
        assert pacs is not None
        target = pacs
    with contextlib.ExitStack() as stack:
        if pacs is not None:
            stack.callback(pacs.close)
        segmenter = stack.enter_context(RemoteSegmenter(spec.worker, **spec.model.fields()))
        watch = Watch(spec, target, segmenter, _tell, pacs)
        stack.callback(watch.close)
        if folder is not None:
            watch.look_into(Inbox(folder, watch.shelf, watch.log))
            _tell(f"Looking into {folder}.")
        else:
            assert settings is not None
            try:
                from masam_core.watch.listener import Listener
            except ImportError as error:
                raise ConfigError(missing("pynetdicom")) from error
            listener = Listener(settings.listener, watch.shelf, watch.log)
            stack.callback(listener.close)
            if not settings.listener.callers:
                warn("Whoever reaches the port may send: name those who may in 'listener.callers'.")
            where = f"{settings.listener.host}, port {listener.port}"
            _tell(f"Listening as {settings.listener.ae_title} at {where}.")
        _tell(f"Results go to: {target.words}. Everything that waits lies in {spec.work}.")
        yield watch


@contextlib.contextmanager
def _ended_by_signals(watch: Watch) -> Iterator[None]:
    """Ctrl-C and the system's wish to end (SIGTERM) end the night shift in good order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, lambda *_: watch.stop())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(text: str) -> None:
    say(f"{time.strftime('%H:%M:%S')}  {text}")


def _show_status(work: Path, as_json: bool) -> None:
    from masam_core.batch.states import FAILED
    from masam_core.watch.status import status_of

    rows = status_of(work)
    if as_json:
        print_json({"folder": str(work), "cases": [dict(vars(row)) for row in rows]})
    else:
        cells = [(row.name, row.status, row.sent, row.message) for row in rows]
        console().print(table(("Case", "Status", "Sent", "Message"), cells, []))
        say(f"{len(rows)} cases in {work}")
    if any(row.status == FAILED or row.sent == "refused" for row in rows):
        raise typer.Exit(ERROR)
