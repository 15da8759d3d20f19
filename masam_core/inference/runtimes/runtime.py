"""What a segmenter asks of what computes its networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from masam_core.inference.correcting import CorrectorLike
from masam_core.inference.rectangle import Rectangle
from masam_core.model.abilities import Abilities
from masam_core.model.config import ModelConfig
from masam_core.model.prompt import NetworkPrompt

if TYPE_CHECKING:
    from masam_core.model.masam import MASAM


class Window(Protocol):
    """What the decoder needs of some slices, in half precision."""

    @property
    def bytes(self) -> int:
        """Memory held."""

    def cut(self, part: slice) -> Any:
        """Some of the slices, in the same memory."""


class Place(Protocol):
    """A device that computes: a ``torch.device``, or an ``OpenVINODevice``; ``str`` names it."""

    @property
    def type(self) -> str:
        """Its kind: ``cpu``, ``cuda``, ``mps``, ``openvino``."""


class Runtime(Protocol):
    """The networks of one model, ready to compute.

    Attributes:
        config: of the model.
        abilities: what the model does.
        device: where is computed.
        precision: name of the precision.
        full: errors that say that the device's memory was not enough.
    """

    config: ModelConfig
    abilities: Abilities
    device: Any
    precision: str
    full: tuple[type[BaseException], ...]

    @property
    def model(self) -> MASAM:
        """PyTorch's network; ConfigError where another runtime computes."""

    @property
    def dtype(self) -> Any:
        """PyTorch's precision; ConfigError where another runtime computes."""

    @property
    def decodes_parts(self) -> bool:
        """Whether :meth:`decode` takes rectangles with tokens, and is quicker with them."""

    @property
    def corrector(self) -> CorrectorLike:
        """What answers to corrections.

        Raises:
            CheckpointError: it is missing from this installation.
        """

    def embed(self, windows: NDArray[np.float32]) -> list[Any]:
        """Embed windows.

        Args:
            windows: (B, D, S, S) or (B, D, 3, S, S) in [0, 1].

        Returns:
            A :class:`Window` of D slices for each.
        """

    def decode(
        self, windows: Sequence[Any], prompt: NetworkPrompt, shown: Rectangle
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Decode slices with their prompts.

        Args:
            windows: of N slices in all.
            prompt: arrays, of the N slices.
            shown: where the answer is wanted.

        Returns:
            Probability of the lesion on the rectangle (N, rows, cols), and the predicted quality
            of each slice's mask (N,).
        """

    def clear(self) -> None:
        """Give back what can be made again."""

    def make_room(self) -> None:
        """Give memory that is not in use back to the device."""

    def close(self) -> None:
        """Give all memory back."""
