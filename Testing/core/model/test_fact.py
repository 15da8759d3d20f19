"""FacT against its formula."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from masam_core.model.config import ModelConfig
from masam_core.model.fact import FacT
from masam_core.model.masam import MASAM
from masam_core.model.prompt import NetworkPrompt

from .conftest import shake


def test_increment_is_the_literal_formula_for_q_and_v_and_zero_for_k() -> None:
    torch.manual_seed(0)
    fact = FacT(width=6, rank=3, depth=2, scale=0.7, dropout=0.1).eval()
    shake(fact, 0.5)
    x = torch.randn(2, 5, 6)
    got = fact.increment(x, 1).detach().numpy()
    u, v = fact.u.weight.detach().numpy(), fact.v.weight.detach().numpy()
    q, w = fact.q[1].weight.detach().numpy(), fact.w[1].weight.detach().numpy()
    for b in range(2):
        for n in range(5):
            token = x[b, n].numpy()
            assert np.allclose(got[b, n, :6], 0.7 * (v @ (q @ (u @ token))), atol=1e-5)
            assert np.allclose(got[b, n, 6:12], 0)
            assert np.allclose(got[b, n, 12:], 0.7 * (v @ (w @ (u @ token))), atol=1e-5)


def test_weight_increment_equals_the_computed_increment() -> None:
    torch.manual_seed(0)
    fact = FacT(width=8, rank=4, depth=3, scale=2.0, dropout=0.1).eval()
    shake(fact, 0.5)
    x = torch.randn(7, 8)
    for block in range(3):
        folded = x @ fact.weight_increment(block).t()
        assert torch.allclose(folded, fact.increment(x, block), atol=1e-5)


def test_a_fresh_fact_changes_nothing_and_has_no_bias() -> None:
    fact = FacT(width=8, rank=4, depth=3, scale=1.0, dropout=0.1)
    assert not fact.increment(torch.randn(3, 8), 0).any()
    assert all("bias" not in name for name, _ in fact.named_parameters())


def test_dropout_acts_in_training_only() -> None:
    torch.manual_seed(0)
    fact = FacT(width=8, rank=16, depth=1, scale=1.0, dropout=0.5)
    shake(fact, 0.5)
    x = torch.randn(4, 8)
    fact.train()
    assert not torch.equal(fact.increment(x, 0), fact.increment(x, 0))
    fact.eval()
    assert torch.equal(fact.increment(x, 0), fact.increment(x, 0))


def test_a_folded_model_gives_the_same_logits(tiny_config: Callable[..., ModelConfig]) -> None:
    torch.manual_seed(0)
    model = MASAM(tiny_config()).eval()
    shake(model)
    windows = torch.rand(1, 5, 128, 128)
    prompt = NetworkPrompt(torch.tensor([30.0, 40.0, 90.0, 100.0]).expand(1, 5, 4))
    with torch.no_grad():
        before, _ = model(windows, prompt)
        after, _ = model.fold()(windows, prompt)
    assert torch.allclose(before, after, atol=1e-4)
    with torch.no_grad():
        twice, _ = model.fold()(windows, prompt)
    assert torch.equal(after, twice)
