"""Mixed precision in training: layers compute in half precision, prompts stay exact."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("lightning_fabric", reason="the extra 'train' is not installed")

from lightning_fabric import Fabric

from masam_core.training.precision import keep_inputs_exact

BOX = [300.3, 410.7, 401.1, 499.9]


class Seen(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 4)
        self.got: list[torch.Tensor] = []

    def forward(self, boxes: torch.Tensor) -> torch.Tensor:
        self.got += [boxes, self.layer(boxes)]
        return self.got[-1]


@pytest.mark.parametrize("precision", ["bf16-mixed", "16-mixed", "32-true"])
def test_a_box_reaches_the_model_as_it_was_drawn(precision: str) -> None:
    fabric = Fabric(accelerator="cpu", precision=precision)  # type: ignore[arg-type]
    keep_inputs_exact(fabric)
    model = fabric.setup(Seen())
    model(torch.tensor([BOX]))
    seen, computed = model.module.got
    assert torch.equal(seen, torch.tensor([BOX]))
    # On a CPU Fabric takes bfloat16 where float16 was asked for.
    assert computed.dtype == (torch.float32 if precision == "32-true" else torch.bfloat16)
