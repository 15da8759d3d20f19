"""A batch as a job array of Slurm: submitted or found again, and followed to its end."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from masam_core.atomic import write_text
from masam_core.batch.case import BatchCase
from masam_core.batch.places import require_apart
from masam_core.batch.shard_record import read_counts, record_path
from masam_core.batch.shards import Shard, shard_of
from masam_core.batch.spec import BatchSpec
from masam_core.batch.states import reported, state_folder
from masam_core.batch.stores import absolute, absolute_case
from masam_core.cluster.shard_job import ShardJob
from masam_core.cluster.slurm import Task, submit, tasks_of, wait_for
from masam_core.errors import ConfigError, MasamError, SegmentationError
from masam_core.jsonfile import read_json

FOLDER = "slurm"  # in the folder of the states
_JOB = "job.json"


@dataclass(frozen=True)
class Array:
    """A job array that works on a batch.

    Attributes:
        job: its number.
        shards: how many tasks it has.
        asked: digest of the batch that it works on.
    """

    job: str
    shards: int
    asked: str = ""


@dataclass(frozen=True)
class Progress:
    """How far an array is.

    Attributes:
        done, failed: cases, of all shards that have begun.
        states: tasks by Slurm's word for what they do.
        reasons: why tasks wait.
        answered: whether Slurm has answered.
    """

    done: int
    failed: int
    states: Counter[str]
    reasons: frozenset[str]
    answered: bool = True


def running_array(spec: BatchSpec) -> Array | None:
    """The array that was submitted for a batch, if Slurm has it in hand still.

    Raises:
        ConfigError: Slurm does not answer, or the array has another input or other settings.
    """
    results = spec.out
    path = _job_file(results)
    if not path.is_file():
        return None
    try:
        array = Array(**read_json(path, "job of Slurm"))
    except (MasamError, TypeError):
        return None
    tasks = tasks_of(array.job)
    if tasks is None:
        raise ConfigError(
            f"Job {array.job} of Slurm works on {results}, or did, and Slurm does not answer "
            "(squeue). Try again later."
        )
    if all(task.over for task in tasks.values()):
        return None
    if array.asked != _digest(spec):
        raise ConfigError(
            f"Job {array.job} of Slurm works on {results} with another input or other settings. "
            "Wait until it has ended, cancel it (scancel), or choose another folder for the "
            "results."
        )
    return array


def submit_batch(
    spec: BatchSpec, cases: Sequence[BatchCase], jobs: int, options: Mapping[str, Any]
) -> Array:
    """Submit a batch as an array of shards.

    Args:
        spec: of the batch.
        cases: all of them; at most so many shards are made.
        jobs: shards.
        options: of sbatch.

    Raises:
        ConfigError: Slurm refuses; the results would lie among the images.
        SegmentationError: the folder of the results can't be written.
    """
    require_apart(cases, spec)
    count = max(1, min(jobs, len(cases)))
    folder = state_folder(spec.out, spec.fresh) / FOLDER
    spec = _absolute(spec)
    parts: dict[int, list[BatchCase]] = {number: [] for number in range(1, count + 1)}
    for case in cases:
        parts[shard_of(case.name, count)].append(absolute_case(case))
    works = [ShardJob(spec, Shard(number, count), part) for number, part in parts.items()]
    with reported(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for work in works:  # what an earlier array said of its end
            record_path(spec.out, work.shard).unlink(missing_ok=True)
    job = submit(works, folder.absolute(), "masam", options, count)
    array = Array(job, count, _digest(spec))
    write_text(_job_file(spec.out), json.dumps(asdict(array)), SegmentationError)
    return array


def follow(
    results: Path,
    array: Array,
    on_progress: Callable[[Progress], None],
) -> dict[int, Task]:
    """Wait until no task of an array will run any more.

    Args:
        results: folder of the results.
        array: that is followed.
        on_progress: called after each look.

    Returns:
        The tasks by their number from 0, as Slurm last knew them.
    """
    return wait_for(array.job, lambda tasks: on_progress(_progress(results, array, tasks)))


def unfinished(results: Path, array: Array, tasks: Mapping[int, Task]) -> list[str]:
    """What became of shards that have not ended, in words; empty if all have."""
    return [
        f"Shard {Shard(number + 1, array.shards)} did not end: {_fate(tasks.get(number))}; its "
        f"last words are in {_words(results, array, number)}."
        for number, counts in enumerate(read_counts(results, array.shards))
        if counts is None or not counts.ended
    ]


def _absolute(spec: BatchSpec) -> BatchSpec:
    return replace(
        spec,
        source=absolute(spec.source),
        out=spec.out.absolute(),
        labels=None if spec.labels is None else spec.labels.absolute(),
    )


def _digest(spec: BatchSpec) -> str:
    """What tells a batch from another, however often it is begun."""
    spec = replace(_absolute(spec), fresh=False, retry_failed=False)
    return hashlib.sha256(json.dumps(spec.to_dict(), sort_keys=True).encode()).hexdigest()


def _fate(task: Task | None) -> str:
    if task is None:
        return "Slurm has forgotten its job"
    reason = "" if task.reason in ("", "None") else f" ({task.reason})"
    return f"its job is {task.state}{reason}"


def _words(results: Path, array: Array, number: int) -> Path:
    job = array.job if array.shards == 1 else f"{array.job}_{number}"
    return state_folder(results) / FOLDER / f"{job}_0_log.out"


def _progress(results: Path, array: Array, tasks: Mapping[int, Task] | None) -> Progress:
    counts = [found for found in read_counts(results, array.shards) if found is not None]
    waiting: Iterable[Task] = (tasks or {}).values()
    return Progress(
        sum(found.done for found in counts),
        sum(found.failed for found in counts),
        Counter(task.state.lower() for task in waiting),
        frozenset(task.reason for task in waiting if task.state == "PENDING"),
        tasks is not None,
    )


def _job_file(results: Path) -> Path:
    return state_folder(results) / FOLDER / _JOB
