"""How far each shard is: a small file a shard, so that all together are counted quickly."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from masam_core.atomic import append_text, write_text
from masam_core.batch.queue import LOG_FOLDER, BatchQueue
from masam_core.batch.shards import FOLDER, Shard
from masam_core.batch.states import DONE, FAILED, RUNNING, reported, state_folder
from masam_core.errors import ConfigError, MasamError, SegmentationError
from masam_core.image.readable import readable
from masam_core.jsonfile import read_json

_PAUSE = 2.0  # seconds between two writings


@dataclass(frozen=True)
class ShardCounts:
    """How far a shard is.

    Attributes:
        cases, done, failed: how many.
        ended: nothing of it waits any more.
        seconds: for which it has run this time.
        batch: digest of all cases' names and of their settings, which tells a batch from one that
            ran there before.
    """

    cases: int = 0
    done: int = 0
    failed: int = 0
    ended: bool = False
    seconds: float = 0.0
    batch: str = ""


class ShardRecord:
    """Keeps a shard's counts and its log.

    Args:
        results: folder of the results.
        shard: the part.
        queue: its cases.
        batch: see ``ShardCounts``.

    Raises:
        SegmentationError: they can't be written.
    """

    def __init__(self, results: Path, shard: Shard, queue: BatchQueue, batch: str = "") -> None:
        self._path = record_path(results, shard)
        self._log = results / LOG_FOLDER / FOLDER / f"{shard.title}.log"
        self._queue, self._batch = queue, batch
        self._began = time.monotonic()
        self._written = 0.0
        for folder in (self._path.parent, self._log.parent):
            with reported(folder):
                folder.mkdir(parents=True, exist_ok=True)
        self._write(False)
        self.log(f"Begun: {len(queue.cases)} cases, {queue.summary()}")

    def on_case(self, name: str, status: str, message: str) -> None:
        """A case has begun or ended."""
        self.log(f"{readable(name)}: {status} {message}".rstrip())
        if status != RUNNING and time.monotonic() - self._written > _PAUSE:
            self._write(False)

    def end(self, whole: bool) -> None:
        """The shard's process has done what it does."""
        self.log(f"{'Ended' if whole else 'Stopped'}: {self._queue.summary()}")
        self._write(whole)

    def log(self, text: str) -> None:
        """Add a line to the shard's log."""
        stamp = time.strftime("%Y-%m-%d %H:%M:%S")
        append_text(self._log, f"{stamp}  {text}\n", SegmentationError)

    def _write(self, ended: bool) -> None:
        queue = self._queue
        counts = ShardCounts(
            len(queue.cases),
            queue.count(DONE),
            queue.count(FAILED),
            ended,
            round(time.monotonic() - self._began, 3),
            self._batch,
        )
        write_text(self._path, json.dumps(asdict(counts)), SegmentationError)
        self._written = time.monotonic()


def record_path(results: Path, shard: Shard) -> Path:
    """The file of a shard's counts."""
    return state_folder(results) / FOLDER / f"{shard.title}.json"


def read_counts(results: Path, count: int) -> Iterator[ShardCounts | None]:
    """The counts of all shards of a number, in order; None where one has not begun."""
    folder = record_path(results, Shard(1, count)).parent
    for number in range(1, count + 1):
        yield _read(folder / f"{Shard(number, count).title}.json")


def all_ended(results: Path, count: int, batch: str = "") -> bool:
    """Whether every shard of a number has ended; looks no further than the first that has not.

    One that ended in another batch (with fewer cases, or other settings) has its part before it.

    Each shard writes that it has ended before it asks, so the last one hears yes.
    """
    return all(
        found is not None and found.ended and found.batch == batch
        for found in read_counts(results, count)
    )


def _read(path: Path) -> ShardCounts | None:
    if not path.is_file():
        return None
    try:
        return ShardCounts(**read_json(path, "record of a shard"))
    except (MasamError, OSError, TypeError, ValueError) as error:
        raise ConfigError(f"{path} is damaged; delete it and run that shard again.") from error
