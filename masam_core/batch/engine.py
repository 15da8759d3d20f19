"""Who computes for a batch: this process, or a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from masam_core.errors import SegmentationError
from masam_core.image.volume import Volume
from masam_core.inference.options import SegmentOptions
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.measure import Measurements
from masam_core.prompts.boxes import BoxPrompt

if TYPE_CHECKING:
    from masam_core.catalog.choice import ModelChoice
    from masam_core.inference.segmenter import Segmenter
    from masam_core.worker.steps import Found

Progress = Callable[[float, str], None]
IsCancelled = Callable[[], bool]


class Engine(Protocol):
    """Segments the boxes of one volume."""

    def segment(
        self,
        volume: Volume,
        boxes: Sequence[BoxPrompt],
        options: SegmentOptions,
        progress: Progress,
        cancelled: IsCancelled,
    ) -> list[Lesion]:
        """A lesion for each box.

        Raises:
            MasamError: a box or a volume that can't be segmented.
            Cancelled: ``cancelled`` said so.
        """


def make_engine(
    choice: ModelChoice,
    worker: Sequence[str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> LocalEngine | WorkerEngine:
    """This process, or a worker where a command for one is given; to be closed after use.

    Raises:
        CheckpointError, ConfigError: a model that can't be loaded here; a worker tells it later.
    """
    if worker:
        return WorkerEngine(worker, choice, environment)
    from masam_core.catalog.resolve import load_by_name
    from masam_core.inference.segmenter import Segmenter

    model = load_by_name(choice.model, Path(choice.base) if choice.base else None)
    return LocalEngine(Segmenter(model, choice.device, choice.precision, choice.cache_bytes))


class LocalEngine:
    """A Segmenter in this process."""

    def __init__(self, segmenter: Segmenter) -> None:
        self.segmenter = segmenter

    def segment(
        self,
        volume: Volume,
        boxes: Sequence[BoxPrompt],
        options: SegmentOptions,
        progress: Progress,
        cancelled: IsCancelled,
    ) -> list[Lesion]:
        """See :class:`Engine`."""
        self.segmenter.set_volume(volume)
        lesions = []
        try:
            for number, box in enumerate(boxes):
                lesions.append(
                    self.segmenter.segment(
                        box, options, _part(progress, number, len(boxes), box.name), cancelled
                    )
                )
        finally:
            self.segmenter.forget_volume()  # the next one is read already
        return lesions

    def close(self) -> None:
        """Give the model's memory back."""
        del self.segmenter


class WorkerEngine:
    """A worker process, here or, by a command such as ``ssh``, on a GPU machine.

    Args:
        command: that starts the worker.
        choice: model and device.
        environment: of the process; None is this one's.
    """

    def __init__(
        self,
        command: Sequence[str],
        choice: ModelChoice,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        from masam_core.worker.subprocess_transport import BlockingWorker

        self.worker = BlockingWorker(command, environment)
        self.choice = choice

    def segment(
        self,
        volume: Volume,
        boxes: Sequence[BoxPrompt],
        options: SegmentOptions,
        progress: Progress,
        cancelled: IsCancelled,
    ) -> list[Lesion]:
        """See :class:`Engine`. A worker that dies is started again for the next case."""
        from masam_core.worker.steps import Found, segment_steps

        found: dict[str, Found] = {}

        def on_event(message: dict[str, Any]) -> None:
            if message["type"] == "lesion":
                one = Found.from_message(message)
                found[one.box] = one
            elif message["type"] == "progress":
                progress(float(message["fraction"]), str(message["text"]))

        named = [(str(number), box) for number, box in enumerate(boxes)]
        outcome = self.worker.run(
            segment_steps(self.choice, volume, named, options), on_event, cancelled
        )
        return [_lesion(found[key], box, volume, outcome.model["name"]) for key, box in named]

    def close(self) -> None:
        """End the worker."""
        self.worker.close()


def _lesion(found: Found, box: BoxPrompt, volume: Volume, model: str) -> Lesion:
    if found.mask is None:
        raise SegmentationError(f"{box.name}: {found.error}")
    return Lesion(
        name=box.name,
        mask=found.mask,
        offset_kji=found.offset_kji,
        # A worker sends masks alone: certain inside, certain outside.
        probability=found.mask.astype(np.float32),
        confidence=found.confidence,
        box=box,
        geometry=volume.geometry,
        measurements=Measurements.from_dict(found.measurements or {}),
        messages=found.messages,
        model=model,
    )


def _part(progress: Progress, number: int, count: int, name: str) -> Progress:
    def show(fraction: float, text: str) -> None:
        progress((number + fraction) / count, f"{name}: {text}" if count > 1 else text)

    return show
