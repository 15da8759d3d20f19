"""A tiny data set of bright balls, two patients to train on and one to validate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.data.case_lists import read_index
from masam_core.model import config as config_module
from masam_core.model.config import BackboneSpec, ModelConfig
from masam_core.training.prepared import PreparedCase, prepare_case


@pytest.fixture
def tiny_model(monkeypatch: pytest.MonkeyPatch) -> ModelConfig:
    spec = BackboneSpec("dinov2", 24, 4, 2, 14, position_grid=4)
    monkeypatch.setitem(config_module.BACKBONES, "vit_tiny", spec)
    return ModelConfig(
        backbone="vit_tiny",  # type: ignore[arg-type]
        image_size=56,
        fact_rank=4,
        adapter_width=8,
        field_of_view="prompt",
        shape_prior="ellipsoid",
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    rows = ["case,patient,modality,split"]
    for number, split in enumerate(("train", "train", "val")):
        name = f"ball{number}"
        (folder / name).mkdir(parents=True)
        k, j, i = np.indices((12, 40, 44))
        ball = ((i - 20 - number) / 10) ** 2 + ((j - 18) / 8) ** 2 + ((k - 6) / 4) ** 2 <= 1
        values = 200 + 300 * ball + np.random.default_rng(number).normal(0, 20, ball.shape)
        for file, array in (("image", values.astype(np.int16)), ("label", ball.astype(np.uint8))):
            image = sitk.GetImageFromArray(array)
            image.SetSpacing((1.0, 1.0, 2.0))
            sitk.WriteImage(image, str(folder / name / f"{file}.nii.gz"))
        rows.append(f"{name},p{number},MR,{split}")
    (folder / "index.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture
def prepared(data: Path, tiny_model: ModelConfig) -> list[PreparedCase]:
    return [lesion for c in read_index(data) for lesion in prepare_case(c, tiny_model)]
