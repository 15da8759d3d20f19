"""int8 on the CPU: the image encoder's linear layers on 8-bit whole numbers."""

from __future__ import annotations

import warnings

import torch
from torch import nn

from masam_core.errors import ConfigError
from masam_core.model.masam import MASAM


def quantize_encoder(model: MASAM) -> MASAM:
    """Let the image encoder multiply in int8, in place; the rest stays as it is.

    Weights get a scale for each output, tokens one for each product, when it is computed (dynamic
    quantisation): nothing has to be calibrated.

    Args:
        model: folded, in float32, on the CPU.

    Raises:
        ConfigError: this PyTorch can't.
    """
    try:
        with warnings.catch_warnings():
            # It says that it will move to another package; until then it is the one that is there.
            warnings.simplefilter("ignore")
            from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic

            quantize_dynamic(
                model.image_encoder,
                {nn.Linear: per_channel_dynamic_qconfig},
                dtype=torch.qint8,
                inplace=True,
            )
    except (ImportError, RuntimeError) as error:
        raise ConfigError(
            f"This PyTorch has no int8 for this processor ({error}). Use the precision 'float32'."
        ) from error
    return model
