"""Models without memory for their weights, to be filled from a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from masam_core.model.config import ModelConfig
from masam_core.model.masam import MASAM


def empty_model(config: ModelConfig) -> MASAM:
    """A model whose weights have shapes and no values (PyTorch's ``meta`` device)."""
    with torch.device("meta"), _NoRandomNumbers():
        model = MASAM(config)
    model.reset_normalisation()
    return model


class _NoRandomNumbers(TorchFunctionMode):
    """Leaves weights as they are instead of drawing them.

    Drawn on ``meta`` they are nothing, but for some distributions PyTorch then loads its compiler,
    which takes longer than reading the bundled model. The few numbers that modules draw with
    ``randn`` are drawn on the CPU; the file's take their place.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        values = dict(kwargs or {})
        if getattr(func, "__module__", None) == "torch.nn.init":
            return values.get("tensor", args[0] if args else None)
        if func is torch.randn:
            values["device"] = "cpu"
        return func(*args, **values)
