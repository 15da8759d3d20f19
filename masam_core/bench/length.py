"""Cost and memory of a box do not depend on how long the volume is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from masam_core.bench.inputs import lesion_volume
from masam_core.bench.rows import Row, Setup
from masam_core.bench.timing import PeakMemory, Timing, apart, clock
from masam_core.inference.options import SegmentOptions
from masam_core.inference.quality import Quality
from masam_core.inference.segmenter import Segmenter
from masam_core.model.masam import MASAM

TITLE = "The same box in a longer volume"
SHORT, LONG = 100, 800
QUALITY = SegmentOptions(quality=Quality.FAST)


@dataclass(frozen=True)
class _Found:
    ready: float
    timing: Timing
    peak: int | None
    cache_bytes: int
    windows: int
    precision: str


def length_rows(setup: Setup) -> list[Row]:
    """The same lesion in volumes of 100 and 800 slices, and the cache's bytes."""
    rows: list[Row] = []
    found: list[_Found] = []
    for slices in (SHORT, LONG):
        setup.tell(f"{setup.slices} of {slices} slices")
        one = apart(_one, setup.build, setup.device, slices, setup.slices, setup.repeats)
        found.append(one)
        note = f"volume made ready in {one.ready:.2f} s"
        if one.peak is not None:
            note += f", {one.peak / 1e6:.0f} MB at the peak beside model and volume"
        rows.append(
            Row(
                TITLE,
                f"{setup.slices} of {slices} slices, fast, {one.precision}",
                one.timing.median,
                note=note,
                details={"seconds": one.timing.to_dict(), "peak_bytes": one.peak},
            )
        )
    short, long = found
    rows.append(
        Row(
            TITLE,
            "time in the long volume over that in the short one",
            long.timing.median / short.timing.median,
            "",
            aim="1",
            note=f"memory at the peak: {long.peak / short.peak:.2f}"
            if long.peak and short.peak
            else "memory not measured: no psutil",
        )
    )
    rows.append(
        Row(
            TITLE,
            "embeddings kept",
            long.cache_bytes / 1e6,
            "MB",
            note=f"in half precision, of {long.windows} windows",
        )
    )
    return rows


def _one(
    build: Callable[[], MASAM], device: torch.device, slices: int, lesion: int, repeats: int
) -> _Found:
    """One length, in a process of its own."""
    segmenter = Segmenter(build(), device, copy=False)
    volume, box = lesion_volume(slices, lesion)
    ready = clock(lambda: segmenter.set_volume(volume), 1)
    _ = volume.content_hash
    with PeakMemory(device) as memory:  # the first run; it is also the warm-up
        segmenter.segment(box, QUALITY)
    timing = clock(
        lambda: segmenter.segment(box, QUALITY),
        repeats,
        warm_up=False,
        device=device,
        before=segmenter.cache.clear,
    )
    cache = segmenter.cache
    return _Found(ready.median, timing, memory.grown, cache.bytes, len(cache), segmenter.precision)
