"""A batch on Slurm: the real one, on one node."""

from __future__ import annotations

import csv
import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from masam_core.batch.cases import find_cases
from masam_core.batch.shards import Shard, shard_of
from masam_core.batch.spec import BatchSpec
from masam_core.cli.main import app
from masam_core.cli.slurm_job import asked_to_cancel
from masam_core.cluster import slurm as slurm_module
from masam_core.cluster import slurm_batch, slurm_train
from masam_core.cluster.sbatch_options import minutes_of, read_options
from masam_core.cluster.shard_job import ShardJob
from masam_core.cluster.slurm import Task, tasks_of
from masam_core.cluster.slurm_train import TorchrunJob, torchrun
from masam_core.errors import ConfigError
from masam_core.inference.options import SegmentOptions
from Testing.core.cluster import images
from Testing.core.cluster.slurm_here import lacking, slurm

CASES = 8


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    pytest.importorskip("submitit")
    if reason := lacking():
        pytest.skip(f"No Slurm here: {reason}")
    try:
        with slurm(tmp_path_factory.mktemp("slurm")) as variables:
            yield variables
    except RuntimeError as error:
        pytest.skip(str(error))


class Place:
    """Images, a folder for results, and the command that segments the ones into the other."""

    def __init__(self, folder: Path, cluster: dict[str, str]) -> None:
        self.folder, self.out = folder, folder / "out"
        self.cluster = cluster
        self.images = images.write_images(folder / "images", CASES)

    def start(self, *more: str) -> subprocess.Popen[str]:
        worker = images.held_worker(self.folder)
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "masam_core", "batch", str(self.images)),
                *("-o", str(self.out), "--worker", worker),
                *("--slurm", "--partition work --time 10", "--jobs", "2", *more),
            ],
            env=images.environment(**self.cluster),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
        )

    def shard_process(self, shard: int) -> int:
        """The process that works on a shard."""
        lock = self.out / ".masam" / "shards" / f"{shard}-of-2.lock"
        return int(json.loads(lock.read_text())["process"])


@pytest.fixture
def place(tmp_path: Path, cluster: dict[str, str]) -> Place:
    return Place(tmp_path, cluster)


def test_options_are_those_of_sbatch() -> None:
    words = (
        "--partition gpu --gres gpu:1 -t4:00:00 -c 8 --mem=16G --exclusive --comment 'two words'"
    )
    assert read_options(words) == {
        "partition": "gpu",
        "gres": "gpu:1",
        "time": "4:00:00",
        "cpus-per-task": "8",
        "mem": "16G",
        "exclusive": True,
        "comment": "two words",
    }
    for odd, says in (
        ("gpu", "no option of Slurm"),
        ("--array 3", "leave it out"),
        ("--signal=TERM@60", "leave it out"),
        ("--clusters other", "leave it out"),
        ("-z 3", "is known here"),
        ("--a 'b", "can't be read"),
    ):
        with pytest.raises(ConfigError, match=says):
            read_options(odd)
    times = {"30": 30, "1:30": 2, "4:00:00": 240, "1-0": 1440, "2-01:02": 2942, "1-01:00:30": 1501}
    assert {time: minutes_of(time) for time in times} == times
    with pytest.raises(ConfigError, match=r"expected such as 4:00:00"):
        minutes_of("noon")


def test_a_killed_shard_is_told_and_gone_on_with_and_each_case_ends_once(place: Place) -> None:
    (place.folder / "hold").write_text("2")
    first = place.start()
    images.wait_for(lambda: images.begun(place.folder) == 6)  # both are held at their next case
    os.kill(place.shard_process(1), signal.SIGKILL)
    images.wait_for(lambda: len(tasks_over(place)) == 1)
    (place.folder / "hold").unlink()
    out, err = first.communicate(timeout=200)
    assert first.returncode == 1, err
    assert "8 cases in 2 shards" in err
    assert "Shard 1/2 did not end: its job is FAILED" in err
    assert "Shard 2/2 did not end" not in err
    mine = {f"case{n}" for n in range(CASES) if shard_of(f"case{n}", 2) == 1}
    lost = {name for name, status in images.rows_of(place.out).items() if status == "pending"}
    assert lost
    assert lost < mine
    second = place.start("--json")
    out, err = second.communicate(timeout=200)
    assert second.returncode == 0, err
    assert json.loads(out)["done"] == CASES
    assert set(images.rows_of(place.out).values()) == {"done"}
    assert images.times_done(place.out) == {f"case{n}": 1 for n in range(CASES)}
    assert "8 cases: 8 done, 0 failed." in (place.out / "report.txt").read_text()


