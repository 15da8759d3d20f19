"""The decoder on an NVIDIA GPU, recorded once and played back (CUDA graphs).

The decoder is some two hundred small kernels. Launching them from Python takes longer than running
them, and a user who drags a box waits for just that.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import torch
from torch import Tensor

from masam_core.inference.device import autocast
from masam_core.model.masam import MASAM, Embedding

log = logging.getLogger(__name__)

SIZES = (8, 16, 32, 64)  # slices of a recording; fewer are filled up
LEAST_AGREEMENT = 0.05  # of a logit, between a recording and the usual way


@dataclass
class _Recording:
    graph: torch.cuda.CUDAGraph
    window: Embedding
    boxes: Tensor
    prior: Tensor | None
    logits: Tensor
    quality: Tensor


class GraphedDecoder:
    """Decodes slices with recordings, one for each of a few numbers of slices.

    A recording is compared with the usual way when it is made. If it differs or can't be made, no
    recording is used from then on; results are the same, only slower.

    Args:
        model: prepared, on a CUDA device.
        dtype: of mixed precision.
    """

    def __init__(self, model: MASAM, dtype: torch.dtype) -> None:
        self.model, self.dtype = model, dtype
        self.usable = True
        self._recordings: dict[int, _Recording] = {}

    def __call__(
        self, window: Embedding, boxes: Tensor, prior: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """As ``MASAM.decode``, for whole slices."""
        count = len(window.image)
        size = next((n for n in SIZES if n >= count), None)
        if not self.usable or size is None:
            return self._decode(window, boxes, prior)
        recording = self._recordings.get(size)
        if recording is None:
            expected = self._decode(window, boxes, prior)
            try:
                recording = self._record(size, window, boxes, prior)
            except torch.OutOfMemoryError:
                return expected  # there may be room another time
            except RuntimeError as error:
                self._give_up(str(error))
                return expected
            logits, quality = self._play(recording, window, boxes, prior)
            worst = float((logits - expected[0]).abs().max())
            if not worst <= LEAST_AGREEMENT:
                self._give_up(f"logits differ by {worst}")
                return expected
            self._recordings[size] = recording
            return logits, quality
        return self._play(recording, window, boxes, prior)

    def _decode(
        self, window: Embedding, boxes: Tensor, prior: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        with autocast(boxes.device, self.dtype):
            return self.model.decode(window, boxes, prior)

    def _record(
        self, size: int, window: Embedding, boxes: Tensor, prior: Tensor | None
    ) -> _Recording:
        own = Embedding(_filled(window.image, size), [_filled(skip, size) for skip in window.skips])
        own_boxes = _filled(boxes, size)
        own_prior = None if prior is None else _filled(prior, size)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):  # what libraries set up on first use can't be recorded
            for _ in range(2):
                self._decode(own, own_boxes, own_prior)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            logits, quality = self._decode(own, own_boxes, own_prior)
        return _Recording(graph, own, own_boxes, own_prior, logits, quality)

    def _play(
        self, recording: _Recording, window: Embedding, boxes: Tensor, prior: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        count = len(boxes)
        recording.window.image[:count] = window.image
        for own, skip in zip(recording.window.skips, window.skips, strict=True):
            own[:count] = skip
        recording.boxes[:count] = boxes
        if recording.prior is not None and prior is not None:
            recording.prior[:count] = prior
        recording.graph.replay()
        # The next replay writes into the same memory.
        return recording.logits[:count].clone(), recording.quality[:count].clone()

    def _give_up(self, why: str) -> None:
        log.warning("The decoder is not recorded: %s", why)
        self.usable = False
        self._recordings.clear()


def _filled(x: Tensor, size: int) -> Tensor:
    """Memory for ``size`` entries, the first of which are those given, the rest the last again."""
    return torch.cat([x, x[-1:].expand(size - len(x), *x.shape[1:])]).clone()
