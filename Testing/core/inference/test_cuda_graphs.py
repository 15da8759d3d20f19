"""A recorded decoder gives what the usual one gives."""

from __future__ import annotations

import logging

import pytest
import torch

from masam_core.inference.cuda_graphs import SIZES, GraphedDecoder
from masam_core.model.masam import Embedding

from .conftest import BuildModel

NO_GPU = not torch.cuda.is_available()


def inputs(count: int, device: str) -> tuple[Embedding, torch.Tensor, torch.Tensor]:
    torch.manual_seed(count)
    image = torch.randn(count, 256, 4, 4, device=device)
    boxes = torch.tensor([4.0, 5, 40, 41], device=device).expand(count, 4) + torch.arange(
        count, device=device
    ).unsqueeze(1)
    return Embedding(image, []), boxes, torch.randn(count, 1, 16, 16, device=device)


@pytest.mark.skipif(NO_GPU, reason="needs an NVIDIA GPU")
@torch.inference_mode()
def test_recordings_of_all_sizes_equal_the_usual_way(build_model: BuildModel) -> None:
    model = build_model().prepare(torch.float32).cuda()
    graphs = GraphedDecoder(model, torch.float32)
    for count in (3, 8, 5, 20, 3, 70):
        window, boxes, prior = inputs(count, "cuda")
        expected, quality = model.decode(window, boxes, prior)
        logits, same = graphs(window, boxes, prior)
        assert torch.allclose(logits, expected, atol=1e-2)
        assert torch.allclose(same, quality, atol=1e-2)
    assert graphs.usable
    assert sorted(graphs._recordings) == [8, 32]


@torch.inference_mode()
def test_where_nothing_can_be_recorded_it_decodes_as_usual(
    build_model: BuildModel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model = build_model().prepare(torch.float32)
    graphs = GraphedDecoder(model, torch.float32)
    tries: list[int] = []

    def record(size: int, *_: object) -> object:
        tries.append(size)
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(graphs, "_record", record)
    with caplog.at_level(logging.WARNING):
        for count in (3, 3, SIZES[-1] + 1):
            window, boxes, prior = inputs(count, "cpu")
            logits, _ = graphs(window, boxes, prior)
            assert torch.equal(logits, model.decode(window, boxes, prior)[0])
    assert tries == [8]
    assert "stream is capturing" in caplog.text


@torch.inference_mode()
def test_a_recording_that_differs_is_not_used(
    build_model: BuildModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build_model().prepare(torch.float32)
    graphs = GraphedDecoder(model, torch.float32)
    window, boxes, prior = inputs(3, "cpu")
    expected, quality = model.decode(window, boxes, prior)
    monkeypatch.setattr(graphs, "_record", lambda *_: object())
    monkeypatch.setattr(graphs, "_play", lambda *_: (expected + 1, quality))
    assert torch.equal(graphs(window, boxes, prior)[0], expected)
    assert not graphs.usable
