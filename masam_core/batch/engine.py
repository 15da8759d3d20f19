"""Who computes for a batch: this process, or a worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from masam_core.catalog.choice import ModelChoice
    from masam_core.inference.segmenter import Segmenter
    from masam_core.worker.remote import RemoteSegmenter


def open_segmenter(
    choice: ModelChoice,
    worker: Sequence[str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Segmenter | RemoteSegmenter:
    """Open a segmenter in this process, or by a worker; to be closed after use.

    Args:
        choice: model and device.
        worker: command that starts a worker, here or on another machine; None computes in this
            process.
        environment: of the worker; None is this process's.

    Raises:
        CheckpointError, ConfigError: a model that can't be loaded here; a worker tells it with the
            first box.
    """
    if worker:
        from masam_core.worker.remote import RemoteSegmenter

        return RemoteSegmenter(worker, **choice.fields(), environment=environment)
    from masam_core.inference.segmenter import Segmenter

    return Segmenter(**choice.fields())
