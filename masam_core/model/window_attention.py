"""SAM's attention for inference: real tokens only, and no copy that is not needed.

SAM fills slices up to whole windows with zeros before qkv. What a zero becomes is the bias of qkv,
so padded keys and values are known without a product, and padded queries are thrown away. Windows
are kept in up to four groups (whole ones, those cut off at the right, at the bottom, and at both)
so that in each group all windows have as many real queries.

Relative positions ride in longer queries and keys; see :func:`masam_core.model.attention.
attend_relative`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch
from torch import Tensor

from masam_core.model.attention import attend_heads, resize_relative, takes_plain_products


@dataclass(frozen=True)
class _Group:
    """Windows with the same number of real tokens.

    ``top``, ``left``: first row and column; ``down``, ``across``: windows; ``rows``, ``cols``: real
    tokens of each.
    """

    top: int
    left: int
    down: int
    across: int
    rows: int
    cols: int


class WindowAttention:
    """Attention of all blocks with the same grid and window; its memory serves one after another.

    Args:
        grid: rows and columns of real tokens.
        window: side of a window in tokens; 0 is one window over all tokens.
        heads: number of heads.
    """

    def __init__(self, grid: tuple[int, int], window: int, heads: int) -> None:
        self.grid, self.heads = grid, heads
        self.window = (window, window) if window else grid
        self._groups = _groups(grid, self.window)
        self._buffers: list[tuple[Tensor, Tensor, Tensor]] = []

    def __call__(self, qkv: Tensor, bias: Tensor, rel_pos_h: Tensor, rel_pos_w: Tensor) -> Tensor:
        """Attend.

        Args:
            qkv: (N, H, W, 3C) of the real tokens.
            bias: (3C,) of the qkv projection, which is what padding becomes.
            rel_pos_h, rel_pos_w: (2n-1, d) tables, n the window's side, or of other length.

        Returns:
            (N, H, W, C).
        """
        count = qkv.shape[0]
        heads, (height, width) = self.heads, self.window
        qkv = qkv.unflatten(-1, (3, heads, -1))
        depth = qkv.shape[-1]
        padding = bias.view(3, heads, depth)
        self._prepare(count, depth, qkv)
        row_scores = self._scores(qkv[..., 0, :, :], rel_pos_h, height)
        col_scores = self._scores(qkv[..., 0, :, :], rel_pos_w, width)
        out = torch.empty_like(qkv[..., 0, :, :])
        for group, (q, k, v) in zip(self._groups, self._buffers, strict=True):
            n = (count, group.down, group.across)
            real = (group.rows, group.cols)
            part = _cut(qkv, group)
            # Memory is kept head by head, as products want it; these views are token by token.
            q_, k_, v_ = (x.movedim(3, 5) for x in (q, k, v))
            torch.mul(part[..., 0, :, :], depth**-0.5, out=q_[..., :depth])
            q_[..., depth : depth + height] = _diagonal(_cut(row_scores, group), 3, height)
            q_[..., depth + height :] = _diagonal(_cut(col_scores, group), 4, width)
            if real != self.window:
                k_[..., :depth], v_[..., :depth] = padding[1], padding[2]
            k_[:, :, :, : real[0], : real[1], :, :depth] = part[..., 1, :, :]
            v_[:, :, :, : real[0], : real[1], :, :depth] = part[..., 2, :, :]
            mixed = attend_heads(*(x.flatten(0, 2).flatten(2, 3) for x in (q, k, v)))
            mixed = mixed[..., :depth].unflatten(2, real).unflatten(0, n)
            _cut(out, group).copy_(mixed.movedim(3, 5))
        return out.flatten(3)

    def _scores(self, q: Tensor, table: Tensor, size: int) -> Tensor:
        """Products (N, H, W, heads, 2n-1) of q with every entry of a table, last entry first."""
        entries = resize_relative(table, size).flip(0).to(q.dtype)
        return q @ entries.t()

    def _prepare(self, count: int, depth: int, like: Tensor) -> None:
        """Make the memory for queries, keys and values, unless it is there."""
        height, width = self.window
        long = depth + height + width
        if self._buffers:
            q = self._buffers[0][0]
            if q.shape[0] == count and q.dtype == like.dtype and q.device == like.device:
                return
        row = torch.eye(height, dtype=like.dtype, device=like.device)[:, None]
        col = torch.eye(width, dtype=like.dtype, device=like.device)
        # Fused kernels want queries, keys and values of one width.
        values = depth if takes_plain_products(like) else long
        self._buffers = []
        for group in self._groups:
            windows = (count, group.down, group.across, self.heads)
            q = like.new_empty(*windows, group.rows, group.cols, long)
            k = like.new_empty(*windows, height, width, long)
            k[..., depth : depth + height] = row
            k[..., depth + height :] = col
            v = like.new_zeros(*windows, height, width, values)
            self._buffers.append((q, k, v))


_Key = tuple[tuple[int, int], int, int]
_LENT: ContextVar[dict[_Key, WindowAttention] | None] = ContextVar("lent", default=None)


@contextmanager
def lent_memory() -> Iterator[None]:
    """Within the block, of one thread, attention of the same shape uses the same memory; after it,
    also after an error, the memory is given back."""
    token = _LENT.set({})
    try:
        yield
    finally:
        _LENT.reset(token)


def attention_of(grid: tuple[int, int], window: int, heads: int) -> WindowAttention:
    """The :class:`WindowAttention` of this shape; within :func:`lent_memory` always the same."""
    lent = _LENT.get()
    if lent is None:
        return WindowAttention(grid, window, heads)
    return lent.setdefault((grid, window, heads), WindowAttention(grid, window, heads))


def _groups(grid: tuple[int, int], window: tuple[int, int]) -> list[_Group]:
    """The at most four groups that cover the grid."""
    out = []
    for top, down, rows in _runs(grid[0], window[0]):
        for left, across, cols in _runs(grid[1], window[1]):
            out.append(_Group(top, left, down, across, rows, cols))
    return out


def _runs(size: int, window: int) -> list[tuple[int, int, int]]:
    """Start, number and length of whole windows, then of the one that is cut off."""
    whole, rest = divmod(size, window)
    runs = [(0, whole, window)] if whole else []
    return [*runs, (whole * window, 1, rest)] if rest else runs


def _cut(x: Tensor, group: _Group) -> Tensor:
    """(N, H, W, ...) to the group's windows (N, down, across, rows, cols, ...), a view."""
    bottom, right = group.top + group.down * group.rows, group.left + group.across * group.cols
    part = x[:, group.top : bottom, group.left : right]
    part = part.unflatten(2, (group.across, group.cols)).unflatten(1, (group.down, group.rows))
    return part.transpose(2, 3)


def _diagonal(scores: Tensor, axis: int, size: int) -> Tensor:
    """The products that each query needs, a view.

    Args:
        scores: products with all 2n-1 entries, last entry first.
        axis: of the query's row (or column) i in its window.
        size: n.

    Returns:
        For key rows 0 ... n-1 the entries that begin at n-1-i.
    """
    shape, strides = list(scores.shape), list(scores.stride())
    first = scores.storage_offset() + (size - 1) * strides[-1]
    strides[axis] -= strides[-1]
    shape[-1] = size
    return scores.as_strided(shape, strides, first)
