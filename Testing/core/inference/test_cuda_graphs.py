"""A recorded decoder gives what the usual one gives."""

from __future__ import annotations

import logging

import pytest
import torch

from masam_core.catalog.bundled import bundled_model_path
from masam_core.inference.cuda_graphs import SIZES, GraphedDecoder, Recording
from masam_core.model.checkpoint import load_model
from masam_core.model.masam import MASAM, Embedding
from masam_core.model.prompt import NetworkPrompt

from .conftest import BuildModel

BOTH = ("boxes", "masks")


def kinds(graphs: GraphedDecoder) -> list[tuple[int, tuple[str, ...]]]:
    """Number of slices and kinds of prompts of what was recorded."""
    return sorted((size, tuple(kind for kind, _ in shapes)) for size, shapes in graphs._recordings)


Inputs = tuple[Embedding, NetworkPrompt]


def inputs(count: int, device: str = "cpu", grid: int = 4) -> Inputs:
    torch.manual_seed(count)
    image = torch.randn(count, 256, grid, grid, device=device)
    corner = torch.tensor([4.0, 5, 40, 41], device=device)
    boxes = corner + torch.arange(count, device=device).unsqueeze(1)
    masks = torch.randn(count, 1, 4 * grid, 4 * grid, device=device)
    return Embedding(image, []), NetworkPrompt(boxes, masks)


class Played:
    """In place of a CUDA graph: computes on what lies in the inputs when it is played."""

    def __init__(self, decoder: GraphedDecoder, recording: Recording, works: bool = True) -> None:
        self.decoder, self.recording, self.works = decoder, recording, works
        self.times = 0

    def replay(self) -> None:
        self.times += 1
        if self.works:
            own = self.recording
            logits, quality = self.decoder.decode(own.window, own.prompt)
            own.logits.copy_(logits)
            own.quality.copy_(quality)


@pytest.fixture
def graphs(build_model: BuildModel, monkeypatch: pytest.MonkeyPatch) -> GraphedDecoder:
    """With the recording itself played on the CPU; all else is the real thing."""
    decoder = GraphedDecoder(build_model().prepare(torch.float32), torch.float32)
    record_with(decoder, monkeypatch, works=True)
    return decoder


def record_with(decoder: GraphedDecoder, monkeypatch: pytest.MonkeyPatch, works: bool) -> None:
    from masam_core.inference.cuda_graphs import _filled

    def record(size: int, window: Embedding, prompt: NetworkPrompt) -> Recording:
        own = Embedding(_filled(window.image, size), [_filled(s, size) for s in window.skips])
        own_prompt = prompt.map(lambda tensor: _filled(tensor, size))
        logits, quality = decoder.decode(own, own_prompt)
        recording = Recording(None, own, own_prompt, logits.clone(), quality.clone())
        recording.graph = Played(decoder, recording, works)
        return recording

    monkeypatch.setattr(decoder, "_record", record)


@torch.inference_mode()
def test_changing_boxes_and_numbers_give_the_usual_logits(graphs: GraphedDecoder) -> None:
    for count in (3, 8, 5, 20, 20, 3, SIZES[-1] + 1):
        window, prompt = inputs(count)
        expected, quality = graphs.model.decode(window, prompt)
        logits, same = graphs(window, prompt)
        assert torch.allclose(logits, expected, atol=1e-4)
        assert torch.allclose(same, quality, atol=1e-4)
    assert kinds(graphs) == [(8, BOTH), (32, BOTH)]
    assert min(graphs._recordings.items())[1].graph.times == 4  # the check, 8, 5 and 3 slices


@torch.inference_mode()
def test_other_kinds_of_prompts_are_other_recordings(graphs: GraphedDecoder) -> None:
    window, both = inputs(3)
    boxes = NetworkPrompt(both.boxes)
    for prompt in (both, both, boxes, boxes, boxes, both):
        expected, _ = graphs.model.decode(window, prompt)
        assert torch.allclose(graphs(window, prompt)[0], expected, atol=1e-4)
    assert kinds(graphs) == [(8, ("boxes",)), (8, BOTH)]
    assert not torch.allclose(graphs(window, both)[0], graphs(window, boxes)[0], atol=1e-2)


@torch.inference_mode()
def test_a_result_is_not_written_over_by_the_next(graphs: GraphedDecoder) -> None:
    first = inputs(3)
    graphs(*first)
    kept, _ = graphs(*first)
    before = kept.clone()
    graphs(*inputs(5))
    assert torch.equal(kept, before)


@torch.inference_mode()
def test_a_single_box_is_not_recorded(graphs: GraphedDecoder) -> None:
    graphs(*inputs(3))
    assert graphs._recordings == {}


@torch.inference_mode()
def test_a_recording_that_does_nothing_is_found_out(
    build_model: BuildModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder = GraphedDecoder(build_model().prepare(torch.float32), torch.float32)
    record_with(decoder, monkeypatch, works=False)
    for _ in range(2):
        window, prompt = inputs(3)
        expected, _ = decoder.model.decode(window, prompt)
        assert torch.equal(decoder(window, prompt)[0], expected)
    assert not decoder.usable


@torch.inference_mode()
def test_where_nothing_can_be_recorded_it_decodes_as_usual(
    build_model: BuildModel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    graphs = GraphedDecoder(build_model().prepare(torch.float32), torch.float32)
    tries: list[int] = []

    def record(size: int, *_: object) -> object:
        tries.append(size)
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(graphs, "_record", record)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            window, prompt = inputs(3)
            logits, _ = graphs(window, prompt)
            assert torch.equal(logits, graphs.model.decode(window, prompt)[0])
    assert tries == [8]
    assert "stream is capturing" in caplog.text


@torch.inference_mode()
def test_lack_of_memory_is_no_reason_to_give_up(
    graphs: GraphedDecoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = graphs._record

    def fail(*_: object) -> Recording:
        raise torch.cuda.OutOfMemoryError("full")

    monkeypatch.setattr(graphs, "_record", fail)
    for _ in range(2):
        graphs(*inputs(3))
    assert graphs.usable
    monkeypatch.setattr(graphs, "_record", record)
    for _ in range(2):
        graphs(*inputs(3))
    assert kinds(graphs) == [(8, BOTH)]


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("number", range(max(1, torch.cuda.device_count())))
@torch.inference_mode()
def test_real_recordings_of_the_bundled_model(dtype: torch.dtype, number: int) -> None:
    device = f"cuda:{number}"
    model: MASAM = load_model(bundled_model_path()).prepare(dtype).to(device)
    graphs = GraphedDecoder(model, dtype)
    grid = model.config.grid
    for count in (3, 8, 5, 20, 20, 3, 40):
        window, prompt = inputs(count, device, grid)
        side = 16 * grid
        width = model.config.detail_width
        window.skips = [
            torch.randn(count, width * 2**n, side >> n, side >> n, device=device, dtype=dtype)
            for n in range(3)
        ]
        expected, _ = graphs.decode(window, prompt)
        logits, _ = graphs(window, prompt)
        tolerance = 16 * torch.finfo(dtype).eps * float(expected.abs().max())
        assert float((logits - expected).abs().max()) <= max(1e-2, tolerance)
    assert graphs.usable
    assert kinds(graphs) == [(8, BOTH), (32, BOTH)]
