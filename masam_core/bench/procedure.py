"""The literal procedure over slices: every window at stride 1, averaged."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from masam_core.bench.literal import LiteralMASAM
from masam_core.image.intensity import intensity_limits, scale_intensity
from masam_core.image.volume import Volume
from masam_core.inference.job import Job, job_crop
from masam_core.inference.sliding import restored
from masam_core.inference.view import ellipsoid_prior, network_input
from masam_core.inference.windows import window_slices, window_starts
from masam_core.model.prompt import NetworkPrompt
from masam_core.prompts.boxes import BoxPrompt


class LiteralProcedure:
    """MA-SAM's inference of a box, nothing spared, restricted to the slices of the box.

    Args:
        literal: the network.
        volume: the image.
        box: the prompt.
        device: that the network is on.
    """

    def __init__(
        self,
        literal: LiteralMASAM,
        volume: Volume,
        box: BoxPrompt,
        device: torch.device | None = None,
    ) -> None:
        self.device = device or torch.device("cpu")
        config = literal.model.config
        self.literal, self.config = literal, config
        frame = volume.geometry.canonical_frame()
        prompt = box.slice_boxes(frame)
        self.job = Job(frame, prompt, prompt, job_crop(prompt, prompt, frame, config))
        limits = intensity_limits(volume.array, volume.modality, config.intensity)
        # As is usual: the whole volume is made ready at once.
        source = frame.to_canonical(volume.array)
        self.values = scale_intensity(source, limits, config.cuts_intensity)
        self.starts = window_starts(
            prompt.first_slice, prompt.last_slice, config.num_slices, stride=1
        )

    @torch.inference_mode()
    def window(self, start: int) -> NDArray[np.float32]:
        """Foreground probability (D, rows, cols) on the crop, of the window from a slice on."""
        config, crop = self.config, self.job.crop
        indices = window_slices(start, config.num_slices, len(self.values))
        slices = np.arange(start, start + config.num_slices)
        shown = torch.from_numpy(network_input(self.values[indices], crop, config))
        boxes = crop.to_pixels(self.job.boxes_at(slices), config.image_size)
        prompt = NetworkPrompt(torch.from_numpy(boxes))
        if config.shape_prior == "ellipsoid":
            first, last = self.job.prompt.first_slice, self.job.prompt.last_slice
            prior = ellipsoid_prior(slices, first, last, boxes, config)
            prompt.masks = torch.from_numpy(prior)
        embedding = self.literal.encode(shown[None].to(self.device))
        logits = self.literal.decode(embedding, prompt.map(lambda t: t.to(self.device)))
        return np.asarray(restored(logits, crop).softmax(dim=1)[:, 1].cpu().numpy())

    def run(self, on_window: Callable[[int, int], None] | None = None) -> NDArray[np.float32]:
        """Mean probability (slices of the box, rows, cols) on the crop.

        Args:
            on_window: called with the windows done and their number.
        """
        first, last = self.job.prompt.first_slice, self.job.prompt.last_slice
        crop = self.job.crop
        total = np.zeros((last - first + 1, crop.height, crop.width), np.float32)
        seen = np.zeros(len(total), np.float32)
        for number, start in enumerate(self.starts):
            for place, probability in enumerate(self.window(start)):
                if first <= start + place <= last:
                    total[start + place - first] += probability
                    seen[start + place - first] += 1
            if on_window is not None:
                on_window(number + 1, len(self.starts))
        return total / seen[:, None, None]
