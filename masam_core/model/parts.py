"""The parts of a model that a run may train, by the names that settings give them."""

from __future__ import annotations

from torch import nn

from masam_core.errors import ConfigError
from masam_core.model.masam import MASAM

# The backbone is none of them: it is frozen always (MA-SAM section 3.2).
PARTS = {
    "fact": "image_encoder.fact.",
    "adapters": "image_encoder.adapters.",
    "neck": "image_encoder.neck.",
    "detail": "detail_encoder.",
    "prompt_encoder": "prompt_encoder.",
    "decoder": "mask_decoder.",
}


def trained_parameters(model: MASAM, parts: tuple[str, ...] = ()) -> dict[str, nn.Parameter]:
    """Freeze all but some parts of a model, and give what is left to be trained, by name.

    Args:
        model: whose ``requires_grad`` is set.
        parts: keys of :data:`PARTS`; none leaves everything but the backbone.

    Raises:
        ConfigError: an unknown part, or none of them is in the model.
    """
    for part in parts:
        if part not in PARTS:
            raise ConfigError(
                f"Training: parts names '{part}'; expected some of {', '.join(PARTS)}."
            )
    begins = tuple(PARTS[part] for part in parts)
    trained = {n: p for n, p in model.trainable().items() if not parts or n.startswith(begins)}
    if not trained:
        raise ConfigError(f"Training: the model has no {' and no '.join(parts)}.")
    model.requires_grad_(False)
    for parameter in trained.values():
        parameter.requires_grad_(True)
    return trained
