"""`masam batch --slurm`: a job array, followed to its end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from masam_core.cli.batch_shards import tell_merged
from masam_core.cli.common import ERROR, INTERRUPTED, plural
from masam_core.cli.slurm_job import leave_job
from masam_core.cli.terminal import console, progress, say, say_error, warn

if TYPE_CHECKING:
    from masam_core.batch.spec import BatchSpec
    from masam_core.cluster.slurm_batch import Progress


def batch_on_slurm(spec: BatchSpec, words: str, jobs: int, as_json: bool) -> None:
    """Submit a batch, or take up the one that is under way, and wait for table and report.

    Args:
        spec: of the batch.
        words: options of sbatch.
        jobs: shards, a job each.
        as_json: tell at the end as JSON.

    Raises:
        ConfigError: there is no Slurm, it refuses, or there are no cases.
        typer.Exit: a case failed or did not run, a shard did not end, or Ctrl-C.
    """
    from masam_core.batch.driver import look_for
    from masam_core.batch.merging import merge
    from masam_core.cluster.sbatch_options import read_options
    from masam_core.cluster.slurm_batch import follow, running_array, submit_batch, unfinished

    options = read_options(words)
    spec, cases, notes = look_for(spec)
    for note in notes:
        warn(note)
    array = running_array(spec)
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
            leave_job(array.job)
            raise typer.Exit(INTERRUPTED) from None
    merged = merge(spec.out, [case.name for case in cases])
    lost = unfinished(spec.out, array, tasks)
    for line in lost:
        say_error(line)
    waits = merged.counts["pending"]
    if waits and not lost:
        say_error(f"{plural(waits, 'case')} did not run: not there when the job was submitted.")
    if lost or waits:
        say("The same command goes on with what is left.", err=True)
    tell_merged(merged, spec.out, as_json)
    if lost or waits:
        raise typer.Exit(ERROR)


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
