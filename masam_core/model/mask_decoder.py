"""Mask decoders: progressive and multiscale upsampling of MA-SAM, and SAM's own."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from masam_core.model.config import EMBEDDING_CHANNELS, ModelConfig
from masam_core.model.detail import DetailJoin, detail_widths
from masam_core.model.sam.layers import MLP, LayerNorm2d, Modules
from masam_core.model.sam.two_way import TwoWayTransformer

SAM_MASK_TOKENS = 4  # one mask for unambiguous prompts, three for ambiguous ones


class MaskDecoder(nn.Module):
    """SAM's mask decoder with MA-SAM's upsampling (section 3.3).

    Parameter names follow segment-anything, so that SAM weights load wherever shapes agree.

    * ``progressive``: four transposed convolutions, C -> C/4 -> C/8 -> C/16 -> C/32: logits at
      16 times the token grid, the input resolution of a patch-16 backbone.
    * ``multiscale``: the same, with encoder features joined after each of the first three steps.
    * ``sam``: the original two steps and four mask tokens; the first token's mask is used, as SAM
      does for box prompts.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.kind = config.decoder
        width = EMBEDDING_CHANNELS
        steps = (4, 8) if self.kind == "sam" else (4, 8, 16, 32)
        tokens = SAM_MASK_TOKENS if self.kind == "sam" else config.num_classes + 1
        self.transformer = TwoWayTransformer(depth=2, width=width, heads=8, hidden=2048)
        self.iou_token = nn.Embedding(1, width)
        self.mask_tokens = nn.Embedding(tokens, width)
        self.output_upscaling = _upscaling(width, steps)
        self.output_hypernetworks_mlps: Modules[MLP] = Modules(
            MLP(width, width, width // steps[-1], 3) for _ in range(tokens)
        )
        self.iou_prediction_head = MLP(width, 256, tokens, 3)
        self.skips = (
            nn.ModuleList(SkipJoin(config.spec.width, width // step) for step in steps[:3])
            if self.kind == "multiscale"
            else None
        )
        self.details = (
            nn.ModuleList(
                DetailJoin(width // step, detail)
                for step, detail in zip(
                    steps[-3:], detail_widths(config.detail_width, len(steps))[::-1], strict=True
                )
            )
            if config.detail_width
            else None
        )

    def forward(
        self,
        embedding: Tensor,
        positions: Tensor,
        sparse: Tensor,
        dense: Tensor,
        skips: list[Tensor],
        part: tuple[slice, slice] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Predict one set of masks per image.

        Args:
            embedding: (N, 256, g, g).
            positions: (1, 256, g, g) from the prompt encoder.
            sparse: (N, P, 256) prompt tokens; P is 0 without a prompt.
            dense: (N, 256, g, g) dense prompt.
            skips: encoder features, shallow first, for ``multiscale``; maps of pixel detail,
                finest first, where the config asks for them; else empty.
            part: rows and columns of tokens, where only these are wanted and the decoder is
                :attr:`local`.

        Returns:
            Logits (N, num_classes + 1, s*g, s*g), s = 16 (4 for ``sam``), background first, and
            the predicted quality of each mask (N, num_classes + 1). With ``part`` the logits of
            those tokens' pixels, the same as without.
        """
        count = embedding.shape[0]
        own = torch.cat([self.iou_token.weight, self.mask_tokens.weight])
        tokens = torch.cat([own.expand(count, -1, -1).to(sparse.dtype), sparse], dim=1)
        image = embedding + dense
        states, image = self.transformer(image, positions.expand(count, -1, -1, -1), tokens)
        image = image.transpose(1, 2).reshape(embedding.shape)
        if part is not None:
            image = image[:, :, part[0], part[1]]
        mask_states = states[:, 1 : 1 + self.mask_tokens.num_embeddings]
        kernels = torch.stack(
            [mlp(mask_states[:, i]) for i, mlp in enumerate(self.output_hypernetworks_mlps.each())],
            dim=1,
        )
        logits = self._paint(image, skips, kernels)
        quality: Tensor = self.iou_prediction_head(states[:, 0])
        if self.kind == "sam":
            # softmax over (0, x) is the sigmoid of x, SAM's own probability.
            logits = torch.cat([torch.zeros_like(logits[:, :1]), logits[:, :1]], dim=1)
            quality = quality[:, :1].expand(-1, 2)
        return logits, quality

    @property
    def local(self) -> bool:
        """Whether each token becomes its own pixels, whatever its neighbours are, after the
        transformer; a part of the image can then be decoded by itself."""
        return self.skips is None and self.details is None

    def _paint(self, image: Tensor, skips: list[Tensor], kernels: Tensor) -> Tensor:
        """Tokens (N, 256, h, w) to logits of each of the kernels (N, T, c)."""
        if image.device.type != "cpu" or torch.is_grad_enabled():
            return torch.einsum("ntc,nchw->nthw", kernels, self._upscale(image, skips))
        # Image by image: the maps of many do not fit a processor's cache.
        painted = []
        for n in range(len(image)):
            one = slice(n, n + 1)
            pixels = self._upscale(image[one], [skip[one] for skip in skips])
            painted.append((kernels[n] @ pixels[0].flatten(1)).unflatten(1, pixels.shape[-2:]))
        return torch.stack(painted)

    def _upscale(self, x: Tensor, skips: list[Tensor]) -> Tensor:
        if self.details is not None:
            return self._upscale_with_detail(x, skips)
        if self.skips is None:
            return cast(Tensor, self.output_upscaling(x))
        deep_first = skips[::-1]
        joined = 0
        for layer in self.output_upscaling:
            x = layer(x)
            if isinstance(layer, nn.GELU) and joined < len(self.skips):
                x = self.skips[joined](x, deep_first[joined])
                joined += 1
        return x

    def _upscale_with_detail(self, x: Tensor, maps: list[Tensor]) -> Tensor:
        """Join the detail maps after the last steps (three at most), coarse first."""
        details = list(cast(nn.ModuleList, self.details))
        left = sum(isinstance(layer, nn.GELU) for layer in self.output_upscaling)
        for layer in self.output_upscaling:
            x = layer(x)
            if isinstance(layer, nn.GELU):
                if left <= len(details):
                    x = details[-left](x, maps[left - 1])
                left -= 1
        return x


class SkipJoin(nn.Module):
    """Adds an encoder feature map to a decoder map of another resolution."""

    def __init__(self, encoder_width: int, decoder_width: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(encoder_width, decoder_width, 1, bias=False)
        self.fuse = nn.Sequential(
            nn.Conv2d(2 * decoder_width, decoder_width, 3, padding=1, bias=False),
            LayerNorm2d(decoder_width),
            nn.GELU(),
        )

    def forward(self, x: Tensor, feature: Tensor) -> Tensor:
        """x (N, c, h, w) and feature (N, C, g, g) to (N, c, h, w)."""
        skip = F.interpolate(self.project(feature), size=x.shape[-2:], mode="bilinear")
        return cast(Tensor, self.fuse(torch.cat([x, skip], dim=1)))


def _upscaling(width: int, steps: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    channels = width
    for number, step in enumerate(steps):
        layers.append(nn.ConvTranspose2d(channels, width // step, kernel_size=2, stride=2))
        channels = width // step
        if number < len(steps) - 1:
            layers.append(LayerNorm2d(channels))
        layers.append(nn.GELU())
    return nn.Sequential(*layers)
