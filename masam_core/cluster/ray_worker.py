"""What runs on Ray's nodes: a model, held once, and cases worked on one after the other."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import masam_core
from masam_core.batch.case import BatchCase
from masam_core.batch.places import results_of
from masam_core.batch.spec import BatchSpec
from masam_core.batch.stores import Fetched
from masam_core.image.volume import Volume
from masam_core.prompts.record import PromptRecord

if TYPE_CHECKING:
    from masam_core.inference.segmenter import Segmenter
    from masam_core.worker.remote import RemoteSegmenter


@dataclass
class Outcome:
    """A case that has been worked on.

    Attributes:
        rows: measurements, keyed by ``COLUMNS``.
        notes: for people.
        files: names and contents of its results.
        log: lines of its log.
        error: why it failed; empty where it did not.
        seconds: that reading and computing took, without waiting for the case before it.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    error: str = ""
    seconds: float = 0.0


class CaseWorker:
    """An actor. Two cases may be with it: one is read while the other is computed.

    Its results go back as bytes: whoever keeps the states of the cases writes them, so that a
    worker that was given up as dead can't write over what another one did since.

    Args:
        spec: of the batch, as ``BatchSpec.to_dict``.
    """

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._spec = BatchSpec.from_dict(spec)
        self._one = threading.Lock()  # computes at a time
        self._segmenter: Segmenter | RemoteSegmenter | None = None

    def ready(self) -> str:
        """Load the model; the version of MASAM that is installed there.

        Raises:
            CheckpointError, ConfigError: the model can't be loaded.
        """
        from masam_core.batch.engine import open_segmenter

        self._segmenter = open_segmenter(self._spec.model, self._spec.worker)
        return masam_core.__version__

    def run(self, case: BatchCase) -> Outcome:
        """Work on a case; whatever goes wrong is told in the outcome."""
        from masam_core.batch.work import prompts_of_case, read_case, words_of, work_on

        assert self._segmenter is not None
        began = time.monotonic()
        waited = 0.0
        outcome = Outcome()

        def log(_name: str, text: str) -> None:
            outcome.log.append(text)

        with tempfile.TemporaryDirectory(prefix="masam-") as folder:
            spec = replace(self._spec, out=Path(folder))
            in_words: Callable[[str], str] = str
            try:
                with Fetched(case) as fetched:
                    local, in_words = fetched.case, fetched.in_words
                    volume = read_case(spec.modality, local)

                    def read(_case: BatchCase) -> tuple[BatchCase, Volume, list[PromptRecord]]:
                        return local, volume, prompts_of_case(local, volume, spec)

                    ready = time.monotonic()
                    with self._one:
                        waited = time.monotonic() - ready
                        outcome.rows, outcome.notes = work_on(
                            case, read, log, self._segmenter, spec, lambda *_: None, lambda: False
                        )
                files = [path for path in results_of(case, spec) if path.is_file()]
                outcome.files = {path.name: path.read_bytes() for path in files}
            except Exception as error:
                outcome.error = in_words(words_of(error))
        outcome.seconds = time.monotonic() - began - waited
        return outcome

    def close(self) -> None:
        """Let the model go."""
        if self._segmenter is not None:
            self._segmenter.close()
