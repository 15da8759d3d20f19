"""`masam train --slurm`: torchrun on nodes of Slurm, followed to its end."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from masam_core.cli.common import ERROR, INTERRUPTED, plural
from masam_core.cli.slurm_job import leave_job
from masam_core.cli.terminal import say, say_error

if TYPE_CHECKING:
    from masam_core.training.settings import TrainConfig

_LATE_SECONDS = 2.0  # in which a shared drive shows the last words


def train_on_slurm(run: TrainConfig, words: str) -> None:
    """Submit a run, or take up the one that is under way, and print what it says until it ends.

    Args:
        run: the training.
        words: options of sbatch.

    Raises:
        ConfigError: there is no Slurm, it refuses, or another run trains in the folder.
        typer.Exit: the job did not end well, or Ctrl-C.
    """
    from masam_core.cluster.sbatch_options import read_options
    from masam_core.cluster.slurm import wait_for
    from masam_core.cluster.slurm_train import running_training, submit_training, words_file
    from masam_core.training.settings import config_as_yaml

    options = read_options(words)
    entries = config_as_yaml(run)
    job = running_training(run.out, entries)
    did = "Found at work from before, and followed"
    if job is None:
        job = submit_training(run.out, entries, run.nodes, run.devices, options)
        did = "Submitted"
    say(
        f"{did}: job {job} of Slurm, {plural(run.nodes, 'node')} with "
        f"{plural(run.devices, 'process')} each. Ctrl-C asks whether to cancel it.",
        err=True,
    )
    file = _Tail(words_file(run.out, job))
    try:
        tasks = wait_for(job, file.show)
    except KeyboardInterrupt:
        leave_job(job)
        raise typer.Exit(INTERRUPTED) from None
    time.sleep(_LATE_SECONDS)
    file.show()
    states = sorted({task.state for task in tasks.values()} - {"COMPLETED"})
    if states or not tasks:
        fate = ", ".join(states) or "forgotten by Slurm"
        say_error(f"Job {job} is {fate}; what it said is in {file.path}. The same command goes on.")
        raise typer.Exit(ERROR)
    say(f"Job {job} has ended; the weights are in {run.out}.", err=True)


class _Tail:
    """Prints what is added to a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = 0

    def show(self, _tasks: Any = None) -> None:
        """Print what is new."""
        if not self.path.is_file():
            return
        with self.path.open("rb") as file:
            file.seek(self._seen)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._seen += len(whole)
        for line in whole.decode("utf-8", "replace").splitlines():
            say(line, err=True)
