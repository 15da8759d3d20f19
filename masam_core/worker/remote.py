"""A segmenter whose model is in another process, here or on another machine; needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masam_core.catalog.choice import ModelChoice
from masam_core.errors import BoxError, ConfigError
from masam_core.image.given import GivenVolume, one_volume
from masam_core.inference.box_segmenter import IsCancelled, Progress
from masam_core.inference.options import SegmentOptions
from masam_core.inference.volume_holder import VolumeHolder
from masam_core.lesion.lesion import Lesion, require_same_image
from masam_core.lesion.painted import Painted
from masam_core.lesion.starting import starting_mask
from masam_core.prompts.corrections import Correction
from masam_core.prompts.given import GivenPrompt, one_prompt
from masam_core.prompts.record import PromptRecord
from masam_core.worker.automatic import automatic_steps, lesions_of
from masam_core.worker.client import Steps, WorkerError, split_command
from masam_core.worker.protocol import Message
from masam_core.worker.steps import local_error, refine_steps, segment_steps
from masam_core.worker.subprocess_transport import BlockingWorker


class RemoteSegmenter(VolumeHolder):
    """Box-prompted segmentation by a worker, with the methods of ``Segmenter``.

    The worker is started with the first box, and again after it has died. It keeps the model, the
    volumes that it was sent and their embeddings, so that another box costs little. Lesions come
    without probabilities.

    Args:
        command: starts the worker, e.g. ``ssh gpu python -m masam_core.worker``, as a line or as
            its words.
        model: ``bundled``, a name of the catalogue, or the path of a weight file, all of the
            machine on which the worker runs.
        device, precision, cache_bytes, base: as for ``Segmenter``, of that machine.
        environment: of the command; None is this process's.

    Raises:
        WorkerError: a command that can't be read.
    """

    def __init__(
        self,
        command: str | Sequence[str],
        model: str | Path = ModelChoice.model,
        device: str = ModelChoice.device,
        precision: str = ModelChoice.precision,
        cache_bytes: int = ModelChoice.cache_bytes,
        base: str | Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        words = split_command(command) if isinstance(command, str) else list(command)
        self.choice = ModelChoice(
            str(model), None if base is None else str(base), device, precision, cache_bytes
        )
        self._worker: BlockingWorker | None = BlockingWorker(words, environment)

    def __enter__(self) -> RemoteSegmenter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the worker; it segments nothing after that."""
        self.forget_volume()
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()

    def set_volume(
        self,
        volume: GivenVolume,
        modality: str | None = None,
        *,
        spacing: ArrayLike | None = None,
        origin: ArrayLike | None = None,
        direction: ArrayLike | None = None,
    ) -> None:
        """Choose the volume for the boxes to come; it is sent with the first of them.

        Args:
            volume, modality, spacing, origin, direction: see ``Segmenter.set_volume``.

        Raises:
            VolumeError: an image that can't be read, or an array without spacing.
        """
        image = one_volume(volume, spacing, origin, direction)
        if modality is not None and modality != image.modality:
            image = replace(image, modality=modality)
        self._volume = image

    def segment(
        self,
        first: GivenPrompt | None = None,
        options: SegmentOptions | None = None,
        progress: Progress | None = None,
        cancelled: IsCancelled | None = None,
        corrections: Sequence[Correction] = (),
        mask: NDArray[np.bool_] | None = None,
        **settings: Any,
    ) -> Lesion:
        """Segment the lesion of a prompt.

        Args:
            first, options, progress, cancelled, corrections, mask, settings: see
                ``Segmenter.segment``.

        Returns:
            The lesion, without probabilities.

        Raises:
            MasamError: what ``Segmenter`` raises, such as BoxError; also the CheckpointError of a
                model that can't be loaded.
            WorkerError: the worker can't be started, has died, or speaks another version.
            Cancelled: ``cancelled`` said so.
        """
        volume = self.volume
        options = (options or SegmentOptions()).changed(**settings)
        masks = {}
        if mask is not None:
            masks["box"], tight = starting_mask(mask, volume)
            first = tight if first is None else first
        elif first is None:
            raise BoxError("There is nothing to begin with: give a prompt, a mask, or both.")
        record = PromptRecord(one_prompt(first, volume.geometry), tuple(corrections))
        steps = segment_steps(self.choice, volume, [("box", record)], options, masks)
        result = self._run(steps, progress, cancelled).results["box"]
        if isinstance(result, Lesion):
            return result
        raise result

    def refine(
        self,
        lesion: Lesion,
        corrections: Sequence[Correction],
        options: SegmentOptions | None = None,
        progress: Progress | None = None,
        cancelled: IsCancelled | None = None,
        painted: Painted | None = None,
        **settings: Any,
    ) -> Lesion:
        """Correct a lesion; it stays as it is, and a new one is given back.

        Args:
            lesion, corrections, options, progress, cancelled, painted, settings: see
                ``Segmenter.refine``.

        Returns:
            The new lesion, without probabilities.

        Raises:
            MasamError, WorkerError, Cancelled: see :meth:`segment`.
        """
        volume = self.volume
        require_same_image([lesion], volume)
        options = (options or SegmentOptions()).changed(**settings)
        steps = refine_steps(self.choice, volume, lesion, corrections, options, painted)
        found: Lesion = self._run(steps, progress, cancelled)
        return found

    def segment_classes(
        self,
        options: SegmentOptions | None = None,
        classes: Sequence[str] = (),
        progress: Progress | None = None,
        cancelled: IsCancelled | None = None,
    ) -> list[Lesion]:
        """Segment the whole volume without prompts.

        Args:
            options, classes, progress, cancelled: see ``Segmenter.segment_classes``.

        Returns:
            A lesion for each class, without probabilities.

        Raises:
            MasamError, WorkerError, Cancelled: see :meth:`segment`.
        """
        volume = self.volume
        steps = automatic_steps(self.choice, volume, options or SegmentOptions(), classes)
        return lesions_of(self._run(steps, progress, cancelled), volume)

    def _run(self, steps: Steps, progress: Progress | None, cancelled: IsCancelled | None) -> Any:
        if self._worker is None:
            raise ConfigError("This segmenter was closed; make a new one.")

        def on_event(message: Message) -> None:
            if message["type"] == "progress" and progress is not None:
                progress(float(message["fraction"]), str(message["text"]))

        try:
            return self._worker.run(steps, on_event, cancelled)
        except WorkerError as error:
            raise local_error(error.code, str(error)) from error
