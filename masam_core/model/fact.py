"""FacT: low-rank increments of the q and v projections in tensor-train form."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from masam_core.model.sam.layers import Modules


class FacT(nn.Module):
    """FacT-TT increments shared over all blocks of a ViT (Jie & Deng 2023; MA-SAM section 3.2).

    ``dq = s * v(dropout(q_i(u(x))))`` and the same with ``w_i`` for v; ``u`` (C -> r) and ``v``
    (r -> C) are shared, ``q_i`` and ``w_i`` (r -> r) belong to block i, and none has a bias.
    ``v`` starts at zero, so a fresh FacT changes nothing.
    """

    def __init__(self, width: int, rank: int, depth: int, scale: float, dropout: float) -> None:
        super().__init__()
        self.scale = scale
        self.u = nn.Linear(width, rank, bias=False)
        self.v = nn.Linear(rank, width, bias=False)
        self.q: Modules[nn.Linear] = Modules(
            nn.Linear(rank, rank, bias=False) for _ in range(depth)
        )
        self.w: Modules[nn.Linear] = Modules(
            nn.Linear(rank, rank, bias=False) for _ in range(depth)
        )
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.v.weight)

    def increment(self, x: Tensor, block: int) -> Tensor:
        """Increment of the fused qkv output of one block.

        Args:
            x: tokens (..., C), the input of the block's qkv projection.
            block: index of the block.

        Returns:
            (..., 3C): dq, zeros for k, dv.
        """
        down = self.u(x)
        dq = self.v(self.dropout(self.q[block](down)))
        dv = self.v(self.dropout(self.w[block](down)))
        return self.scale * torch.cat([dq, torch.zeros_like(dq), dv], dim=-1)

    @torch.no_grad()
    def weight_increment(self, block: int) -> Tensor:
        """The same increment as a weight (3C, C) to be added to the qkv weight at inference."""
        u, v = self.u.weight.float(), self.v.weight.float()
        dq = v @ self.q.at(block).weight.float() @ u
        dv = v @ self.w.at(block).weight.float() @ u
        return self.scale * torch.cat([dq, torch.zeros_like(dq), dv], dim=0)


def _square(rank: int, depth: int) -> Modules[nn.Linear]:
    """One r x r factor for each block."""
    return Modules(nn.Linear(rank, rank, bias=False) for _ in range(depth))
