"""What answers to prompts ask of a segmenter: probabilities of a job, and the image there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from masam_core.image.volume import Volume
from masam_core.inference.box_segmenter import IsCancelled, Progress
from masam_core.inference.job import Job, RunningMean
from masam_core.inference.options import SegmentOptions
from masam_core.model.config import ModelConfig
from masam_core.model.prompt import NetworkPrompt

Ask = Callable[[NDArray[np.int64]], NetworkPrompt]  # what the network is asked about slices


class Engine(Protocol):
    """A model with a volume; implemented by ``Segmenter``."""

    config: ModelConfig

    @property
    def volume(self) -> Volume:
        """The volume that was set."""

    def predict(self, job: Job, run: Run, ask: Ask | None = None) -> RunningMean:
        """Probabilities on a job's extent.

        Args:
            job: where, and with which box.
            run: how, and whom to tell.
            ask: what the network is asked; None asks with the job's box.

        Raises:
            Cancelled, DeviceMemoryError: see ``Segmenter.segment``.
        """

    def shows_anything(self, job: Job) -> bool:
        """Whether the network sees two different values in the job's slices and crop."""


@dataclass(frozen=True)
class Run:
    """How a prompt is answered.

    Attributes:
        options: of the user.
        progress: is told the fraction done and a word.
        cancelled: is asked between windows.
    """

    options: SegmentOptions
    progress: Progress | None = None
    cancelled: IsCancelled | None = None

    def part(self, low: float, high: float) -> Run:
        """The same for a part of the work, of which the fractions go from ``low`` to ``high``."""
        tell = self.progress
        if tell is None:
            return self

        def show(fraction: float, text: str) -> None:
            tell(low + fraction * (high - low), text)

        return Run(self.options, show, self.cancelled)

    def silent(self) -> Run:
        """The same, telling nobody: of work that takes no time."""
        return Run(self.options, None, self.cancelled)

    def threshold(self, config: ModelConfig) -> float:
        """Probability from which a voxel belongs to the lesion."""
        return config.threshold if self.options.threshold is None else self.options.threshold
