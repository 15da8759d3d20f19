"""What a job of Slurm does: one shard of a batch, stopped and gone on with as Slurm wishes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from masam_core.batch.case import BatchCase
from masam_core.batch.shards import Shard
from masam_core.batch.spec import BatchSpec


@dataclass(frozen=True)
class ShardJob:
    """A shard with the cases that it has: no node looks through the input again.

    Attributes:
        spec: of the batch, with absolute paths.
        shard: the part.
        cases: its own.
    """

    spec: BatchSpec
    shard: Shard
    cases: Sequence[BatchCase]

    def __call__(self) -> dict[str, Any]:
        """Work through what waits; a SIGTERM (scancel, preemption) ends it after the window."""
        from masam_core.threads import share_processor

        share_processor()  # before PyTorch is loaded
        from masam_core.batch.driver import open_batch

        stop = threading.Event()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, lambda *_: stop.set())
        batch = open_batch(self.spec, self.shard, self.cases)
        for note in batch.notes:
            print(note, flush=True)

        def on_case(name: str, status: str, message: str) -> None:
            print(f"{name}: {status} {message}".rstrip(), flush=True)

        whole = batch.run(on_case, lambda *_: None, stop.is_set)
        print(batch.queue.summary(), flush=True)
        return {"whole": whole}

    def checkpoint(self) -> Any:
        """The same shard again, which goes on; called by submitit when the job's time is over."""
        import submitit

        spec = replace(self.spec, fresh=False, retry_failed=False)
        return submitit.helpers.DelayedSubmission(replace(self, spec=spec))
