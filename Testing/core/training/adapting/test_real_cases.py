"""For real: the bundled model goes on learning from lung nodules that it was never trained on."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from masam_core.data.reading import read_cases
from masam_core.model.checkpoint import load_model
from masam_core.model.masam import is_backbone
from masam_core.training.adapting.run import adapt
from masam_core.training.presets import preset
from masam_core.training.settings import build_config
from masam_core.training.starting import start_layer
from Testing.conftest import ROOT

pytest.importorskip("lightning_fabric", reason="the extra 'train' is not installed")

LESIONS = ROOT.parent / "shared" / "data" / "lesions"
# Cases of the split 'val', so the bundled model has not seen them; few slices each.
TEACH = ("lidc0236_ct", "lidc0285_ct", "lidc0356_ct", "lidc0394_ct", "lidc0550_ct")
HELD_OUT = ("lidc0334_ct", "lidc0854_ct")


@pytest.fixture
def nodules(tmp_path: Path) -> Path:
    """A list of these cases, two patients held out."""
    if not (LESIONS / "index.csv").is_file():
        pytest.skip(f"The lung nodules are not there: {LESIONS}")
    path = tmp_path / "nodules.csv"
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("case", "patient", "split", "modality", "image", "label"))
        for name in (*TEACH, *HELD_OUT):
            files = [LESIONS / name / f"{kind}.nii.gz" for kind in ("image", "label")]
            table.writerow((name, name, "val" if name in HELD_OUT else "train", "CT", *files))
    own = {case.name: case.split for case in read_cases(LESIONS)}
    assert {own[name] for name in (*TEACH, *HELD_OUT)} == {"val"}
    return path


def test_minutes_of_training_make_held_out_nodules_no_worse(nodules: Path, tmp_path: Path) -> None:
    quick = {
        "data": nodules,
        "out": tmp_path / "run",
        "steps": 4,
        "validate_every": 4,
        "batch": 1,
        "warmup": 2,
        "accelerator": "cpu",
    }
    config = build_config(start_layer("bundled"), preset("adapt"), quick)
    said: list[str] = []
    outcome = adapt(config, said.append)
    assert [name for name, *_ in outcome.lesions] == list(HELD_OUT)
    assert (outcome.trained, outcome.stopped, outcome.steps) == (4, 1, 4)
    assert outcome.old_dice > 0.8  # the bundled model knows nodules
    assert outcome.new_dice > outcome.old_dice - 0.005
    assert "held-out lesions" in outcome.verdict or not outcome.changed
    # And it did learn: the weights after the last step are others, the backbone's are not.
    old = load_model(config.start_from, base=config.base).state_dict()  # type: ignore[arg-type]
    last = load_model(tmp_path / "run" / "last.safetensors", base=config.base).state_dict()
    moved = {name for name in old if not np.array_equal(old[name].numpy(), last[name].numpy())}
    assert any(name.startswith("mask_decoder.") for name in moved)
    assert not any(is_backbone(name) for name in moved)
