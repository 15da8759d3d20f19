"""A training on nodes of Slurm: torchrun on each of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from masam_core.atomic import write_text
from masam_core.cluster.slurm import Task, submit, tasks_of
from masam_core.errors import ConfigError, MasamError, SegmentationError
from masam_core.jsonfile import read_json
from masam_core.process_tree import kill_tree
from masam_core.targets import require_folder

FOLDER = "slurm"  # in the folder of the run
_JOB, _RUN = "job.json", "run.yaml"
_PORTS = range(20_000, 30_000)  # of the meeting place; one for each job number


@dataclass(frozen=True)
class TorchrunJob:
    """Starts torchrun on a node; runs once on each node of a job.

    Attributes:
        arguments: of ``python -m masam_core``.
        nodes: of the job.
        processes: on each node.
    """

    arguments: Sequence[str]
    nodes: int
    processes: int

    def __call__(self) -> int:
        """Train to the end; RuntimeError where torchrun ends with an error."""
        import submitit

        place = submitit.JobEnvironment()
        command = torchrun(self, place.hostnames[0], place.job_id)
        print(" ".join(command), flush=True)
        # A process of its own: submitit's handlers stay, and what a signal left is ended.
        with subprocess.Popen(command, env=_environment()) as process:
            signal.signal(signal.SIGTERM, lambda *_: process.terminate())
            try:
                code = process.wait()
            finally:
                kill_tree(process.pid)
        if code:
            raise RuntimeError(f"torchrun ended with code {code}; what it said stands above.")
        return code

    def checkpoint(self) -> Any:
        """The same again: a training goes on from its last checkpoint."""
        import submitit

        return submitit.helpers.DelayedSubmission(self)


def torchrun(job: TorchrunJob, host: str, number: str) -> list[str]:
    """The command that each node runs.

    Args:
        job: what is run.
        host: the first node, where all meet.
        number: of Slurm's job, which tells meetings apart.
    """
    if job.nodes == 1:
        meeting = ["--standalone"]
    else:
        digits = int("".join(c for c in number if c.isdigit()) or 0)
        port = _PORTS[digits % len(_PORTS)]
        meeting = [
            f"--nnodes={job.nodes}",
            "--rdzv_backend=c10d",
            f"--rdzv_endpoint={host}:{port}",
            f"--rdzv_id={number}",
        ]
    launcher = [sys.executable, "-m", "torch.distributed.run", *meeting]
    return [*launcher, f"--nproc_per_node={job.processes}", "-m", "masam_core", *job.arguments]


def submit_training(
    out: Path, run: str, nodes: int, processes: int, options: Mapping[str, Any]
) -> str:
    """Submit a training.

    Args:
        out: folder of the run, shared with the nodes.
        run: all entries of the run, as YAML.
        nodes, processes: machines, and processes on each.
        options: of sbatch.

    Returns:
        The number of the job.

    Raises:
        ConfigError: Slurm refuses, or the folder can't be written.
    """
    folder = out.absolute() / FOLDER
    require_folder(folder, ConfigError)
    write_text(folder / _RUN, run, ConfigError)
    work = TorchrunJob(["train", "--config", str(folder / _RUN)], nodes, processes)
    job = submit([work], folder, "masam-train", options, 1, nodes=nodes, ntasks_per_node=1)
    write_text(folder / _JOB, json.dumps({"job": job}), SegmentationError)
    return job


def running_training(out: Path, run: str) -> str | None:
    """The job that trains in a folder, if Slurm has it in hand still.

    Args:
        out: folder of the run.
        run: all entries of the run, as YAML.

    Raises:
        ConfigError: Slurm does not answer, or another run trains there.
    """
    path = out / FOLDER / _JOB
    if not path.is_file():
        return None
    try:
        job = str(read_json(path, "job of Slurm")["job"])
    except (MasamError, KeyError, TypeError):
        return None
    tasks: dict[int, Task] | None = tasks_of(job)
    if tasks is None:
        raise ConfigError(f"Job {job} trains in {out}, or did, and Slurm does not answer (squeue).")
    if all(task.over for task in tasks.values()):
        return None
    if (out / FOLDER / _RUN).read_text("utf-8") != run:
        raise ConfigError(
            f"Job {job} of Slurm trains in {out} with other settings. Wait until it has ended, "
            "cancel it (scancel), or choose another folder for the run."
        )
    return job


def words_file(out: Path, job: str) -> Path:
    """The file in which a job's first node writes what it says."""
    return out / FOLDER / f"{job}_0_log.out"


def _environment() -> dict[str, str]:
    """Variables without those of Slurm's task: a launcher of its own counts the processes."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in ("SLURM_NTASKS", "SLURM_PROCID", "SLURM_LOCALID", "SLURM_JOB_NAME")
    }
