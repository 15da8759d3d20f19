"""The decoder on an NVIDIA GPU, recorded once and played back (CUDA graphs).

The decoder is some two hundred small kernels. Launching them from Python takes longer than running
them, and a user who drags a box waits for just that.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from masam_core.inference.device import autocast
from masam_core.model.masam import MASAM, Embedding
from masam_core.model.prompt import NetworkPrompt

log = logging.getLogger(__name__)

SIZES = (8, 16, 32)  # slices of a recording; fewer are filled up
# Number of slices, and the kinds of prompts with their shapes: points may be more or fewer.
Key = tuple[int, tuple[tuple[str, tuple[int, ...]], ...]]
AGREEMENT = 8.0  # rounding steps of the precision, at the largest logit, between both ways


@dataclass
class Recording:
    """Work that can be played again on what lies in its inputs."""

    graph: Any  # torch.cuda.CUDAGraph
    window: Embedding
    prompt: NetworkPrompt
    logits: Tensor
    quality: Tensor


class GraphedDecoder:
    """Decodes slices with recordings, one for each of a few numbers of slices and kinds of prompts.

    These are recorded when they come for the second time: a single box gains nothing. A recording
    is compared with the usual way when it is made. If it differs or can't be made, none is used
    from then on; results are the same, only slower.

    Args:
        model: prepared, on a CUDA device.
        dtype: of mixed precision.
    """

    def __init__(self, model: MASAM, dtype: torch.dtype) -> None:
        self.model, self.dtype = model, dtype
        self.usable = True
        self._recordings: dict[Key, Recording] = {}
        self._seen: set[Key] = set()
        self._pool: Any = None  # memory that all recordings share

    def clear(self) -> None:
        """Give the recordings' memory back; they are made again when needed."""
        self._recordings.clear()
        self._seen.clear()
        self._pool = None

    def __call__(self, window: Embedding, prompt: NetworkPrompt) -> tuple[Tensor, Tensor]:
        """Decode as ``MASAM.decode`` does, whole slices."""
        size = next((n for n in SIZES if n >= len(window.image)), None)
        if not self.usable or size is None:
            return self.decode(window, prompt)
        shapes = {kind: tuple(tensor.shape[1:]) for kind, tensor in prompt.given().items()}
        key = (size, tuple(shapes.items()))
        if key not in self._seen:
            self._seen.add(key)
            return self.decode(window, prompt)
        recording = self._recordings.get(key)
        if recording is None:
            recording = self._try(size, window, prompt)
            if recording is None:
                return self.decode(window, prompt)
            self._recordings[key] = recording
        return self._play(recording, window, prompt)

    def decode(self, window: Embedding, prompt: NetworkPrompt) -> tuple[Tensor, Tensor]:
        """The usual way."""
        with autocast(window.image.device, self.dtype):
            return self.model.decode(window, prompt)

    def _try(self, size: int, window: Embedding, prompt: NetworkPrompt) -> Recording | None:
        """A recording that gives what the usual way gives, or None."""
        try:
            recording = self._record(size, window, prompt)
            # A recording that does nothing must not pass on what the trial runs left behind.
            recording.logits.zero_()
            recording.quality.zero_()
            self._play(recording, window, prompt)
            # Of the same size: batches of other sizes are rounded otherwise.
            expected, _ = self.decode(recording.window, recording.prompt)
        except torch.cuda.OutOfMemoryError:
            self.clear()  # there may be room another time
            return None
        except RuntimeError as error:
            self._give_up(str(error))
            return None
        largest = float(expected.abs().max())
        worst = float((recording.logits - expected).abs().max())
        if not worst <= AGREEMENT * torch.finfo(self.dtype).eps * max(1.0, largest):
            self._give_up(f"logits differ by {worst}, of {largest}")
            return None
        return recording

    def _record(self, size: int, window: Embedding, prompt: NetworkPrompt) -> Recording:
        own = Embedding(_filled(window.image, size), [_filled(skip, size) for skip in window.skips])
        own_prompt = prompt.map(lambda tensor: _filled(tensor, size))
        device = window.image.device
        # Streams and graphs belong to a device, and the model may not be on the first.
        with torch.cuda.device(device):
            stream = torch.cuda.Stream(device)
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):  # what libraries set up at first can't be recorded
                for _ in range(2):
                    self.decode(own, own_prompt)
            torch.cuda.current_stream().wait_stream(stream)
            self._pool = self._pool or torch.cuda.graph_pool_handle()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=self._pool, stream=stream):
                logits, quality = self.decode(own, own_prompt)
        return Recording(graph, own, own_prompt, logits, quality)

    def _play(
        self, recording: Recording, window: Embedding, prompt: NetworkPrompt
    ) -> tuple[Tensor, Tensor]:
        count = len(window.image)
        recording.window.image[:count] = window.image
        for own, skip in zip(recording.window.skips, window.skips, strict=True):
            own[:count] = skip
        given = prompt.given()
        for kind, tensor in recording.prompt.given().items():
            tensor[:count] = given[kind]
        recording.graph.replay()
        # The next replay, of this or another recording, writes into the same memory.
        return recording.logits[:count].clone(), recording.quality[:count].clone()

    def _give_up(self, why: str) -> None:
        log.warning("The decoder is not recorded: %s", why)
        self.usable = False
        self.clear()


def _filled(x: Tensor, size: int) -> Tensor:
    """Memory for ``size`` entries, the first of which are those given, the rest the last again."""
    return torch.cat([x, x[-1:].expand(size - len(x), *x.shape[1:])]).clone()
