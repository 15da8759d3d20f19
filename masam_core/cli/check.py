"""`masam check`: does this installation work?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from masam_core.catalog.choice import ModelChoice
from masam_core.cli.common import ERROR, INTERRUPTED, print_json, reported
from masam_core.cli.options import Device, Model
from masam_core.cli.terminal import say

if TYPE_CHECKING:
    from masam_core.check.report import Report
    from masam_core.worker.subprocess_transport import SubprocessTransport

PUMP_SECONDS = 0.1


@reported
def check_command(
    device: Device = ModelChoice.device,
    model: Model = ModelChoice.model,
    worker: Annotated[
        str,
        typer.Option(
            help="Check a worker elsewhere: a command such as 'ssh gpu python -m "
            "masam_core.worker'."
        ),
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Results as JSON on stdout.")] = False,
) -> None:
    """Check this installation: packages, PyTorch, worker, model, GPU, and a mask on a sample.

    Prints a report to copy into a question; it names neither user nor machine. The exit code is 0
    when everything works, 1 when something is wrong.
    """
    from masam_core.installation.finding import State

    report = run_check(device, model, worker)
    if json:
        print_json(report.to_dict())
    else:
        say(report.text(), end=False)
    if report.stopped:
        raise typer.Exit(INTERRUPTED)
    if report.state is State.PROBLEM:
        raise typer.Exit(ERROR)


def run_check(device: str, model: str, worker: str) -> Report:
    """Check and wait, with progress on stderr where a person watches; Ctrl-C stops it."""
    from masam_core.check.run import CheckRun, Plan

    transports: list[SubprocessTransport] = []
    reports: list[Report] = []

    def make() -> SubprocessTransport:
        from masam_core.worker.client import split_command
        from masam_core.worker.subprocess_transport import SubprocessTransport

        own = [sys.executable, "-m", "masam_core.worker"]
        transports.append(SubprocessTransport(split_command(worker) if worker else own))
        return transports[-1]

    plan = Plan("the command line", model, device, elsewhere=bool(worker))
    check = CheckRun(plan, make, reports.append)
    shown = ""
    try:
        check.start()
        while not check.finished:
            if check.words != shown and sys.stderr.isatty():
                shown = check.words
                say(f"{check.fraction:4.0%} {shown}", err=True)
            pump(transports[-1])
            check.tick()
    except KeyboardInterrupt:
        check.cancel()
    return reports[0]


def pump(transport: SubprocessTransport) -> None:
    """Deliver what the worker has said; wait a moment for something."""
    transport.pump(PUMP_SECONDS)
