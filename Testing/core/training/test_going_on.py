"""A folder that is named twice by mistake: weights of one run do not go on with another's cases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from masam_core.data.cases import Target
from masam_core.errors import ConfigError
from masam_core.model.checkpoint import save_model
from masam_core.model.config import ModelConfig
from masam_core.model.masam import MASAM
from masam_core.training.settings import TrainConfig
from masam_core.training.train import train

pytest.importorskip("lightning_fabric", reason="the extra 'train' is not installed")


def test_a_run_goes_on_with_its_own_cases_labels_and_first_model_alone(
    data: Path, tmp_path: Path, tiny_model: ModelConfig
) -> None:
    torch.manual_seed(0)
    base = tmp_path / "base.safetensors"
    save_model(MASAM(tiny_model), base, kind="base")
    run = TrainConfig(
        data, tmp_path / "run", base, model=tiny_model, steps=1, batch=1, warmup=0,
        validate_every=0, save_every=1, accelerator="cpu",
    )  # fmt: skip
    first = train(run, lambda message: None)
    kept = (run.out / "last.ckpt").read_bytes()
    other = data / "other.csv"
    rows = (data / "index.csv").read_text().splitlines()
    other.write_text("\n".join(row for row in rows if not row.startswith("ball1")) + "\n")
    longer = replace(run, steps=2)
    for changed, what in (
        (replace(longer, data=other), "another set of training cases: 2 .*, 1 "),
        (replace(longer, target=Target((1,))), "another choice of labels: all there"),
        (replace(longer, start_from=first), "another model to start from: none there"),
    ):
        with pytest.raises(ConfigError, match=f"(?s){what}.*Choose another folder"):
            train(changed, lambda message: None)
    assert (run.out / "last.ckpt").read_bytes() == kept
    told: list[str] = []
    train(longer, told.append)
    assert any("Going on from step 1" in line for line in told)
