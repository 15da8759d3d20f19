"""Full fine-tuning: the backbone is trained, too, and saved with the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from masam_core.model.checkpoint import inspect_checkpoint, load_model, new_model, save_model
from masam_core.model.config import ModelConfig
from masam_core.model.masam import MASAM, is_backbone
from masam_core.training.settings import TrainConfig
from masam_core.training.train import train

pytest.importorskip("lightning_fabric", reason="the extra 'train' is not installed")


def quiet(message: str) -> None:
    """Reports go nowhere."""


@pytest.mark.parametrize("full", [True, False])
def test_the_backbone_changes_in_full_fine_tuning_alone(
    full: bool, data: Path, tmp_path: Path, tiny_model: ModelConfig
) -> None:
    torch.manual_seed(0)
    base = tmp_path / "base.safetensors"
    save_model(MASAM(tiny_model), base, kind="base")
    config = TrainConfig(
        data, tmp_path / "run", base, model=tiny_model, full=full, steps=2, batch=1, warmup=0,
        validate_every=2, save_every=2, accelerator="cpu",
    )  # fmt: skip
    best = train(config, quiet)
    found = load_model(best, None if full else base).state_dict()
    before = new_model(tiny_model, base).state_dict()
    changed = {n for n in found if is_backbone(n) and not torch.equal(found[n], before[n])}
    assert bool(changed) == full
    assert ("whole" in inspect_checkpoint(best).summary) == full
    # The same folder goes on: the state holds the backbone, too.
    longer = TrainConfig(
        data, tmp_path / "run", base, model=tiny_model, full=full, steps=3, batch=1, warmup=0,
        validate_every=0, save_every=1, accelerator="cpu",
    )  # fmt: skip
    told: list[str] = []
    train(longer, told.append)
    assert any("Going on from step 2" in line for line in told)
