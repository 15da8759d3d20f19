"""Ctrl-C while a job of Slurm is followed."""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from masam_core.cli.terminal import say


def leave_job(job: str) -> None:
    """Cancel a job, or leave it at work, as somebody who can answer wishes."""
    from masam_core.cluster.slurm import cancel, wait_for

    if asked_to_cancel(job):
        cancel(job)
        wait_for(job)  # what it held is free then
        say(f"Job {job} is cancelled (scancel); the same command goes on.", err=True)
    else:
        say(f"Job {job} goes on; the same command follows it again.", err=True)


def asked_to_cancel(job: str, ask: Callable[..., bool] = typer.confirm) -> bool:
    """Whether a job is to be cancelled after Ctrl-C: asked where somebody can answer, else yes."""
    if not sys.stdin.isatty():
        return True
    try:
        return ask(f"\nCancel job {job} of Slurm, too (scancel)? No leaves it at work", err=True)
    except (KeyboardInterrupt, typer.Abort, EOFError):
        return True
