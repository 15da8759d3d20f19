"""Running out of the GPU's memory for real, by a limit and by a full card."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import torch

from masam_core.bench.inputs import lesion_volume
from masam_core.bench.rows import Row
from masam_core.errors import DeviceMemoryError
from masam_core.inference import segmenter as module
from masam_core.inference.options import SegmentOptions
from masam_core.inference.quality import Quality
from masam_core.inference.segmenter import Segmenter
from masam_core.lesion.lesion import Lesion
from masam_core.prompts.boxes import BoxPrompt
from masam_core.scoring.metrics import dice

from .subjects import Run, Subject

TITLE = "Out of the GPU's memory"
FAST = SegmentOptions(quality=Quality.FAST)
BLOCK = 64 << 20  # a blocker takes the card in pieces of so many bytes at last
LEAST_DICE = 0.99
STEPS = 20  # from the usual room down to that of the model alone
Way = Callable[[torch.device, int], AbstractContextManager[None]]


def memory_rows(run: Run) -> Iterator[Row]:
    """Smaller batches where memory is short, an error that says so where it is too short, and
    work as before once there is room again.

    Raises:
        RuntimeError: one of these is not so.
    """
    if not run.on_cuda:
        yield Row(TITLE, "not run", None, note="needs an NVIDIA GPU")
        return
    problems: list[str] = []
    for subject in run.subjects():
        for row, problem in _tried(run, subject):
            problems += [problem] if problem else []
            yield row
    if problems:
        raise RuntimeError("; ".join(problems))


class _Watched(Segmenter):
    """Counts how often it made room, and tells what the most memory was."""

    smaller = 0

    def _smaller(self, batch_size: int, error: Exception) -> int:
        self.smaller += 1
        return super()._smaller(batch_size, error)

    def peak(self, box: BoxPrompt) -> tuple[Lesion, int]:
        """Segment from nothing: the lesion, and bytes reserved at most."""
        self.smaller = 0
        self._slices_at_once = module.SLICES_PER_BATCH["cuda"]
        self.release_cache()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(self.device)
        lesion = self.segment(box, FAST)
        return lesion, torch.cuda.max_memory_reserved(self.device)


def _tried(run: Run, subject: Subject) -> Iterator[tuple[Row, str]]:
    volume, box = lesion_volume(2 * run.slices, run.slices)
    segmenter = _Watched(subject.build(), run.device, copy=False)
    segmenter.set_volume(volume)
    segmenter.peak(box)  # what libraries take for themselves at first
    usual, most = segmenter.peak(box)
    segmenter.release_cache()
    torch.cuda.empty_cache()
    model = torch.cuda.memory_reserved(run.device)
    name = f"{subject.name}, {segmenter.precision}"
    note = f"at its peak, {model / 1e6:.0f} MB of it the model"
    yield Row(TITLE, f"{name}: usual", most / 1e6, "MB", note=note), ""
    for words, way in WAYS.items():
        yield _short(run, segmenter, box, usual, f"{name}: {words}", (model, most), way)
    yield _too_short(run, segmenter, box, name, model)
    again, _ = segmenter.peak(box)
    same = dice(again.mask, usual.mask)
    row = Row(TITLE, f"{name}: with room again", same, "Dice", note="with usual")
    yield row, "" if same >= LEAST_DICE else f"{row.what}: Dice {same:.4f}"
    segmenter.close()


def _short(
    run: Run,
    segmenter: _Watched,
    box: BoxPrompt,
    usual: Lesion,
    what: str,
    between: tuple[int, int],
    way: Way,
) -> tuple[Row, str]:
    """Less and less room, until the segmenter has to make some."""
    model, most = between
    for step in range(1, STEPS):
        room = most - (most - model) * step // STEPS
        segmenter.release_cache()
        with way(run.device, room):
            try:
                lesion, used = segmenter.peak(box)
            except (DeviceMemoryError, RuntimeError) as error:  # the latter by CUDA's libraries
                note = f"{room / 1e6:.0f} MB: {type(error).__name__}: {error}"
                return Row(TITLE, what, None, note=note), f"{what}: {note}"
        if not segmenter.smaller:
            continue
        same = dice(lesion.mask, usual.mask)
        worst = np.abs(lesion.known_probability() - usual.known_probability()).max()
        row = Row(
            TITLE,
            what,
            used / 1e6,
            "MB",
            note=f"of {room / 1e6:.0f} MB; made room {segmenter.smaller} times; Dice with usual "
            f"{same:.4f}, probability within {worst:.1g}",
            details={"made_room": segmenter.smaller, "dice": same},
        )
        return row, "" if same >= LEAST_DICE else f"{what}: {row.note}"
    return Row(TITLE, what, None, note="it never had to make room"), f"{what}: nothing was short"


def _too_short(
    run: Run, segmenter: _Watched, box: BoxPrompt, name: str, model: int
) -> tuple[Row, str]:
    """Not even one window: the error names the memory."""
    what = f"{name}: room for the model alone"
    segmenter.release_cache()
    with limit(run.device, model):
        try:
            segmenter.peak(box)
        except DeviceMemoryError as error:
            return Row(TITLE, what, None, note=f"DeviceMemoryError: {error}"), ""
        except RuntimeError as error:
            return Row(TITLE, what, None, note=str(error)), f"{what}: {error}"
    return Row(TITLE, what, None, note="no error"), f"{what}: no error"


@contextmanager
def limit(device: torch.device, room: int) -> Iterator[None]:
    """Let this process take so many bytes of the card."""
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction(room / total, device)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)


@contextmanager
def full_card(device: torch.device, room: int) -> Iterator[None]:
    """Take all of the card but so many bytes for PyTorch, what it has already among them."""
    torch.cuda.empty_cache()
    leave = max(0, room - torch.cuda.memory_reserved(device))
    taken = []
    free = torch.cuda.mem_get_info(device)[0]
    while free > leave + BLOCK:
        size = max(BLOCK, (free - leave) // 2 // BLOCK * BLOCK)
        try:
            taken.append(torch.empty(size, dtype=torch.uint8, device=device))
        except torch.cuda.OutOfMemoryError:
            break
        free = torch.cuda.mem_get_info(device)[0]
    try:
        yield
    finally:
        taken.clear()
        torch.cuda.empty_cache()


WAYS: dict[str, Way] = {"this process limited": limit, "a full card": full_card}
