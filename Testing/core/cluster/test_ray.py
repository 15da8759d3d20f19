"""A batch on Ray: the real one, with two nodes as two processes."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from masam_core.batch.case import BatchCase
from masam_core.batch.cases import find_cases
from masam_core.batch.queue import BatchQueue
from masam_core.batch.spec import BatchSpec
from masam_core.catalog.choice import ModelChoice
from masam_core.cli.main import app
from masam_core.cluster import ray_batch, ray_worker
from masam_core.cluster.ray_batch import device_there
from masam_core.cluster.ray_pool import AHEAD, MOST_DEATHS, RayPool
from masam_core.cluster.ray_worker import CaseWorker, Outcome
from masam_core.errors import ConfigError
from Testing.core.batch.test_run import Quick
from Testing.core.cluster import images

CASES = 10
SMALL = {"object_store_memory": 80 << 20, "include_dashboard": False}
# Ray starts twenty processes: on a machine whose cores others use, that has taken minutes.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    pytest.importorskip("ray", reason="the extra 'ray' is not installed")
    # Without its guard over memory, which may kill actors for what other programs take, and without
    # its politeness (actors at nice 15), for which a busy machine lets them wait.
    variables = {
        "PYTHONPATH": str(images.ROOT),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_memory_monitor_refresh_ms": "0",
        "RAY_worker_niceness": "0",
    }
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, **SMALL})
    try:
        yield made
    finally:
        made.shutdown()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def masam(folder: Path, cluster: Any, *more: str) -> Any:
    """The command, in this process."""
    command = ["batch", str(folder / "images"), "-o", str(folder / "out")]
    command += ["--worker", images.held_worker(folder), "--ray", cluster.address, "--cores", "1"]
    return CliRunner().invoke(app, [*command, *more])


def processes(folder: Path) -> set[int]:
    """Workers and actors that have begun a case."""
    return {int(word) for word in (folder / "journal").read_text().split()}


def test_a_killed_node_and_ctrl_c_lose_nothing_and_each_case_ends_once(
    cluster: Any, tmp_path: Path
) -> None:
    images.write_images(tmp_path / "images", CASES)
    second = cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
    (tmp_path / "hold").write_text("2")
    log = tmp_path / "out" / "logs"
    done_before: list[int] = []

    def done() -> int:
        return sum(images.times_done(tmp_path / "out").values())

    def disturb() -> None:
        """Kill the second node, and press Ctrl-C while the other one is at work."""
        try:
            # Both are held at their next case.
            images.wait_for(lambda: images.begun(tmp_path) == 6, 300)
            # What a worker has computed is done once its actor has handed it over.
            images.wait_for(lambda: done() == 4)
            cluster.remove_node(second, allow_graceful=False)
            tried = "was ended; it is tried again"
            images.wait_for(lambda: sum(tried in p.read_text() for p in log.glob("*.log")) == AHEAD)
            done_before.append(done())
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    disturbing = threading.Thread(target=disturb)
    disturbing.start()
    first = masam(tmp_path, cluster)
    disturbing.join()
    assert first.exit_code == 130, first.output
    assert done_before == [4]
    assert f"{CASES} cases on the cluster at {cluster.address}, 2 workers" in first.stderr
    assert "no worker is left; the same command goes on" in first.stderr
    images.wait_for(lambda: not any(_alive(pid) for pid in processes(tmp_path)))
    (tmp_path / "hold").unlink()
    again = masam(tmp_path, cluster, "--json")
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["done"] == CASES
    assert set(images.rows_of(tmp_path / "out").values()) == {"done"}
    assert images.times_done(tmp_path / "out") == {f"case{n}": 1 for n in range(CASES)}
    assert f"{CASES} cases: {CASES} done, 0 failed." in (tmp_path / "out/report.txt").read_text()
    masks = sorted(p.name for p in (tmp_path / "out").glob("*.seg.nrrd"))
    assert masks == [f"case{n}.seg.nrrd" for n in range(CASES)]
    images.wait_for(lambda: not any(_alive(pid) for pid in processes(tmp_path)))


def test_what_can_not_be_had_is_told(cluster: Any, tmp_path: Path) -> None:
    images.write_images(tmp_path / "images", 1)
    done = masam(tmp_path, cluster, "--cores", "64")
    assert "No node of Ray has 64 CPU for a worker; ask for less" in done.stderr
    assert done.exit_code == 1


class Stub:
    """Ray without processes: actors that answer at once, or die as they are told to."""

    class RayError(Exception):
        """As Ray's."""

    def __init__(self, dies: Any, version: str = "") -> None:
        import masam_core

        self.exceptions = SimpleNamespace(RayError=self.RayError)
        self.version = version or masam_core.__version__
        self.dies, self.killed, self.started, self.most = dies, 0, 0, 0
        self.answers: dict[str, Any] = {}

    def start(self) -> Any:
        self.started += 1
        own: set[str] = set()

        def ready() -> str:
            return self._promise(lambda: self.version)

        def run(case: BatchCase) -> str:
            def answer() -> Outcome:
                own.discard(case.name)
                if self.dies(case.name):
                    raise self.RayError(case.name)
                return Outcome(notes=[case.name])

            own.add(case.name)
            self.most = max(self.most, len(own))
            return self._promise(answer)

        return SimpleNamespace(ready=SimpleNamespace(remote=ready), run=SimpleNamespace(remote=run))

    def _promise(self, answer: Any) -> str:
        ref = f"ref{len(self.answers)}"
        self.answers[ref] = answer
        return ref

    def wait(self, refs: list[str], num_returns: int, timeout: float) -> tuple[list[str], list]:
        assert refs, "it would wait for ever"
        return refs[:num_returns], refs[num_returns:]

    def get(self, ref: str) -> Any:
        return self.answers[ref]()

    def kill(self, handle: Any, no_restart: bool) -> None:
        self.killed += 1


