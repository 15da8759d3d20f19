"""The MA-SAM network: windows of slices and a box per slice in, class logits per slice out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from masam_core.errors import CheckpointError
from masam_core.lesion.organs import ClassTerm
from masam_core.model.abilities import Abilities, abilities_of
from masam_core.model.config import EMBEDDING_CHANNELS, ModelConfig
from masam_core.model.evidence import Evidence
from masam_core.model.image_encoder import build_image_encoder
from masam_core.model.mask_decoder import MaskDecoder
from masam_core.model.prompt import NetworkPrompt
from masam_core.model.sam.prompt_encoder import PromptEncoder

BACKBONE = "image_encoder.base."  # what the names of the frozen weights begin with


@dataclass
class Embedding:
    """What the decoder needs of a window: ``image`` (N, 256, g, g) and ``skips``.

    ``skips`` are encoder features (N, C, g, g) for the multiscale decoder, or the maps of the
    detail encoder; else empty.
    """

    image: Tensor
    skips: list[Tensor]

    @property
    def bytes(self) -> int:
        """Memory held."""
        return sum(t.numel() * t.element_size() for t in (self.image, *self.skips))

    def to(self, device: torch.device, dtype: torch.dtype, copy: bool = False) -> Embedding:
        """Move to another device or precision; with ``copy`` into memory of its own."""
        return Embedding(
            self.image.to(device, dtype, copy=copy),
            [skip.to(device, dtype, copy=copy) for skip in self.skips],
        )

    def cut(self, part: slice) -> Embedding:
        """Some of the slices, in the same memory."""
        return Embedding(self.image[part], [skip[part] for skip in self.skips])

    @staticmethod
    def join(parts: Sequence[Embedding]) -> Embedding:
        """The slices of all parts, in order."""
        skips = [torch.cat(maps) for maps in zip(*(p.skips for p in parts), strict=True)]
        return Embedding(torch.cat([p.image for p in parts]), skips)


class MASAM(nn.Module):
    """MA-SAM (Chen et al., Medical Image Analysis 98, 2024).

    The frozen part is ``image_encoder.base``; everything else is trained.
    """

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.image_encoder = build_image_encoder(config)
        self.prompt_encoder = PromptEncoder(EMBEDDING_CHANNELS, config.grid, config.image_size)
        self.mask_decoder = MaskDecoder(config)
        self.detail_encoder = self.image_encoder.detail_branch() if config.detail_width else None
        self.reset_normalisation()
        self.image_encoder.base.requires_grad_(False)
        # Where the backbone came from, for checkpoints that hold only the rest.
        self.base_file = ""
        self.base_sha256 = ""
        self.backbone_trained = False  # see unfreeze
        self.prompting = ""  # how it was trained to be asked; see abilities
        self.classes: tuple[ClassTerm, ...] = ()  # that its file states
        self.evidence: Evidence | None = None  # of these very weights
        self.prepared = ""  # precision that the weights were prepared for

    @property
    def abilities(self) -> Abilities:
        """What it does, and the classes that it tells apart."""
        return abilities_of(self.config, self.prompting, self.classes, self.evidence)

    def reset_normalisation(self) -> None:
        """(Re)make the pixel mean and std, which are part of the config and not of the weights."""
        for name in ("pixel_mean", "pixel_std"):
            values = torch.tensor(getattr(self.config, name), device="cpu").view(1, 3, 1, 1)
            self.register_buffer(name, values, persistent=False)

    def fold(self) -> MASAM:
        """Eval mode, FacT folded into the backbone."""
        self.eval()
        self.image_encoder.fold()
        return self

    @torch.no_grad()
    def prepare(self, dtype: torch.dtype) -> MASAM:
        """Prepare for inference in a precision: folded, and the weights of linear layers and
        convolutions in it, so that they are not converted for every window.

        The prompt encoder stays in float32: a box's corner in bfloat16 would be off by pixels.

        Raises:
            CheckpointError: the model was prepared for another precision before.
        """
        name = str(dtype).removeprefix("torch.")
        if self.prepared not in ("", name):
            raise CheckpointError(
                f"This model was prepared for {self.prepared}; load it again to compute in {name}."
            )
        self.fold()
        self.prepared = name
        for part in (self.image_encoder, self.mask_decoder, self.detail_encoder):
            for layer in part.modules() if part is not None else ():
                if isinstance(layer, (nn.Linear, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d)):
                    layer.to(dtype)
        return self

    def require_original(self) -> None:
        """Raise CheckpointError where inference has changed the weights: they can't be saved."""
        self.image_encoder.require_unfolded()
        if self.prepared:
            raise CheckpointError(
                f"This model was prepared to compute in {self.prepared}, so its original weights "
                "can't be saved. Load the checkpoint again to convert or save it."
            )

    def encode(self, windows: Tensor) -> Embedding:
        """Embed windows of slices.

        Args:
            windows: (B, D, S, S) or (B, D, 3, S, S) with values in [0, 1]; D slices,
                S = ``config.image_size``. Without channels each slice goes into all three.

        Returns:
            Embedding of the B * D slices.
        """
        slices = windows.shape[1]
        images = windows.flatten(0, 1)
        if windows.dim() == 4:
            images = images[:, None].expand(-1, 3, -1, -1)
        images = (images - self.pixel_mean) / self.pixel_std
        image, skips = self.image_encoder(images, slices)
        if self.detail_encoder is not None:
            skips = self.detail_encoder(images, skips, slices)
        return Embedding(image, skips)

    def decode(
        self,
        embedding: Embedding,
        prompt: NetworkPrompt,
        part: tuple[slice, slice] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Decode slices with their prompts.

        Args:
            embedding: of N slices.
            prompt: of the N slices.
            part: rows and columns of tokens, where only their logits are wanted; needs
                ``mask_decoder.local``.

        Returns:
            Logits (N, K + 1, h, w), background first, and their predicted quality (N, K + 1).
        """
        sparse, dense, positions = self.encode_prompt(prompt, embedding)
        return cast(
            "tuple[Tensor, Tensor]",
            self.mask_decoder(
                embedding.image,
                positions.to(embedding.image.dtype),
                sparse.to(embedding.image.dtype),
                dense.to(embedding.image.dtype),
                embedding.skips,
                part,
            ),
        )

    def encode_prompt(
        self, prompt: NetworkPrompt, embedding: Embedding
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Embed the prompts of N slices, in float32 whatever the rest is computed in.

        Returns:
            Prompt tokens (N, P, 256), dense prompts (N, 256, g, g), and the positions of the tokens
            of the image (1, 256, g, g), as the mask decoder takes them.
        """
        with _exact(embedding.image.device.type):
            exact = prompt.map(Tensor.float)
            points = None
            if exact.points is not None and exact.labels is not None:
                points = (exact.points, exact.labels)
            sparse, dense = self.prompt_encoder(exact.boxes, points, exact.masks)
            positions = self.prompt_encoder.positions()
        if not prompt.given():  # SAM's prompt encoder takes the number of slices from the prompts
            count = len(embedding.image)
            sparse, dense = sparse.expand(count, -1, -1), dense.expand(count, -1, -1, -1)
        return sparse, dense, positions

    def forward(self, windows: Tensor, prompt: NetworkPrompt) -> tuple[Tensor, Tensor]:
        """Encode and decode.

        Args:
            windows: (B, D, S, S) or (B, D, 3, S, S) in [0, 1].
            prompt: of B windows of D slices.

        Returns:
            Logits (B, D, K + 1, h, w) and predicted quality (B, D, K + 1).
        """
        batch = windows.shape[:2]
        logits, quality = self.decode(self.encode(windows), prompt.of_slices())
        return logits.unflatten(0, batch), quality.unflatten(0, batch)

    def trainable(self) -> dict[str, nn.Parameter]:
        """The parameters MA-SAM trains (everything but a frozen backbone), by name."""
        whole = self.backbone_trained
        return {n: p for n, p in self.named_parameters() if whole or not is_backbone(n)}

    def unfreeze(self) -> None:
        """Train the backbone, too: full fine-tuning. Such a model is saved whole."""
        self.image_encoder.base.requires_grad_(True)
        self.backbone_trained = True

    @property
    def saved_as(self) -> str:
        """Kind of file that holds what was trained: ``delta``, or ``whole`` with its backbone."""
        return "whole" if self.backbone_trained else "delta"


def _exact(device: str) -> AbstractContextManager[object]:
    """Switch mixed precision off. A device that has none must not be asked to."""
    if torch.is_autocast_enabled(device):
        return torch.autocast(device, enabled=False)
    return nullcontext()


def is_backbone(name: str) -> bool:
    """Whether a state dict key belongs to the frozen backbone."""
    return name.startswith(BACKBONE)
