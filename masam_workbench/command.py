"""`masam workbench`: the tool in a browser."""

from __future__ import annotations

import html
import importlib.util
import os
import sys
import tempfile
import threading
from pathlib import Path
from typing import Annotated

import typer

from masam_core.catalog.choice import ModelChoice
from masam_core.cli.common import reported
from masam_core.cli.terminal import say
from masam_core.errors import ConfigError, VolumeError

NEEDED = ("slicer", "vtk", "aiohttp", "MASAMSlicerLib")


@reported
def workbench_command(
    image: Annotated[
        Path | None,
        typer.Argument(help="An image or a DICOM folder that each new tab opens."),
    ] = None,
    port: Annotated[int, typer.Option(help="Where it listens; 0 takes a free port.")] = 0,
    host: Annotated[
        str,
        typer.Option(
            help="Interface to listen on. Anything but loopback lets other machines in that have "
            "the token, over a connection that is not encrypted."
        ),
    ] = "127.0.0.1",
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the address in a browser.")
    ] = True,
    device: Annotated[
        str, typer.Option(help="Where to compute: auto, cpu, cuda:0, ...")
    ] = ModelChoice.device,
    worker: Annotated[
        str, typer.Option(help="Command that starts the worker elsewhere, e.g. through ssh.")
    ] = "",
    upload_gb: Annotated[
        float, typer.Option(min=0.001, help="Largest image that a browser may send, in GB.")
    ] = 4.0,
    keep_work: Annotated[
        bool,
        typer.Option(
            "--keep-work/--no-keep-work",
            help="Keep work that was not saved on this machine for a week, to be continued.",
        ),
    ] = True,
    keep_minutes: Annotated[
        float,
        typer.Option(min=0.1, help="How long the work of a page that was closed is kept, minutes."),
    ] = 30.0,
) -> None:
    """Work in a browser: open an image, draw a box, get the mask. Serves this machine only."""
    require_extra()
    from masam_workbench.front.gate import Options, run
    from masam_workbench.front.guard import isLoopback

    if image is not None and not image.exists():
        raise VolumeError(f"There is no image at {image}.")
    options = Options(
        host=host,
        port=port,
        image=str(image.resolve()) if image is not None else "",
        limit=int(upload_gb * 1e9),
        device=device,
        worker=worker,
        timeout=round(60 * keep_minutes),
        keep=keep_work,
    )

    def ready(address: str) -> None:
        say(f"The workbench is at\n\n    {address}\n")
        if not isLoopback(host):
            say(
                "Other machines can reach it, and the connection is not encrypted: whoever sees "
                "this address can use it. Safer is a tunnel (ssh -L) to the loopback interface.\n"
            )
        say("Each browser tab has its own images. Ctrl+C ends all of them.")
        if browser and _has_screen():
            pages.append(open_privately(address))

    pages: list[Path] = []
    try:
        run(options, ready)
    finally:
        for page in pages:
            page.unlink(missing_ok=True)


def open_privately(address: str) -> Path:
    """Open an address in a browser; whoever lists this machine's processes does not see it.

    Returns:
        The page that leads there, for this user's eyes alone; to be deleted in the end.
    """
    import webbrowser

    number, name = tempfile.mkstemp(prefix="masam-", suffix=".html")
    target = html.escape(address)
    with os.fdopen(number, "w", encoding="utf-8") as out:
        out.write(
            '<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
            f'<meta http-equiv="refresh" content="0;url={target}"><title>MASAM</title>'
            f'<a href="{target}">Open the workbench</a>'
        )
    # Some browsers return only when they are closed; the server must answer meanwhile.
    threading.Thread(target=webbrowser.open, args=(Path(name).as_uri(),), daemon=True).start()
    return Path(name)


def require_extra() -> None:
    """Raise ConfigError where the packages of the extra are not installed."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"The workbench needs packages that are not installed ({', '.join(missing)}). Install "
            'them with: pip install "masam[workbench]" (3D Slicer\'s core is there for Python 3.10 '
            "to 3.13 on 64-bit Linux and Windows, and on Apple silicon)."
        )


def _has_screen() -> bool:
    """Whether a browser can be opened; in a terminal alone a text browser would take it over."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
