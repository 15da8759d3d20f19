"""The precision of a run: mixed where that is quicker, and a model's inputs as they are."""

from __future__ import annotations

from typing import Any, Literal, cast

from lightning_fabric import Fabric
from lightning_fabric.plugins.precision import MixedPrecision, Precision

from masam_core.inference.device import has_fast_bfloat16


class ExactInputs(MixedPrecision):  # type: ignore[misc, unused-ignore]
    """Lightning Fabric's mixed precision without its rounding of inputs.

    Fabric gives a model its inputs in half precision. In bfloat16 a box's corner beyond pixel 256
    would be off by up to a pixel, and the prompt encoder, which computes in float32, would refuse
    the shape prior. The layers that gain from half precision convert what they need themselves.
    """

    def convert_input(self, data: Any) -> Any:
        """Give the inputs back as they are."""
        return data


def settle_precision(fabric: Fabric) -> str:
    """Settle in which precision models that are set up from now on compute; their inputs stay
    exact.

    The precision is that which Fabric chose for the device: on a CPU it takes bfloat16 for float16.
    A CPU that does not multiply bfloat16 takes several times as long in it as in float32, and gets
    float32.

    Returns:
        What to tell whoever waits; empty where nothing changed.
    """
    chosen = fabric.strategy.precision
    if not isinstance(chosen, MixedPrecision):
        return ""
    if fabric.device.type == "cpu" and not has_fast_bfloat16():
        fabric.strategy.precision = Precision()
        return f"This processor is slow in {chosen.precision}; training is in 32-true."
    name = cast("Literal['16-mixed', 'bf16-mixed']", chosen.precision)
    fabric.strategy.precision = ExactInputs(name, chosen.device, chosen.scaler)
    return ""
