"""Windows that slide over all slices of a volume or all frames of a video, without prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from masam_core.errors import Cancelled
from masam_core.inference.box_segmenter import IsCancelled, Progress
from masam_core.inference.device import autocast
from masam_core.inference.quality import Quality
from masam_core.inference.view import Crop
from masam_core.inference.windows import stride_of, window_starts
from masam_core.model.prompt import NetworkPrompt

if TYPE_CHECKING:
    from masam_core.inference.segmenter import Segmenter

Slice = tuple[int, NDArray[np.uint8], NDArray[np.float16]]


def slide(
    segmenter: Segmenter,
    look: Callable[[int], NDArray[np.float32]],
    crop: Crop,
    shape: tuple[int, int, int],
    quality: Quality,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> Iterator[Slice]:
    """Classes of each slice, in order; those of overlapping windows are averaged, as in MA-SAM.

    Only the slices of open windows are held in memory.

    Args:
        segmenter: whose model is asked.
        look: what the network sees of the window that begins at a slice.
        crop: field of view of the windows.
        shape: slices, rows, columns.
        quality: how many windows see each slice.
        progress, cancelled: see ``segment_classes``.

    Yields:
        Index, class of each pixel (rows, columns), and its probability.

    Raises:
        Cancelled: ``cancelled`` said so.
    """
    count, rows, cols = shape
    depth = segmenter.config.num_slices
    starts = window_starts(0, count - 1, depth, stride_of(quality, depth))
    open_slices: dict[int, tuple[torch.Tensor, int]] = {}
    for number, start in enumerate(starts):
        if cancelled is not None and cancelled():
            raise Cancelled("Segmentation was cancelled.")
        if progress is not None:
            progress(number / len(starts), f"window {number + 1} of {len(starts)}")
        seen = probabilities(segmenter, look(start), crop, NetworkPrompt())
        for index, own in zip(range(start, start + depth), seen, strict=True):
            if 0 <= index < count:
                own = own[:, :rows, :cols]
                total, times = open_slices.get(index, (torch.zeros_like(own), 0))
                open_slices[index] = (total + own, times + 1)
        following = starts[number + 1] if number + 1 < len(starts) else count
        for index in sorted(i for i in open_slices if i < following):
            total, times = open_slices.pop(index)
            best, label = (total / times).max(dim=0)
            yield index, label.to(torch.uint8).numpy(), best.to(torch.float16).numpy()


@torch.inference_mode()
def probabilities(
    segmenter: Segmenter, window: NDArray[np.float32], crop: Crop, prompt: NetworkPrompt
) -> torch.Tensor:
    """Class probabilities of a window, as (D, K + 1, rows, cols) on the CPU.

    Args:
        segmenter: whose model is asked.
        window: (D, S, S) or (D, 3, S, S).
        crop: field of view.
        prompt: of the D slices; empty asks for every class.
    """
    model, device = segmenter.model, segmenter.device
    windows = torch.from_numpy(window)[None].to(device)
    asked = prompt.map(lambda array: torch.from_numpy(array)[None].to(device))
    with autocast(device, segmenter.dtype):
        logits, _ = model(windows, asked)
    return restored(logits[0], crop).softmax(dim=1).cpu()


def restored(logits: torch.Tensor, crop: Crop) -> torch.Tensor:
    """Resample network output (n, c, h, w) to a crop's voxels (n, c, height, width)."""
    return F.interpolate(
        logits.float(), size=(crop.height, crop.width), mode="bilinear", align_corners=False
    )
