"""Rounds of correction on a field: the user says, the corrector answers, in a patch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from masam_core.inference.patch import PATCH_SHAPE, fade
from masam_core.model.corrector import contrast
from masam_core.training.corrections.fields import Fields
from masam_core.training.corrections.user import correct

CLICK_WEIGHT = 4.0  # what lies near a click counts so much more
CLICK_REACH = 9


@dataclass
class Session:
    """A field being corrected: the mask so far and what was said, all (B, D, H, W)."""

    fields: Fields
    probability: Tensor
    positive: Tensor
    negative: Tensor

    @classmethod
    def begin(cls, fields: Fields, probability: Tensor) -> Session:
        """A session with nothing said yet."""
        nothing = torch.zeros_like(fields.truth)
        return cls(fields, probability, nothing, nothing.clone())


def play_round(network: nn.Module, session: Session, seed: int) -> Tensor:
    """One correction: changes the session, and returns the loss of the corrector's answer."""
    truth = session.fields.truth
    positive, negative, place, found = correct(truth, session.probability >= 0.5, seed)
    session.positive = session.positive | positive
    session.negative = session.negative | negative
    starts = patch_starts(place, truth.shape[1:])
    parts = [
        crop(whole, starts)
        for whole in (
            session.fields.image,
            session.probability,
            session.positive,
            session.negative,
            truth,
            positive | negative,
        )
    ]
    image, before, yes, no, target, new = parts
    logits = network(contrast(image), before, yes, no, session.fields.z_px)
    answer = torch.sigmoid(logits.detach().float())
    answer = torch.where(yes, 1.0, torch.where(no, 0.0, answer))
    keep = torch.from_numpy(fade()).to(answer.device)
    put = (1 - keep) * before + keep * answer
    session.probability = paste(session.probability, put, starts, found)
    return correction_loss(logits, target, new, found)


def correction_loss(logits: Tensor, target: Tensor, new: Tensor, found: Tensor) -> Tensor:
    """Cross entropy, heavier near the new prompt, and Dice; over patches that had a mistake."""
    near = new.float()[:, None]
    for axis, reach in enumerate((2, CLICK_REACH, CLICK_REACH)):
        padding = [reach if a == axis else 0 for a in range(3)]
        near = F.max_pool3d(near, [2 * n + 1 for n in padding], 1, padding)
    weight = 1 + CLICK_WEIGHT * near[:, 0]
    entropy = F.binary_cross_entropy_with_logits(logits, target.float(), reduction="none")
    entropy = (entropy * weight).flatten(1).sum(1) / weight.flatten(1).sum(1)
    probability = torch.sigmoid(logits)
    overlap = (probability * target).flatten(1).sum(1)
    total = probability.flatten(1).sum(1) + target.flatten(1).sum(1)
    dice = 1 - (2 * overlap + 1) / (total + 1)
    counted = found.float()
    return ((entropy + dice) * counted).sum() / counted.sum().clamp(min=1)


def dice_of(session: Session) -> Tensor:
    """Dice of the mask so far: (B,)."""
    mask, truth = session.probability >= 0.5, session.fields.truth
    overlap = (mask & truth).flatten(1).sum(1).float()
    return 2 * overlap / (mask.flatten(1).sum(1) + truth.flatten(1).sum(1)).clamp(min=1)


def patch_starts(place: Tensor, shape: torch.Size) -> list[tuple[int, ...]]:
    """First voxels of patches around places (B, 3), moved to lie within a field."""
    size = torch.tensor(PATCH_SHAPE)
    most = torch.tensor(list(shape)) - size
    starts = torch.minimum((place.cpu() - size // 2).clamp(min=0), most)
    return [tuple(start) for start in starts.tolist()]


def crop(whole: Tensor, starts: list[tuple[int, ...]]) -> Tensor:
    """Patches (B, 16, 64, 64) of fields."""
    return torch.stack([one[_place(s)] for one, s in zip(whole, starts, strict=True)])


def paste(whole: Tensor, parts: Tensor, starts: list[tuple[int, ...]], chosen: Tensor) -> Tensor:
    """Fields with patches put in, where chosen (B,)."""
    out = whole.clone()
    for number, (start, wanted) in enumerate(zip(starts, chosen.tolist(), strict=True)):
        if wanted:
            out[number][_place(start)] = parts[number].to(out.dtype)
    return out


def _place(start: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(a, a + n) for a, n in zip(start, PATCH_SHAPE, strict=True))
