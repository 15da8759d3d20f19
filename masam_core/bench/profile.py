"""One window, operation by operation, for developers."""

from __future__ import annotations

import torch

from masam_core.bench.rows import Setup
from masam_core.inference.device import autocast
from masam_core.inference.segmenter import Segmenter

LINES = 25


@torch.inference_mode()
def profile_window(setup: Setup) -> str:
    """PyTorch's table of where the time of encoding one window goes."""
    from torch.profiler import ProfilerActivity, profile

    segmenter = Segmenter(setup.build(), setup.device, copy=False)
    config = segmenter.config
    channels = () if config.channels == "repeat" else (3,)
    shape = (1, config.num_slices, *channels, config.image_size, config.image_size)
    window = torch.rand(shape, device=setup.device)
    activities = [ProfilerActivity.CPU]
    if setup.device.type == "cuda":
        activities.append(ProfilerActivity.CUDA)
    with autocast(setup.device, segmenter.dtype):
        segmenter.model.encode(window)
        with profile(activities=activities) as found:
            segmenter.model.encode(window)
    order = "self_cuda_time_total" if setup.device.type == "cuda" else "self_cpu_time_total"
    return str(found.key_averages().table(sort_by=order, row_limit=LINES))
