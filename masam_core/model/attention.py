"""Multi-head attention on fused kernels, with SAM's decomposed relative positions."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

SCORES_AT_ONCE = 4 << 20  # of bfloat16: a quarter of a common third-level cache


def attend(qkv: Tensor, heads: int, bias: Tensor | None = None) -> Tensor:
    """Plain multi-head attention.

    Args:
        qkv: (B, N, 3C), q, k and v side by side.
        heads: number of heads.
        bias: (heads, N, N), added to the scores.

    Returns:
        (B, N, C).
    """
    q, k, v = _split(qkv, heads)
    if bias is None:
        return _merge(attend_heads(q * q.shape[-1] ** -0.5, k, v))
    # Fused kernels want the bias with a batch axis.
    return _merge(F.scaled_dot_product_attention(q, k, v, attn_mask=bias[None]))


def attend_heads(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """softmax(q k^T) v, the scale being in q already.

    Args:
        q: (B, heads, M, d).
        k: (B, heads, N, d).
        v: (B, heads, N, d); or (B, heads, N, e) where :func:`takes_plain_products`.

    Returns:
        (B, heads, M, d), or e.
    """
    if takes_plain_products(q):
        return _attend_in_parts(q, k, v)
    return F.scaled_dot_product_attention(q, k, v, scale=1.0)


def takes_plain_products(x: Tensor) -> bool:
    """Whether attention goes without a fused kernel.

    On the CPU, PyTorch's does not use bfloat16 products; plain ones are two to three times as fast.
    """
    return x.device.type == "cpu" and x.dtype == torch.bfloat16 and not torch.is_grad_enabled()


def _attend_in_parts(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The scores of a few images at a time, few enough to stay in a processor's cache.

    Scores are kept in bfloat16, whose error grows with their size. Taking the mean key from all
    keys takes the same number from all scores of a query, which softmax does not see, and makes
    them small: the error is then that of the fused kernel.
    """
    batch, heads, rows = q.shape[:3]
    keys = (k - k.mean(dim=-2, keepdim=True)).transpose(-2, -1)
    out = torch.empty(*q.shape[:3], v.shape[-1], dtype=v.dtype, device=v.device)
    of_a_row = heads * k.shape[2]
    images = max(1, SCORES_AT_ONCE // (of_a_row * rows))
    queries = rows if images > 1 else max(1, SCORES_AT_ONCE // of_a_row)
    for first in range(0, batch, images):
        part = slice(first, first + images)
        for begin in range(0, rows, queries):
            some = slice(begin, begin + queries)
            scores = q[part, :, some] @ keys[part]
            out[part, :, some] = scores.softmax(dim=-1) @ v[part]
    return out


def attend_relative(
    qkv: Tensor, heads: int, rel_pos_h: Tensor, rel_pos_w: Tensor, grid: tuple[int, int]
) -> Tensor:
    """Attention with decomposed relative positions (Li et al. 2022, MViTv2; used by SAM).

    The score is ``q.k / sqrt(d) + q.Rh[h - h'] + q.Rw[w - w']``. The two position terms are
    themselves an inner product, of (q.Rh, q.Rw) with one-hot codes of the key's row and column.
    Appending them to q and k lets a fused kernel do the work without a bias matrix.

    Args:
        qkv: (B, H*W, 3C) in row-major token order.
        heads: number of heads.
        rel_pos_h, rel_pos_w: (2H-1, d) and (2W-1, d), d = C / heads.
        grid: (H, W).

    Returns:
        (B, H*W, C).
    """
    height, width = grid
    q, k, v = _split(qkv, heads)
    d = q.shape[-1]
    table_h = _offsets(height, rel_pos_h)
    table_w = _offsets(width, rel_pos_w)
    q_grid = q.unflatten(2, (height, width))
    score_h = torch.einsum("bnhwc,hkc->bnhwk", q_grid, table_h).flatten(2, 3)
    score_w = torch.einsum("bnhwc,wkc->bnhwk", q_grid, table_w).flatten(2, 3)
    long_q = torch.cat([q * d**-0.5, score_h.to(q.dtype), score_w.to(q.dtype)], dim=-1)
    row = torch.eye(height, dtype=k.dtype, device=k.device).repeat_interleave(width, dim=0)
    column = torch.eye(width, dtype=k.dtype, device=k.device).repeat(height, 1)
    code = torch.cat([row, column], dim=-1).expand(*k.shape[:2], -1, -1)
    long_k = torch.cat([k, code], dim=-1)
    # Fused kernels want equal widths; the padding of v is cut off again.
    long_v = F.pad(v, (0, height + width))
    out = F.scaled_dot_product_attention(long_q, long_k, long_v, scale=1.0)
    return _merge(out[..., :d])


def resize_relative(table: Tensor, size: int) -> Tensor:
    """Interpolate a relative position table (2n-1, d) linearly to (2*size-1, d)."""
    length = 2 * size - 1
    if table.shape[0] == length:
        return table
    columns = table.float().t()[None]
    return F.interpolate(columns, size=length, mode="linear")[0].t().to(table.dtype).contiguous()


def resize_absolute(embedding: Tensor, grid: tuple[int, int]) -> Tensor:
    """Interpolate an absolute position embedding (1, h, w, C) bilinearly to (1, H, W, C)."""
    if tuple(embedding.shape[1:3]) == tuple(grid):
        return embedding
    image = embedding.float().permute(0, 3, 1, 2)
    resized = F.interpolate(image, size=grid, mode="bilinear", align_corners=False)
    return resized.permute(0, 2, 3, 1).to(embedding.dtype).contiguous()


def _offsets(size: int, table: Tensor) -> Tensor:
    """(size, size, d): the table's entry for every pair of query and key coordinate."""
    index = torch.arange(size, device=table.device)
    return resize_relative(table, size)[index[:, None] - index[None, :] + size - 1]


def _split(qkv: Tensor, heads: int) -> tuple[Tensor, Tensor, Tensor]:
    q, k, v = qkv.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
    return q, k, v


def _merge(x: Tensor) -> Tensor:
    return x.transpose(1, 2).flatten(2)
