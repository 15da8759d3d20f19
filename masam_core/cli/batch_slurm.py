"""`masam batch --slurm`: a job array, followed to its end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from masam_core.cli.batch_shards import tell_merged
from masam_core.cli.common import ERROR, INTERRUPTED, plural
from masam_core.cli.terminal import console, progress, say, say_error, warn

if TYPE_CHECKING:
    from masam_core.batch.spec import BatchSpec
    from masam_core.cluster.slurm_batch import Array, Progress


def batch_on_slurm(spec: BatchSpec, words: str, jobs: int, as_json: bool) -> None:
    """Submit a batch, or take up the one that is under way, and wait for table and report.

    Args:
        spec: of the batch.
        words: options of sbatch.
        jobs: shards, a job each.
        as_json: tell at the end as JSON.

    Raises:
        ConfigError: there is no Slurm, it refuses, or there are no cases.
        typer.Exit: a case failed, a shard did not end, or Ctrl-C.
    """
    from masam_core.batch.cases import find_cases
    from masam_core.batch.merging import merge
    from masam_core.cluster.sbatch_options import read_options
    from masam_core.cluster.slurm_batch import follow, running_array, submit_batch, unfinished

    options = read_options(words)
    cases, notes = find_cases(spec.source, spec.labels, spec.out)
    for note in notes:
        warn(note)
    array = running_array(spec.out)
    if array is None:
        array = submit_batch(spec, cases, jobs, options)
        did = "Submitted"
    else:
        did = "Found at work from before, and followed"
    say(
        f"{did}: job {array.job} of Slurm, {plural(len(cases), 'case')} in "
        f"{plural(array.shards, 'shard')}. Ctrl-C asks whether to cancel it.",
        err=True,
    )
    with _Following(len(cases), quiet=as_json) as bar:
        try:
            tasks = follow(spec.out, array, bar.show)
        except KeyboardInterrupt:
            bar.stop()
            _leave(array, spec.out)
            raise typer.Exit(INTERRUPTED) from None
    merged = merge(spec.out, [case.name for case in cases])
    lost = unfinished(spec.out, array, tasks)
    for line in lost:
        say_error(line)
    if lost:
        say("The same command goes on with what is left.", err=True)
    tell_merged(merged, spec.out, as_json)
    if lost:
        raise typer.Exit(ERROR)


def _leave(array: Array, out: Path) -> None:
    """After Ctrl-C: cancel the jobs, or leave them at work."""
    from masam_core.cluster.slurm import cancel
    from masam_core.cluster.slurm_batch import follow

    if asked_to_cancel(array.job):
        cancel(array.job)
        follow(out, array, lambda _: None)  # their locks are free then
        say(f"Job {array.job} is cancelled (scancel); the same command goes on.", err=True)
    else:
        say(f"Job {array.job} goes on; the same command follows it again.", err=True)


def asked_to_cancel(job: str, ask: Callable[..., bool] = typer.confirm) -> bool:
    """Whether a job is to be cancelled after Ctrl-C: asked where somebody can answer, else yes."""
    if not sys.stdin.isatty():
        return True
    try:
        return ask(f"\nCancel job {job} of Slurm, too (scancel)? No leaves it at work", err=True)
    except (KeyboardInterrupt, typer.Abort, EOFError):
        return True


class _Following:
    """Progress of an array on stderr: a bar on a terminal, else a line where something changed."""

    def __init__(self, total: int, quiet: bool) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn

        self._lines = not sys.stderr.isatty() and not quiet
        self._last = ""
        self._progress = progress(
            BarColumn(), MofNCompleteColumn(), quiet=quiet or self._lines, transient=True
        )
        self._task = self._progress.add_task("waiting for Slurm", total=total)

    def __enter__(self) -> _Following:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Take the bar away."""
        self._progress.stop()

    def show(self, now: Progress) -> None:
        """What was just seen."""
        words = _in_words(now)
        self._progress.update(self._task, completed=now.done + now.failed, description=words)
        line = f"{now.done} done, {now.failed} failed; {words}"
        if self._lines and line != self._last:
            console(err=True).print(line)
        self._last = line


def _in_words(now: Progress) -> str:
    if not now.answered:
        return "Slurm does not answer; asked again"
    jobs = ", ".join(f"{count} {state}" for state, count in sorted(now.states.items()))
    reasons = sorted(now.reasons - {"None", "", "Priority", "Resources"})
    return f"jobs: {jobs}" + (f" (waiting for: {', '.join(reasons)})" if reasons else "")
