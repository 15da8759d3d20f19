"""Every preset as it is, for two steps: images, data, batches and the larger backbones small.

The bundled backbone itself is trained on in Testing/examples, and loaded in test_bundled_model.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from PIL import Image

from masam_core.data.reading import read_cases
from masam_core.model.backbones import BACKBONES, SAM, BackboneSpec
from masam_core.model.checkpoint import load_model, new_model, save_model
from masam_core.model.masam import MASAM
from masam_core.model.start import start_from_model
from masam_core.training.presets import PRESETS, preset
from masam_core.training.settings import TrainConfig, build_config
from masam_core.training.train import train
from Testing.core import tiny

pytest.importorskip("lightning_fabric", reason="the extra 'train' is not installed")

# SAM's ViT-H has 630 million weights, ViT-S/14 has 22; these have their layouts and their names.
SMALL = {
    "vit_h": BackboneSpec(SAM, 32, 4, 2, 16, (1, 3), window=3),
    "vit_s14": tiny.SPEC,
}
SIDES = {"tumour-box-small": 56, "automatic-small": 56}  # others: 32


# One without a model goes on from one that exists: see Testing/core/training/adapting.
@pytest.fixture(params=[name for name in PRESETS if "model" in preset(name)])
def config(
    request: pytest.FixtureRequest, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> TrainConfig:
    for name, spec in SMALL.items():
        monkeypatch.setitem(BACKBONES, name, spec)
    values = preset(request.param)
    base = tmp_path / "base.safetensors"
    here: dict[str, Any] = {"data": data, "out": tmp_path / "run", "base": base}
    small: dict[str, Any] = {
        "model": {"image_size": SIDES.get(request.param, 32)},
        "accelerator": "cpu",
    }
    small |= {"steps": 2, "epochs": 0, "save_every": 1, "validate_every": 2}
    small["batch"] = min(values["batch"], 2)  # still in parts, where only one fits at once
    count = values["model"].get("num_classes", 1)
    # The data's lesions have the value 1; of several classes the others are not there.
    small["target"] = {"labels": list(range(1, count + 1)) if count > 1 else []}
    config = build_config(values, here, small)
    if config.model.sees_video:
        config = replace(config, data=video_of(data))
    torch.manual_seed(0)
    save_model(MASAM(config.model), base, kind="base")
    return config


def video_of(data: Path) -> Path:
    """The volumes of a data set as videos, slice after slice."""
    for case in read_cases(data):
        for part, path in (("image", case.image), ("label", case.label)):
            (path.parent / part).mkdir()
            array = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[3:9]
            for number, values in enumerate(array):
                picture = Image.fromarray((values / (3 if part == "image" else 1)).astype(np.uint8))
                picture = picture.convert("RGB") if part == "image" else picture
                picture.save(path.parent / part / f"f{number}.png")
    lines = (data / "index.csv").read_text().split()
    rows = [f"{row},{row.split(',')[0]}/image,{row.split(',')[0]}/label" for row in lines[1:]]
    (data / "videos.csv").write_text("\n".join([f"{lines[0]},image,label", *rows]) + "\n")
    return data / "videos.csv"


def quiet(message: str) -> None:
    """Reports go nowhere."""


def test_a_preset_trains_resumes_validates_and_fine_tunes(config: TrainConfig) -> None:
    unbroken: list[float] = []

    def stop(done: int, total: int, loss: float) -> None:
        unbroken.append(loss)
        if done == 2:  # the second step is not saved yet: it is lost, and done again
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, quiet, stop)
    resumed: list[float] = []
    best = train(config, quiet, lambda done, total, loss: resumed.append(loss))
    assert resumed == unbroken[1:]
    assert all(0 < loss < 10 for loss in unbroken)
    with (config.out / "validation.csv").open(newline="") as file:
        assert {row["step"] for row in csv.DictReader(file)} == {"2"}
    assert best.name == "best.safetensors"

    # A run that starts from it (see test_train) takes all of it over.
    tuned = new_model(config.model, config.base)
    start_from_model(tuned, best)
    before, after = load_model(best, config.base).state_dict(), tuned.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
