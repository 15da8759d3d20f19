"""The samples of a run in the order in which they are wanted, drawn beside the training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from masam_core.training.samples import Batch, draw_batch
from masam_core.training.settings import TrainConfig
from masam_core.training.sources import Sources

Drawn = TypeVar("Drawn")


class Parts(Dataset[Batch]):
    """What one process computes of all steps from ``first`` on, part after part.

    Args:
        sources: what samples are drawn from.
        config: of the run.
        transform: augmentation, or None.
        parts: numbers of the parts of each step that are this process's.
        first: step that begins.
    """

    def __init__(
        self,
        sources: Sources,
        config: TrainConfig,
        transform: v2.Transform | None,
        parts: Sequence[int],
        first: int,
    ) -> None:
        self.sources, self.config, self.transform = sources, config, transform
        self.parts, self.first = list(parts), first

    def __len__(self) -> int:
        return (self.config.steps - self.first) * len(self.parts)

    def __getitem__(self, number: int) -> Batch:
        if not 0 <= number < len(self):
            raise IndexError(number)
        config = self.config
        step, part = self.first + number // len(self.parts), self.parts[number % len(self.parts)]
        samples = range(part * config.part, (part + 1) * config.part)
        seeds = [(config.seed, step, n) for n in samples]
        return draw_batch(self.sources, config.model, self.transform, config.prompts, seeds)


def feed(drawn: Dataset[Drawn], workers: int) -> Iterator[Drawn]:
    """Draw what a data set holds in order, with so many processes beside this one (0: in this one).

    Each sample has its own seed, so the samples are the same however many draw them.
    """
    ahead = {"prefetch_factor": 4} if workers else {}
    loader = DataLoader(drawn, batch_size=None, shuffle=False, num_workers=workers, **ahead)  # type: ignore[arg-type]
    return iter(loader)
