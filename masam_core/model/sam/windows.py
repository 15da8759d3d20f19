"""Square windows of a grid of tokens, filled up with zeros at the ends (Li et al. 2022)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

Size = tuple[int, int]


def window_partition(tokens: Tensor, window: int) -> tuple[Tensor, Size]:
    """Cut a grid of tokens into windows.

    Args:
        tokens: (N, h, w, C).
        window: side of the windows.

    Returns:
        (N * windows, window, window, C), and the rows and columns of the filled-up grid.
    """
    _, height, width, channels = tokens.shape
    below, right = -height % window, -width % window
    padded = (height + below, width + right)
    if below or right:
        tokens = F.pad(tokens, (0, 0, 0, right, 0, below))
    tokens = tokens.unflatten(2, (-1, window)).unflatten(1, (-1, window)).transpose(2, 3)
    return tokens.reshape(-1, window, window, channels), padded


def window_unpartition(windows: Tensor, window: int, padded: Size, size: Size) -> Tensor:
    """Put the windows of :func:`window_partition` together again, without what was filled up.

    Args:
        windows: (N * windows, window, window, C).
        window: side of the windows.
        padded, size: rows and columns of the filled-up grid and of the grid itself.

    Returns:
        (N, h, w, C).
    """
    rows, columns = padded[0] // window, padded[1] // window
    grid = windows.unflatten(0, (-1, rows, columns)).transpose(2, 3)
    grid = grid.reshape(-1, *padded, windows.shape[-1])
    return grid[:, : size[0], : size[1]].contiguous()