def run_pool(ray: Stub, names: list[str], count: int = 2) -> list[tuple[str, int]]:
    """Names and deaths of what ended, each case given out until it ends or kills too often."""
    waiting = list(names)
    pool = RayPool(
        ray,
        ray.start,
        count,
        lambda: BatchCase(waiting.pop(0), Path("x")) if waiting else None,
        lambda: bool(waiting),
    )
    ended = []
    try:
        for one in pool.run():
            if one.outcome is None and one.deaths < MOST_DEATHS:
                waiting.append(one.name)
                waiting.sort(key=names.index)  # as in the queue, each has its place
            else:
                ended.append((one.name, one.deaths))
    finally:
        pool.close()
    return ended


def test_a_case_that_ends_its_actor_is_given_up_and_all_others_end_once() -> None:
    names = [f"case{n}" for n in range(50)]
    ray = Stub(lambda name: name == "case7")
    ended = run_pool(ray, names)
    assert sorted(name for name, _ in ended) == sorted(names)
    assert ("case7", MOST_DEATHS) in ended
    assert sum(deaths > 0 for _, deaths in ended) == 1
    assert ray.killed == ray.started  # none is left
    assert ray.most == AHEAD  # no actor ever holds more


@pytest.mark.parametrize("count", [1, 3])
def test_a_case_that_shared_an_actor_with_a_deadly_one_is_done(count: int) -> None:
    names = [f"case{n}" for n in range(6)]
    ended = dict(run_pool(Stub(lambda name: name == "case2"), names, count))
    assert ended == {name: MOST_DEATHS if name == "case2" else 0 for name in names}


def test_where_no_worker_is_left_and_none_can_be_started_it_ends() -> None:
    class Once(Stub):
        """Only the first actor can be started, and each case ends it."""

        def start(self) -> Any:
            actor, first = super().start(), self.started == 1

            def fails() -> str:
                raise self.RayError("no room on the disk")

            if not first:
                actor.ready.remote = lambda: self._promise(fails)
            return actor

    with pytest.raises(ConfigError, match="No worker could be started: no room on the disk"):
        run_pool(Once(lambda name: True), ["case0", "case1"])


def test_seconds_of_a_case_leave_out_its_wait_for_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = find_cases(images.write_images(tmp_path / "images", 1))[0][0]
    worker = CaseWorker(BatchSpec(tmp_path, tmp_path / "out").to_dict())
    worker._segmenter = Quick()
    times = iter([0.0, 2.0, 102.0, 105.0])  # begun, read, computed from then on, ended
    monkeypatch.setattr(ray_worker, "time", SimpleNamespace(monotonic=lambda: next(times)))
    outcome = worker.run(case)
    assert (outcome.error, outcome.seconds) == ("", 5.0)
    queue = BatchQueue([case.name])
    queue.start(case.name)
    queue.finish(case.name, outcome.rows, seconds=outcome.seconds)
    assert queue.cases[case.name].seconds == 5.0


def test_actors_compute_on_the_device_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def there(device: str, has_gpu: bool, model: str = "bundled", worker: str = "") -> Any:
        words = (worker,) if worker else ()
        choice = ModelChoice(model, device=device)
        return device_there(BatchSpec(Path("in"), Path("out"), model=choice, worker=words), has_gpu)

    for has_gpu in (True, False):
        assert there("openvino", has_gpu) == (False, "openvino")
        assert there("openvino:GPU", has_gpu) == (False, "openvino:GPU")
        assert there("cpu", has_gpu) == (False, "cpu")
        assert there("auto", has_gpu, worker="there") == (has_gpu, "auto")
    assert there("auto", True) == there("cuda:1", True) == (True, "cuda")
    for kind, name in (("openvino", "openvino"), ("cpu", "cpu"), ("cuda", "cpu")):
        monkeypatch.setattr(ray_batch, "place_of", lambda *_, k=kind: SimpleNamespace(type=k))
        assert there("auto", False) == (False, name)
    with pytest.raises(ConfigError, match="nodes have no GPU"):
        there("cuda", False)


def test_actors_find_a_models_file_or_folder_wherever_they_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.pth").touch()
    (tmp_path / "converted").mkdir()
    (tmp_path / "converted" / "model.json").touch()
    (tmp_path / "bundled").mkdir()  # of the user's, and no model
    for word, there in (
        ("mine.pth", str(tmp_path / "mine.pth")),
        ("converted", str(tmp_path / "converted")),
        ("bundled", "bundled"),
    ):
        assert ray_batch._absolute_files(ModelChoice(word)).model == there


def test_nothing_to_do_starts_nothing_and_another_version_is_refused() -> None:
    ray = Stub(lambda name: False)
    assert run_pool(ray, []) == []
    assert ray.started == 0
    old = Stub(lambda name: False, "0.0.1")
    with pytest.raises(ConfigError, match=r"has MASAM 0\.0\.1, this machine"):
        run_pool(old, ["a"])
    assert old.killed == old.started > 0


def _alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
