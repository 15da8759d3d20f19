"""A run that validates tells in its model's file how far the model's confidence can be believed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.catalog.able import abilities_of_file
from masam_core.cli.info import checkpoint_facts
from masam_core.data.cases import Target
from masam_core.image.volume import read_volume
from masam_core.inference.automatic import segment_classes
from masam_core.inference.segmenter import Segmenter
from masam_core.model.checkpoint import save_model
from masam_core.model.config import ModelConfig
from masam_core.training.settings import TrainConfig
from masam_core.training.train import train
from Testing.core import tiny

pytest.importorskip("lightning_fabric", reason="the extra 'train' is not installed")
HELD_OUT = 6


@pytest.fixture
def config(data: Path, tmp_path: Path, tiny_model: ModelConfig) -> TrainConfig:
    """Six held-out patients, none marked with class 2, and a model that finds both classes
    anywhere and stays as it is."""
    rows = ["case,patient,modality,split", "ball0,p0,MR,train", "ball1,p1,MR,train"]
    for number in range(HELD_OUT):
        own = data / f"held{number}"
        shutil.copytree(data / "ball2", own)
        label = sitk.ReadImage(str(own / "label.nii.gz"))
        moved = sitk.GetImageFromArray(np.roll(sitk.GetArrayFromImage(label), 2 * number, axis=1))
        moved.CopyInformation(label)
        sitk.WriteImage(moved, str(own / "label.nii.gz"))
        rows.append(f"held{number},q{number},MR,val")
    (data / "index.csv").write_text("\n".join(rows) + "\n")
    shape = {"field_of_view": "slice", "shape_prior": "none", "num_classes": 2}
    model = tiny.build_shaken(3, **shape)
    save_model(model, tmp_path / "base.safetensors", kind="base")
    save_model(model, tmp_path / "start.safetensors")
    return TrainConfig(
        data=data,
        out=tmp_path / "run",
        base=tmp_path / "base.safetensors",
        start_from=tmp_path / "start.safetensors",
        model=model.config,
        prompts=None,
        target=Target((1, 2)),
        synthetic=0.0,
        steps=2,
        save_every=1,
        batch=1,
        lr=1e-12,
        warmup=0,
        validate_every=2,
        accelerator="cpu",
    )


def test_the_shown_confidence_is_the_models_own_less_what_held_out_patients_took_from_it(
    config: TrainConfig,
) -> None:
    between: list[int] = []

    def look(done: int, _total: int, _loss: float) -> None:
        if done == 2:  # what was written after step 1 was not validated
            able = abilities_of_file(config.out / "last.safetensors")
            assert able is not None
            assert able.evidence is not None
            between.append(max(own.patients for own in able.evidence.classes))

    told: list[str] = []
    best = train(config, told.append, look)
    assert between == [0]
    assert abilities_of_file(config.out / "last.safetensors") == abilities_of_file(best)
    segmenter = Segmenter(best, device="cpu", base=config.base)
    over: dict[int, list[float]] = {1: [], 2: []}
    dice: dict[int, list[float]] = {1: [], 2: []}
    for number in range(HELD_OUT):
        folder = config.data / f"held{number}"
        expert = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "label.nii.gz")))
        segmenter.set_volume(read_volume(folder / "image.nii.gz"), modality="MR")
        for value, found in enumerate(segment_classes(segmenter, "fast", as_said=True), 1):
            if not found.mask.any():
                continue
            mask, truth = found.mask_on_volume(), expert == value
            dice[value].append(2 * (mask & truth).sum() / (mask.sum() + truth.sum()))
            over[value].append(found.confidence - dice[value][-1])
    assert segmenter.abilities.evidence is not None
    checked = [n for n, own in enumerate(segmenter.abilities.evidence.classes, 1) if own.checked]
    assert checked
    names = ", ".join(f"class {n}" for n in checked)
    assert told[-1].startswith(f"The confidence is known of: {names}.")
    facts = checkpoint_facts(best)["evidence"]
    assert facts[f"class {checked[0]}"]["patients"] >= 5
    for value, own in enumerate(segmenter.abilities.evidence.classes, 1):
        assert own.patients == len(over[value])
        if own.patients:
            excess = np.mean(over[value]) + np.std(over[value], ddof=1) / len(over[value]) ** 0.5
            assert own.excess == pytest.approx(max(0.0, excess), abs=1e-3)
            assert own.highest == pytest.approx(max(dice[value]), abs=1e-3)
    # What it finds is next to nothing of the ball: it must not be believed.
    shown = [found for found in segment_classes(segmenter, "fast") if found.mask.any()]
    assert shown
    for found in shown:
        assert found.known_confidence is None or found.known_confidence < 0.4
        assert "check this mask closely" in " ".join(found.messages).lower()