def test_ctrl_c_cancels_the_jobs_and_the_same_command_follows_or_goes_on(place: Place) -> None:
    (place.folder / "hold").write_text("1")
    first = place.start()
    images.wait_for(lambda: images.begun(place.folder) == 4)
    other = place.start()  # while it runs, it is found
    assert other.stderr is not None
    assert "Found at work from before, and followed" in other.stderr.readline()
    first.send_signal(signal.SIGINT)
    _, err = first.communicate(timeout=200)
    assert first.returncode == 130
    assert "is cancelled (scancel); the same command goes on." in err
    assert len(tasks_over(place)) == 2
    _, err = other.communicate(timeout=200)
    assert other.returncode == 1
    assert "Shard 2/2 did not end: its job is CANCELLED" in err
    (place.folder / "hold").unlink()
    again = place.start()
    out, err = again.communicate(timeout=200)
    assert again.returncode == 0, err
    assert "8 cases: 8 done, 0 failed." in out
    assert images.times_done(place.out) == {f"case{n}": 1 for n in range(CASES)}


def test_what_slurm_refuses_is_told(place: Place) -> None:
    place.images = images.write_images(place.folder / "one", 1)
    done = place.start("--slurm", "--partition nowhere")
    _, err = done.communicate(timeout=200)
    assert done.returncode == 1
    assert "Slurm did not take the job" in err
    assert "invalid partition" in err


def test_before_jobs_are_cancelled_somebody_who_can_answer_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda _: True})())
    assert not asked_to_cancel("7", lambda question, err: "job 7" not in question)

    def again(*_: object, **__: object) -> bool:
        raise KeyboardInterrupt

    assert asked_to_cancel("7", again)


