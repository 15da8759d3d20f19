"""Mixed precision in training: layers compute in half precision, prompts stay exact."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("lightning_fabric", reason="the extra 'train' is not installed")

from lightning_fabric import Fabric

from masam_core.training import precision as module
from masam_core.training.precision import settle_precision

BOX = [300.3, 410.7, 401.1, 499.9]


class Seen(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 4)
        self.got: list[torch.Tensor] = []

    def forward(self, boxes: torch.Tensor) -> torch.Tensor:
        self.got += [boxes, self.layer(boxes)]
        return self.got[-1]


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("precision", ["bf16-mixed", "16-mixed", "32-true"])
def test_a_box_reaches_the_model_as_it_was_drawn(
    precision: str, quick: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "has_fast_bfloat16", lambda: quick)
    fabric = Fabric(accelerator="cpu", precision=precision)  # type: ignore[arg-type]
    told = settle_precision(fabric)
    model = fabric.setup(Seen())
    model(torch.tensor([BOX]))
    seen, computed = model.module.got
    assert torch.equal(seen, torch.tensor([BOX]))
    # On a CPU Fabric takes bfloat16 where float16 was asked for.
    mixed = quick and precision != "32-true"
    assert computed.dtype == (torch.bfloat16 if mixed else torch.float32)
    assert bool(told) == (precision != "32-true" and not quick)
