"""The feed: the same samples whoever draws them, and a run that ends by the clock."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from masam_core.model.config import ModelConfig
from masam_core.training.feed import Parts, feed
from masam_core.training.prepared import PreparedCase
from masam_core.training.settings import TrainConfig
from masam_core.training.sources import Sources
from masam_core.training.train import learning_rate


@pytest.fixture
def config(tiny_model: ModelConfig, tmp_path: Path) -> TrainConfig:
    none = tmp_path / "none"
    return TrainConfig(
        data=none, out=none, base=none, model=tiny_model, steps=3, batch=4, at_once=2, warmup=0
    )


def test_processes_beside_the_training_draw_what_it_would_draw(
    prepared: list[PreparedCase], config: TrainConfig
) -> None:
    parts = Parts(Sources(prepared), config, None, [0, 1], 1)
    alone, helped = list(feed(parts, 0)), list(feed(parts, 2))
    assert len(alone) == len(helped) == 4  # two steps of two parts
    for one, other in zip(alone, helped, strict=True):
        assert torch.equal(one.windows, other.windows)
        assert one.prompt.boxes is not None
        assert other.prompt.boxes is not None
        assert torch.equal(one.prompt.boxes, other.prompt.boxes)


def test_a_run_that_goes_on_draws_what_the_whole_run_drew(
    prepared: list[PreparedCase], config: TrainConfig
) -> None:
    whole = Parts(Sources(prepared), config, None, [0], 0)
    rest = Parts(Sources(prepared), config, None, [0], 2)
    assert torch.equal(whole[2].windows, rest[0].windows)
    with pytest.raises(IndexError):
        rest[1]


def test_the_rate_falls_with_the_clock_where_it_is_nearer_the_end(config: TrainConfig) -> None:
    assert learning_rate(config, 0, 0.0) == pytest.approx(config.lr)
    assert learning_rate(config, 0, 0.5) == pytest.approx(config.lr * 0.5**config.power)
    assert learning_rate(config, 2, 0.1) == pytest.approx(config.lr * (1 / 3) ** config.power)
    assert learning_rate(config, 0, 1.5) == 0
