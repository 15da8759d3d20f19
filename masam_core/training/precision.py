"""Mixed precision that leaves a model's inputs alone."""

from __future__ import annotations

from typing import Any, Literal, cast

from lightning_fabric import Fabric
from lightning_fabric.plugins.precision import MixedPrecision


class ExactInputs(MixedPrecision):  # type: ignore[misc, unused-ignore]
    """Lightning Fabric's mixed precision without its rounding of inputs.

    Fabric gives a model its inputs in half precision. In bfloat16 a box's corner beyond pixel 256
    would be off by up to a pixel, and the prompt encoder, which computes in float32, would refuse
    the shape prior. The layers that gain from half precision convert what they need themselves.
    """

    def convert_input(self, data: Any) -> Any:
        """Give the inputs back as they are."""
        return data


def keep_inputs_exact(fabric: Fabric) -> None:
    """Let models that are set up from now on see their inputs unrounded.

    The precision is that which Fabric chose for the device: on a CPU it takes bfloat16 for float16.
    """
    chosen = fabric.strategy.precision
    if isinstance(chosen, MixedPrecision):
        name = cast("Literal['16-mixed', 'bf16-mixed']", chosen.precision)
        fabric.strategy.precision = ExactInputs(name, chosen.device, chosen.scaler)
