"""Slurm by its own programs, and by submitit: submit, look, cancel."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from masam_core.cluster.sbatch_options import DEFAULT_MINUTES, minutes_of
from masam_core.errors import ConfigError

_MOST_TIMES = 1000  # that one job may reach its time limit and be queued again
# Between two questions to Slurm: soon at first, and sparing a large cluster in the long run.
_FIRST_PAUSE, _MORE, _LONGEST_PAUSE = 0.5, 1.3, 10.0
_SECONDS = 60  # for an answer of Slurm's programs
OVER = frozenset(
    {
        *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL"),
        *("OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "TIMEOUT"),
    }
)


class Work(Protocol):
    """What runs on the nodes: it can be pickled, and told to go on in another job."""

    def __call__(self) -> Any:
        """Do the work."""

    def checkpoint(self) -> Any:
        """What is queued when the job's time is over."""


@dataclass(frozen=True)
class Task:
    """One task of an array, as Slurm sees it.

    Attributes:
        state: of Slurm: PENDING, RUNNING, COMPLETED, ...
        reason: why it waits, or why it ended.
    """

    state: str
    reason: str = ""

    @property
    def over(self) -> bool:
        """Whether it will not run any more."""
        return self.state in OVER


def submit(
    works: Sequence[Work],
    folder: Path,
    name: str,
    options: Mapping[str, Any],
    at_once: int,
    **more: Any,
) -> str:
    """Submit a job array, a task for each work, or one job for a single one.

    Args:
        works: what the tasks do.
        folder: shared with the nodes; for what submitit and the jobs write.
        name: of the job in Slurm's lists.
        options: of sbatch, see ``read_options``.
        at_once: how many tasks may run at a time.
        more: further parameters of submitit's SlurmExecutor.

    Returns:
        The number of the job.

    Raises:
        ConfigError: no submitit, no Slurm, or Slurm refuses.
    """
    try:
        import submitit
    except ModuleNotFoundError as error:
        raise ConfigError(
            "Slurm needs the package 'submitit': pip install 'masam[slurm]'"
        ) from error
    if shutil.which("sbatch") is None or shutil.which("srun") is None:
        raise ConfigError("There is no Slurm here: sbatch and srun were not found.")
    rest = dict(options)
    minutes = minutes_of(str(rest.pop("time"))) if "time" in rest else DEFAULT_MINUTES
    # submitit queues a job again by itself, from its handler; a node that fails is Slurm's part.
    if "no-requeue" not in rest:
        rest.setdefault("requeue", True)
    executor = submitit.SlurmExecutor(folder, max_num_timeout=_MOST_TIMES)
    executor.update_parameters(
        job_name=name,
        time=minutes,
        array_parallelism=at_once,
        stderr_to_stdout=True,
        additional_parameters=rest,
        **more,
    )
    try:
        with executor.batch():
            jobs = [executor.submit(work) for work in works]
    except (submitit.core.utils.FailedJobError, submitit.core.utils.FailedSubmissionError) as error:
        words = " ".join(str(error).split())
        raise ConfigError(f"Slurm did not take the job: {words[-400:]}") from error
    return str(jobs[0].job_id).partition("_")[0]


def tasks_of(job: str) -> dict[int, Task] | None:
    """The tasks of a job by their number from 0, as far as Slurm knows them still.

    Slurm forgets what has ended after some minutes: what is missing is over.

    Returns:
        None where Slurm does not answer.
    """
    # Not sacct: that needs a database of accounts, which small clusters lack.
    command = ["squeue", "--noheader", "--array", "--states", "all", "--jobs", job]
    try:
        answer = subprocess.run(
            [*command, "--format", "%K|%T|%r"],
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if answer.returncode:
        return {} if "Invalid job id" in answer.stderr else None
    tasks = {}
    for line in answer.stdout.splitlines():
        number, _, rest = line.strip().partition("|")
        state, _, reason = rest.partition("|")
        tasks[int(number) if number.isdigit() else 0] = Task(state, reason)
    return tasks


def wait_for(
    job: str, on_look: Callable[[dict[int, Task] | None], None] = lambda _: None
) -> dict[int, Task]:
    """Wait until no task of a job will run any more.

    Args:
        job: its number.
        on_look: called with each answer of :func:`tasks_of`.

    Returns:
        The tasks as Slurm last knew them.
    """
    known: dict[int, Task] = {}
    pause = _FIRST_PAUSE
    while True:
        tasks = tasks_of(job)
        known |= tasks or {}
        on_look(tasks)
        if tasks is not None and all(task.over for task in tasks.values()):
            return known
        time.sleep(pause)
        pause = min(_MORE * pause, _LONGEST_PAUSE)


def cancel(job: str) -> None:
    """Cancel a job with all its tasks; one that has ended is no error.

    Raises:
        ConfigError: Slurm refuses, or does not answer.
    """
    try:
        answer = subprocess.run(
            ["scancel", job], capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(
            f"Job {job} is not cancelled: scancel does not answer. Try: scancel {job}"
        ) from error
    if answer.returncode and "Invalid job id" not in answer.stderr:
        raise ConfigError(f"Slurm did not cancel job {job}: {answer.stderr.strip()}")
