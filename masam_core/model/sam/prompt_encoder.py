"""SAM's prompt encoder: boxes, points and masks as what the mask decoder reads."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from masam_core.model.prompt import NEGATIVE, NO_POINT, POSITIVE
from masam_core.model.sam.layers import LayerNorm2d, Modules

# Rows of ``point_embeddings``, after those of NEGATIVE and POSITIVE.
FIRST_CORNER, LAST_CORNER = 2, 3


class RandomFourier(nn.Module):
    """Positions in the unit square as sines and cosines of random frequencies (Tancik et al. 2020).

    Args:
        frequencies: half of the channels.
    """

    positional_encoding_gaussian_matrix: Tensor

    def __init__(self, frequencies: int) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, frequencies))

    def forward(self, positions: Tensor) -> Tensor:
        """Positions x, y in [0, 1], (..., 2), to (..., 2 * frequencies)."""
        angles = 2 * math.pi * ((2 * positions - 1) @ self.positional_encoding_gaussian_matrix)
        return torch.cat([torch.sin(angles), torch.cos(angles)], dim=-1)


class PromptEncoder(nn.Module):
    """Turn prompts in network pixels into tokens and a map (Kirillov et al. 2023, section A).

    Args:
        width: channels of tokens and maps.
        grid: side g of the token grid.
        image_size: side S of the network's image, in pixels.
        mask_width: hidden channels of the mask's encoder.
    """

    def __init__(self, width: int, grid: int, image_size: int, mask_width: int = 16) -> None:
        super().__init__()
        self.width, self.grid, self.image_size = width, grid, image_size
        self.pe_layer = RandomFourier(width // 2)
        self.point_embeddings: Modules[nn.Embedding] = Modules(
            nn.Embedding(1, width) for _ in range(4)
        )
        self.not_a_point_embed = nn.Embedding(1, width)
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, mask_width // 4, 2, stride=2),
            LayerNorm2d(mask_width // 4),
            nn.GELU(),
            nn.Conv2d(mask_width // 4, mask_width, 2, stride=2),
            LayerNorm2d(mask_width),
            nn.GELU(),
            nn.Conv2d(mask_width, width, 1),
        )
        self.no_mask_embed = nn.Embedding(1, width)

    def forward(
        self,
        boxes: Tensor | None = None,
        points: tuple[Tensor, Tensor] | None = None,
        masks: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Embed prompts of N images.

        Args:
            boxes: (N, 4) x0, y0, x1, y1 in network pixels.
            points: positions (N, P, 2) x, y in network pixels, and labels (N, P): 1 on the object,
                0 beside it, -1 no point (to fill up).
            masks: (N, 1, 4g, 4g) logits or whatever the weights were trained with.

        Returns:
            Tokens (N, T, width): points, one more that says "no point" where there is no box, and
            two corners a box; and a map (N, width, g, g).
        """
        given = [x for x in (boxes, points[0] if points else None, masks) if x is not None]
        # Not len(): a trace for OpenVINO would keep the number of its own example.
        count = given[0].shape[0] if given else 1
        tokens = []
        if points is not None:
            tokens.append(self._points(*points, fill=boxes is None))
        if boxes is not None:
            tokens.append(self._boxes(boxes))
        if masks is not None:
            dense: Tensor = self.mask_downscaling(masks)
        else:
            dense = self.no_mask_embed.weight.reshape(1, -1, 1, 1)
            dense = dense.expand(count, -1, self.grid, self.grid)
        none = self.no_mask_embed.weight.new_zeros(count, 0, self.width)
        return torch.cat(tokens, dim=1) if tokens else none, dense

    def positions(self) -> Tensor:
        """Encode the centres of the token grid: (1, width, g, g)."""
        matrix = self.pe_layer.positional_encoding_gaussian_matrix
        centres = torch.ones(self.grid, device=matrix.device).cumsum(0) - 0.5
        y, x = torch.meshgrid(centres / self.grid, centres / self.grid, indexing="ij")
        encoded: Tensor = self.pe_layer(torch.stack([x, y], dim=-1))
        return encoded.permute(2, 0, 1)[None]

    def _encode(self, pixels: Tensor) -> Tensor:
        """Encode positions (N, P, 2), at the centres of pixels."""
        encoded: Tensor = self.pe_layer(((pixels + 0.5) / self.image_size).float())
        return encoded

    def _boxes(self, boxes: Tensor) -> Tensor:
        corners = self._encode(boxes.reshape(-1, 2, 2))
        kinds = [self.point_embeddings.at(n).weight for n in (FIRST_CORNER, LAST_CORNER)]
        return corners + torch.stack(kinds, dim=1)

    def _points(self, positions: Tensor, labels: Tensor, fill: bool) -> Tensor:
        encoded = self._encode(positions)
        if fill:
            encoded = torch.cat([encoded, encoded.new_zeros(len(encoded), 1, self.width)], dim=1)
            labels = torch.cat([labels, labels.new_full((len(labels), 1), NO_POINT)], dim=1)
        kind = labels[..., None]
        out = torch.where(kind == NO_POINT, self.not_a_point_embed.weight, encoded)
        for label in (NEGATIVE, POSITIVE):
            out = torch.where(kind == label, out + self.point_embeddings.at(label).weight, out)
        return out
