"""Running out of memory, tried on a stand-in card that refuses as a real one does."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from masam_core.inference.segmenter import Segmenter

from . import memory
from .subjects import Run

MODEL, TOTAL = 1000, 10_000  # bytes


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run whose processor has the memory of a card: windows and slices need so much of it."""
    card = SimpleNamespace(limit=TOTAL, peak=0)
    real = Segmenter._run_windows

    def windows(segmenter: Segmenter, job: object, starts: list[int], *rest: object) -> None:
        need = MODEL + max(200 * len(starts), 30 * min(segmenter._slices_at_once, 20))
        if need > card.limit:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        card.peak = max(card.peak, need)
        real(segmenter, job, starts, *rest)  # type: ignore[arg-type]

    def limit(share: float, device: object) -> None:
        card.limit = round(share * TOTAL)

    def reset(device: object) -> None:
        card.peak = MODEL

    monkeypatch.setattr(Segmenter, "_run_windows", windows)
    monkeypatch.setitem(memory.module.WINDOWS_PER_BATCH, "cpu", 4)
    for name, function in {
        "empty_cache": lambda: None,
        "reset_peak_memory_stats": reset,
        "max_memory_reserved": lambda device: card.peak,
        "memory_reserved": lambda device: MODEL,
        "get_device_properties": lambda device: SimpleNamespace(total_memory=TOTAL),
        "set_per_process_memory_fraction": limit,
    }.items():
        monkeypatch.setattr(torch.cuda, name, function)
    monkeypatch.setattr(memory, "WAYS", {"limited": memory.limit})
    monkeypatch.setattr(Run, "on_cuda", True)
    return Run(torch.device("cpu"), small=True)


def test_room_is_made_refused_and_found_again(run: Run) -> None:
    rows = {row.what.split(": ")[1]: row for row in memory.memory_rows(run)}
    assert rows["limited"].details["made_room"] > 0
    assert rows["limited"].details["dice"] == 1.0
    assert "DeviceMemoryError: The memory of" in rows["room for the model alone"].note
    assert rows["with room again"].value == 1.0


def test_a_segmenter_that_does_not_make_room_is_found_out(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(segmenter: Segmenter, batch_size: int, error: Exception) -> int:
        raise error

    monkeypatch.setattr(Segmenter, "_smaller", none)
    with pytest.raises(RuntimeError, match=r"limited: .*CUDA out of memory"):
        list(memory.memory_rows(run))
