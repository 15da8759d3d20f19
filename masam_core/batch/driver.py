"""A batch from its specification to its end: for the command line, and as events for programs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from masam_core.batch.case import BatchCase
from masam_core.batch.cases import find_cases
from masam_core.batch.engine import open_segmenter
from masam_core.batch.fingerprint import settings
from masam_core.batch.merging import Merged, merge
from masam_core.batch.queue import BatchQueue
from masam_core.batch.run import OnCase, OnProgress, open_queue, run_batch
from masam_core.batch.shard_record import ShardRecord, all_ended
from masam_core.batch.shards import Shard
from masam_core.batch.spec import BatchSpec
from masam_core.batch.states import DONE, FAILED
from masam_core.catalog.able import abilities_of_name
from masam_core.errors import CheckpointError, ConfigError
from masam_core.image.readable import readable
from masam_core.lesion.choosing import choose_classes

Say = Callable[[dict[str, Any]], None]


@dataclass
class Batch:
    """A batch that can be run, or gone on with.

    Attributes:
        spec: what it was made of.
        cases: that were found.
        queue: what has become of them.
        notes: for the user: what was left out, what is run again.
        shard: that it is, where others work on other parts.
        digest: of the whole batch, where it is a shard; see ``ShardCounts``.
        merged: table and report of all shards, once the last one has ended.
    """

    spec: BatchSpec
    cases: list[BatchCase]
    queue: BatchQueue
    notes: list[str]
    shard: Shard | None = None
    digest: str = ""
    merged: Merged | None = None

    def run(
        self,
        on_case: OnCase,
        on_progress: OnProgress,
        cancelled: Callable[[], bool],
        environment: Mapping[str, str] | None = None,
    ) -> bool:
        """Work through what waits; the model is loaded only if something does.

        Args:
            on_case: called with name, status and message when a case begins and ends.
            on_progress: called with name, fraction and words.
            cancelled: asked between windows.
            environment: of the worker; None is this process's.

        Returns:
            Whether it went through to the end.

        Raises:
            MasamError: the model can't be loaded, or the table can't be written.
        """
        try:
            if self.shard is None:
                return self._work(on_case, on_progress, cancelled, environment)
            record = ShardRecord(self.spec.out, self.shard, self.queue, self.digest)

            def both(name: str, status: str, message: str) -> None:
                record.on_case(name, status, message)
                on_case(name, status, message)

            whole = False
            try:
                whole = self._work(both, on_progress, cancelled, environment)
            finally:
                record.end(whole)
            if whole and all_ended(self.spec.out, self.shard.count, self.digest):
                self.merged = merge(self.spec.out)
            return whole
        finally:
            self.queue.release()

    def _work(
        self,
        on_case: OnCase,
        on_progress: OnProgress,
        cancelled: Callable[[], bool],
        environment: Mapping[str, str] | None,
    ) -> bool:
        if self.queue.next() is None:
            self.queue.write_table()
            return True
        with open_segmenter(self.spec.model, self.spec.worker, environment) as segmenter:
            return run_batch(
                self.cases, self.queue, segmenter, self.spec, on_case, on_progress, cancelled
            )


def open_batch(
    spec: BatchSpec, shard: Shard | None = None, cases: Sequence[BatchCase] | None = None
) -> Batch:
    """Find the cases of a batch and what has become of them.

    The folder of the results is held for this batch, or the shard for this process, until it has
    run.

    Args:
        spec: of the batch.
        shard: the part to work on; None is the whole batch.
        cases: of the part, where they were found by somebody else; None looks for them.

    Raises:
        ConfigError, CheckpointError, SegmentationError: the batch can't begin.
    """
    notes: list[str] = []
    names: list[str] = []
    if cases is None:
        spec, found, notes = look_for(spec)
        cases = found if shard is None else shard.of(found)
        names = [case.name for case in found]
    queue = open_queue(cases, spec, shard)
    digest = "" if shard is None else _digest(spec, queue, names)
    return Batch(spec, list(cases), queue, [*notes, *queue.notes], shard, digest)


def _digest(spec: BatchSpec, queue: BatchQueue, names: Sequence[str]) -> str:
    """Digest of cases and settings, but for the device: shards may run on several kinds."""
    first = next(iter(queue.cases), None)
    made_of = settings(spec) if first is None else queue.made_of(first)
    how = {name: made_of[name] for name in made_of if name not in ("image", "boxes", "device")}
    text = json.dumps([how, sorted(names)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def look_for(spec: BatchSpec) -> tuple[BatchSpec, list[BatchCase], list[str]]:
    """Settle a batch and find its cases.

    Returns:
        The batch as it is run (see ``settled``), its cases, and notes for people.

    Raises:
        ConfigError: see ``settled`` and ``find_cases``.
    """
    spec, way = settled(spec)
    cases, notes = find_cases(spec.source, spec.labels, spec.out, spec.automatic)
    return spec, cases, [*way, *notes]


def settled(spec: BatchSpec) -> tuple[BatchSpec, list[str]]:
    """The same batch, automatic where its model takes no boxes; and a note on that.

    A worker's model may be on another machine: there it is as the batch says.

    Raises:
        ConfigError: a class that the model does not know, or classes for a model that takes boxes.
    """
    able = None
    if not spec.worker:
        with suppress(CheckpointError):  # it is said when the model is looked for in earnest
            able = abilities_of_name(spec.model.model)
    notes = []
    if able is not None and able.automatic and not able.prompts and not spec.automatic:
        spec = replace(spec, automatic=True)
        notes.append("The model takes no boxes: every image is segmented whole.")
    if spec.classes and not spec.automatic:
        raise ConfigError("Classes are for segmenting whole images without boxes (--automatic).")
    if spec.automatic and able is not None and not able.automatic:
        raise ConfigError(f"The model '{spec.model.model}' needs boxes; leave --automatic out.")
    if able is not None and able.classes:
        choose_classes(able.classes, spec.classes, spec.model.model)
    return spec, notes


def run_spec(
    spec: BatchSpec,
    say: Say,
    cancelled: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a batch and tell what happens.

    Args:
        spec: of the batch.
        say: called with ``event`` and its fields: ``note`` (message), ``case`` (name, status,
            message), ``progress`` (case, fraction, text), and at last ``end`` (done, failed,
            cancelled).
        cancelled: asked between windows.
        environment: of the worker; None is this process's.

    Raises:
        MasamError: the batch can't begin.
    """
    batch = open_batch(spec)

    def on_case(name: str, status: str, message: str) -> None:
        say({"event": "case", "name": name, "status": status, "message": message})

    def on_progress(name: str, fraction: float, text: str) -> None:
        say({"event": "progress", "case": name, "fraction": fraction, "text": text})

    for note in batch.notes:
        say({"event": "note", "message": readable(note)})
    for row in batch.queue.table():
        on_case(*row)
    whole = batch.run(on_case, on_progress, cancelled, environment)
    counts = {"done": batch.queue.count(DONE), "failed": batch.queue.count(FAILED)}
    say({"event": "end", **counts, "cancelled": not whole})
