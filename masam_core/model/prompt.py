"""What the network is asked: one prompt for each slice, in its own pixels; loads no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

# Labels of points, as SAM's files number them.
NEGATIVE, POSITIVE = 0, 1
NO_POINT = -1


@dataclass  # not frozen: Lightning Fabric makes a copy and puts converted tensors into it
class NetworkPrompt:
    """Prompts of N slices, or of B windows of D slices; without any the network segments
    automatically.

    What lies in it are arrays where it is made and tensors where PyTorch computes; see
    :meth:`map`. They begin with N, or with B and D. This is the one place that says which kinds
    there are: what moves, joins or records prompts goes through :meth:`given` and :meth:`map`.

    Attributes:
        boxes: (N, 4) or (B, D, 4) x0, y0, x1, y1 in network pixels, pixel centres at integers.
        masks: (N, 1, 4g, 4g) or (B, D, 1, 4g, 4g) mask prompts as logits, g the token grid.
        points: (N, P, 2) or (B, D, P, 2) x, y in network pixels, where weights know points.
        labels: (N, P) or (B, D, P): 1 in the lesion, 0 beside it, -1 no point (to fill up).
    """

    boxes: Any = None
    masks: Any = None
    points: Any = None
    labels: Any = None

    def given(self) -> dict[str, Any]:
        """The prompts that are there, by the names of their kinds."""
        values = {kind.name: getattr(self, kind.name) for kind in fields(self)}
        return {kind: tensor for kind, tensor in values.items() if tensor is not None}

    def map(self, change: Callable[[Any], Any]) -> NetworkPrompt:
        """The prompts with a function applied to each array or tensor that is there."""
        return NetworkPrompt(**{kind: change(tensor) for kind, tensor in self.given().items()})

    @staticmethod
    def stack(prompts: Sequence[NetworkPrompt]) -> NetworkPrompt:
        """Prompts of the same kinds of B windows of D slices each, (D, ...), as one (B, D, ...)."""
        import torch

        each = [prompt.given() for prompt in prompts]
        return NetworkPrompt(**{kind: torch.stack([g[kind] for g in each]) for kind in each[0]})

    def of_slices(self) -> NetworkPrompt:
        """The prompts of B windows of D slices as those of B * D slices; of tensors."""

        def flat(tensor: Tensor) -> Tensor:
            return tensor.flatten(0, 1)

        return self.map(flat)


def repeated(array: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """An array (1, ...) for each of some slices: (count, ...)."""
    return np.repeat(array, count, axis=0)
