"""int8 on the CPU: the image encoder's linear layers on 8-bit whole numbers."""

from __future__ import annotations

import warnings

import torch
from torch import nn

from masam_core.errors import ConfigError
from masam_core.model.masam import MASAM


def prepare_int8(model: MASAM) -> MASAM:
    """Prepare for inference with an image encoder that multiplies in int8; the rest is float32.

    Weights get a scale for each output, tokens one for each product, when it is computed (dynamic
    quantisation): nothing has to be calibrated.

    Args:
        model: on the CPU; changed in place.

    Raises:
        ConfigError: this PyTorch can't; the model is of no use then.
        CheckpointError: the model was prepared for another precision before.
    """
    if model.prepared == "int8":
        return model
    model.prepare(torch.float32)
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
    model.prepared = "int8"
    return model