def tasks_over(place: Place) -> list[int]:
    job = json.loads((place.out / ".masam" / "slurm" / "job.json").read_text())["job"]
    before = dict(os.environ)
    os.environ.update(place.cluster)
    try:
        return [number for number, task in (tasks_of(job) or {}).items() if task.over]
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_torchrun_trains_on_a_node(
    cluster: dict[str, str], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("lightning_fabric")
    pytest.importorskip("monai")
    for name, value in images.environment(**cluster).items():
        monkeypatch.setenv(name, value)
    run = tmp_path / "run"
    entries = ["accelerator=cpu", "model.image_size=56", "regions=0", "synthetic=0"]
    done = CliRunner().invoke(
        app,
        [
            *("train", str(data), "-o", str(run), "--steps", "2", "--validate-every", "0"),
            *("--batch", "2", "--devices", "2", "--at-once", "1"),
            *(word for entry in entries for word in ("--set", entry)),
            *("--slurm", "--partition work --time 10"),
        ],
    )
    assert done.exit_code == 0, done.output
    assert "1 node with 2 processes each" in done.output
    assert "--standalone --nproc_per_node=2 -m masam_core train" in done.output
    assert "has ended; the weights are in" in done.output
    with (run / "log.csv").open(newline="") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["0", "1"]
    assert (run / "last.safetensors").is_file()


def test_several_nodes_meet_at_the_first() -> None:
    job = TorchrunJob(["train", "--config", "run.yaml"], nodes=2, processes=8)
    assert torchrun(job, "gpu01", "40123")[1:] == [
        *("-m", "torch.distributed.run", "--nnodes=2", "--rdzv_backend=c10d"),
        *("--rdzv_endpoint=gpu01:20123", "--rdzv_id=40123", "--nproc_per_node=8"),
        *("-m", "masam_core", "train", "--config", "run.yaml"),
    ]


def test_a_job_whose_time_is_over_goes_on_without_beginning_anew(tmp_path: Path) -> None:
    submitit = pytest.importorskip("submitit")
    folder = images.write_images(tmp_path / "images", 1)
    spec = BatchSpec(folder, tmp_path / "out", fresh=True, retry_failed=True)
    job = ShardJob(spec, Shard(1, 1), find_cases(folder)[0])
    again = job.checkpoint()
    assert isinstance(again, submitit.helpers.DelayedSubmission)
    kept = pickle.loads(pickle.dumps(again.function))
    assert kept == replace(job, spec=replace(spec, fresh=False, retry_failed=False))


def test_an_array_at_work_is_followed_by_the_same_batch_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = images.write_images(tmp_path / "images", 2)
    spec = BatchSpec(folder, tmp_path / "out", retry_failed=True)
    monkeypatch.setattr(slurm_batch, "submit", lambda *_: "7")
    monkeypatch.setattr(slurm_batch, "tasks_of", lambda _: {0: Task("RUNNING")})
    array = slurm_batch.submit_batch(spec, find_cases(folder)[0], 2, {})
    assert slurm_batch.running_array(replace(spec, retry_failed=False)) == array
    other = replace(spec, segment=SegmentOptions(threshold=0.7))
    with pytest.raises(ConfigError, match=r"Job 7 .* other settings\. Wait until"):
        slurm_batch.running_array(other)
    monkeypatch.setattr(slurm_batch, "tasks_of", lambda _: {0: Task("COMPLETED")})
    assert slurm_batch.running_array(other) is None


def test_a_training_at_work_is_followed_by_the_same_run_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm_train, "submit", lambda *_, **__: "7")
    monkeypatch.setattr(slurm_train, "tasks_of", lambda _: {0: Task("RUNNING")})
    slurm_train.submit_training(tmp_path, "steps: 1\n", 1, 1, {})
    assert slurm_train.running_training(tmp_path, "steps: 1\n") == "7"
    with pytest.raises(ConfigError, match=r"Job 7 .* other settings\. Wait until"):
        slurm_train.running_training(tmp_path, "steps: 2\n")


def test_cases_that_came_after_the_job_was_submitted_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = images.write_images(tmp_path / "images", 2)
    monkeypatch.setattr(slurm_batch, "running_array", lambda _: slurm_batch.Array("7", 1))
    monkeypatch.setattr(slurm_batch, "follow", lambda *_: {})
    monkeypatch.setattr(slurm_batch, "unfinished", lambda *_: [])
    command = ["batch", str(folder), "-o", str(tmp_path / "out"), "--slurm", "", "--worker", "no"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 1
    assert "2 cases did not run: not there when the job was submitted." in done.stderr
    assert "The same command goes on" in done.stderr


def test_no_requeue_is_taken_at_its_word_and_a_dumb_scancel_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitit = pytest.importorskip("submitit")
    given: list[dict[str, object]] = []

    class Executor:
        def __init__(self, *_: object, **__: object) -> None:
            pass

        def update_parameters(self, **named: object) -> None:
            given.append(dict(named["additional_parameters"]))  # type: ignore[call-overload]
            raise ConfigError("enough")

    monkeypatch.setattr(submitit, "SlurmExecutor", Executor)
    monkeypatch.setattr(slurm_module.shutil, "which", lambda _: "/bin/true")
    for options in ({"no-requeue": True}, {}):
        with pytest.raises(ConfigError, match="enough"):
            slurm_module.submit([], tmp_path, "x", options, 1)
    assert given == [{"no-requeue": True}, {"requeue": True}]

    def stalls(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("scancel", 60)

    monkeypatch.setattr(slurm_module.subprocess, "run", stalls)
    with pytest.raises(ConfigError, match="Job 7 is not cancelled"):
        slurm_module.cancel("7")
