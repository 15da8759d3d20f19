"""A batch on Ray: this process keeps the states and writes, actors segment."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from masam_core.atomic import atomic_path
from masam_core.batch.case import BatchCase
from masam_core.batch.driver import look_for
from masam_core.batch.fingerprint import case_files
from masam_core.batch.merging import Merged, merge
from masam_core.batch.queue import BatchQueue
from masam_core.batch.run import OnCase, open_queue
from masam_core.batch.spec import BatchSpec
from masam_core.batch.states import PENDING, RUNNING
from masam_core.batch.stores import absolute_case
from masam_core.catalog.choice import ModelChoice
from masam_core.catalog.converted import is_converted
from masam_core.cluster.ray_pool import MOST_DEATHS, Ended, RayPool
from masam_core.cluster.ray_worker import CaseWorker, Outcome
from masam_core.errors import ConfigError, MasamError, SegmentationError
from masam_core.inference.runtimes.choosing import place_of

OWN_STORE_BYTES = 256 << 20  # masks on their way back; images never pass through it
CORES = 2  # of an actor without a GPU


@dataclass(frozen=True)
class RayPlan:
    """How a batch is spread.

    Attributes:
        address: of a running cluster; ``auto`` is the one that runs here, or one of its own.
        workers: actors; 0 is as many as the cluster has room for.
        cores: of each, where it has no GPU.
    """

    address: str = "auto"
    workers: int = 0
    cores: int = CORES


@dataclass
class RayBatch:
    """A batch whose cluster and folder are open.

    Attributes:
        queue: what has become of the cases.
        notes: for people.
        workers: how many actors there are to be.
        where: words for the cluster.
        merged: table and report, at the end.
    """

    queue: BatchQueue
    notes: list[str]
    workers: int
    where: str
    _pool: RayPool
    _spec: BatchSpec
    _cases: dict[str, BatchCase]
    merged: Merged | None = None

    def run(self, on_case: OnCase) -> bool:
        """Work through what waits.

        Args:
            on_case: called with name, status and message when a case begins, ends or waits again.

        Returns:
            Whether it went through to the end; False after Ctrl-C, when no actor is left and what
            was being worked on waits again.

        Raises:
            MasamError: no actor can be started, or a state or the table can't be written.
        """
        self._on_case = on_case
        try:
            for ended in self._pool.run():
                self._end(ended)
            return True
        except KeyboardInterrupt:
            return False
        finally:
            self._pool.close()
            running = [name for name, case in self.queue.cases.items() if case.status == RUNNING]
            self.queue.cancel()
            for name in running:
                on_case(name, PENDING, "")
            self.merged = merge(self._spec.out, self._cases)

    def next_case(self) -> BatchCase | None:
        """The next case that waits, which is being worked on from now."""
        name = self.queue.next()
        if name is None:
            return None
        case = self._cases[name]
        self.queue.start(name, case_files(case))
        self._on_case(name, RUNNING, "")
        return case

    def _end(self, ended: Ended) -> None:
        name, outcome = ended.name, ended.outcome
        if outcome is None:
            self._lost(name, ended.deaths)
            return
        for line in outcome.log:
            self.queue.log(name, line)
        error = outcome.error
        if not error:
            try:
                self._write(outcome)
            except MasamError as failure:
                error = str(failure)
        if error:
            self.queue.fail(name, error, outcome.seconds)
        else:
            notes = " ".join(outcome.notes)
            self.queue.finish(name, outcome.rows, notes, outcome.seconds)
        self._on_case(name, self.queue.cases[name].status, self.queue.cases[name].message)

    def _lost(self, name: str, deaths: int) -> None:
        if deaths >= MOST_DEATHS:
            self.queue.fail(name, f"The process that worked on it was ended, {deaths} times.")
        else:
            self.queue.log(name, "The process that worked on it was ended; it is tried again.")
            self.queue.requeue(name, "Tried again: the process that worked on it was ended.")
        self._on_case(name, self.queue.cases[name].status, self.queue.cases[name].message)

    def _write(self, outcome: Outcome) -> None:
        for name, data in outcome.files.items():
            with atomic_path(self._spec.out / name, SegmentationError) as temporary:
                temporary.write_bytes(data)


@contextlib.contextmanager
def open_on_ray(spec: BatchSpec, plan: RayPlan) -> Iterator[RayBatch]:
    """Connect to Ray and open a batch there; at the end no actor is left, nor a cluster of its own.

    Args:
        spec: of the batch. The nodes read the images by the same paths; the results come back to
            this process, which alone writes them.
        plan: how it is spread.

    Raises:
        ConfigError: no ray, no cluster at the address, no room for one actor; see ``open_queue``.
    """
    spec, cases, notes = look_for(spec)
    cases = [absolute_case(case) for case in cases]
    with _connected(plan.address) as (ray, where):
        gpu, device = device_there(spec, ray.cluster_resources().get("GPU", 0) >= 1)
        there = replace(_absolute_files(spec.model), device=device)
        needs = {"num_gpus": 1, "num_cpus": 1} if gpu else {"num_cpus": plan.cores}
        room = _room(ray, needs)
        # As a batch on one machine says it, which may be gone on with here.
        kind = _place(spec.model, device) if device == "cpu" else device.partition(":")[0]
        queue = open_queue(cases, spec, device=None if spec.worker else kind)
        try:
            workers = max(1, min(plan.workers or room, queue.count(PENDING)))
            actor = ray.remote(CaseWorker).options(max_concurrency=2, max_restarts=0, **needs)
            values = replace(spec, model=there, out=spec.out.absolute()).to_dict()
            batch: RayBatch

            def start() -> Any:
                return actor.remote(values)

            pool = RayPool(
                ray,
                start,
                workers,
                lambda: batch.next_case(),
                lambda: queue.next() is not None,
            )
            by_name = {case.name: case for case in cases}
            batch = RayBatch(queue, [*notes, *queue.notes], workers, where, pool, spec, by_name)
            yield batch
        finally:
            queue.release()


@contextlib.contextmanager
def _connected(address: str) -> Iterator[tuple[Any, str]]:
    try:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing leaves the house
        import ray
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"Ray needs the package '{error.name}': pip install 'masam[ray]'"
        ) from error
    if ray.is_initialized():  # a program's own
        yield ray, "this program's cluster"
        return
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    where = f"the cluster at {address}"
    # What Ray says of its nodes must not get among the results.
    with contextlib.redirect_stdout(sys.stderr):
        try:
            try:
                ray.init(address=address, **quiet)
            except ConnectionError:
                if address != "auto":
                    raise
                where = f"a cluster of its own on {platform.node()}"
                own: dict[str, Any] = {
                    "include_dashboard": False,
                    "object_store_memory": OWN_STORE_BYTES,
                }
                ray.init(address="local", **own, **quiet)
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            words = " ".join(str(error).split())
            raise ConfigError(f"Ray can't be reached at {address}: {words[:300]}") from error
        try:
            yield ray, where
        finally:
            ray.shutdown()


def _absolute_files(choice: ModelChoice) -> ModelChoice:
    """A model whose files are found from every folder, or whose folder is; a name stays one."""

    def whole(word: str) -> str:
        path = Path(word)
        return str(path.absolute()) if path.is_file() or is_converted(path) else word

    base = None if choice.base is None else whole(choice.base)
    return replace(choice, model=whole(choice.model), base=base)


def device_there(spec: BatchSpec, has_gpu: bool) -> tuple[bool, str]:
    """Whether actors get a GPU, and the name of their device.

    What was asked for is taken. ``auto`` is a GPU where the nodes have one, else what this machine
    takes for its processor: one batch is computed by one kind of device.

    Args:
        spec: of the batch; a worker's command decides by itself what ``auto`` is.
        has_gpu: whether a node of Ray has a GPU.

    Raises:
        ConfigError: CUDA was asked for, and no node has a GPU.
    """
    wanted = spec.model.device
    if wanted.startswith("cuda") and not has_gpu:
        raise ConfigError(f"The device is {wanted}, and Ray's nodes have no GPU.")
    if wanted.startswith("cuda"):
        return True, wanted if spec.worker else "cuda"  # an actor sees its own GPU alone
    if spec.worker:
        return has_gpu and wanted == "auto", wanted
    if wanted != "auto":
        return False, wanted
    if has_gpu and not is_converted(Path(spec.model.model)):
        return True, "cuda"
    return False, "openvino" if _place(spec.model, "auto") == "openvino" else "cpu"


def _place(choice: ModelChoice, device: str) -> str:
    return str(place_of(choice.model, device, choice.precision, choice.base).type)


def _room(ray: Any, needs: dict[str, int]) -> int:
    """How many actors the nodes have room for."""
    names = {"num_cpus": "CPU", "num_gpus": "GPU"}
    most = [
        min(int(node["Resources"].get(names[need], 0) // count) for need, count in needs.items())
        for node in ray.nodes()
        if node["Alive"]
    ]
    if not sum(most):
        shown = ", ".join(f"{count} {names[need]}" for need, count in needs.items())
        raise ConfigError(f"No node of Ray has {shown} for a worker; ask for less (--cores).")
    return sum(most)
