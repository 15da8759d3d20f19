"""The part of the decoder's output that a box needs, and its way to the volume's voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from masam_core.inference.job import Job
from masam_core.inference.resample import bilinear_part


@dataclass(frozen=True)
class Rectangle:
    """A rectangle of voxels, and the logits that it is resampled from.

    Attributes:
        tokens: rows and columns of tokens to decode; None decodes whole slices.
        logits: rows and columns of what was decoded.
        row_weights, col_weights: (voxels, logits) of each axis.
    """

    tokens: tuple[slice, slice] | None
    logits: tuple[slice, slice]
    row_weights: NDArray[np.float32]
    col_weights: NDArray[np.float32]

    @classmethod
    def of(cls, job: Job, side: int, token: int | None) -> Rectangle:
        """The rectangle in which a job's results live.

        Args:
            job: gives crop and extent.
            side: of the decoder's whole output.
            token: side of a token in it, where tokens may be decoded by themselves; else None.
        """
        rows, cols = job.in_crop()
        step = token or 1
        row_part, row_weights = bilinear_part(side, job.crop.height, rows, step)
        col_part, col_weights = bilinear_part(side, job.crop.width, cols, step)
        tokens, logits = None, (row_part, col_part)
        if token is not None:
            tokens = (_divide(row_part, token), _divide(col_part, token))
            logits = (slice(None), slice(None))
        return cls(tokens, logits, row_weights, col_weights)

    def resample(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Decoded logits (N, K, h, w) to the rectangle's voxels (N, K, rows, cols)."""
        part = logits[:, :, self.logits[0], self.logits[1]]
        return np.asarray(self.row_weights @ part @ self.col_weights.T)


def _divide(part: slice, step: int) -> slice:
    return slice(part.start // step, part.stop // step)
