"""Each task of the paper on its miniature: prepare, train some steps by preset, evaluate, table."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from masam_core.cli.main import app
from masam_core.model.checkpoint import save_model
from masam_core.model.masam import MASAM
from masam_core.training.presets import preset
from masam_core.training.settings import build_config
from Testing.core import tiny
from Testing.core.data.prepare import miniatures

pytest.importorskip("lightning_fabric", reason="the extra 'train' is not installed")

# What of the paper's settings a processor can't do in seconds.
SMALL = {
    **tiny.SETTINGS,
    "precision": "32-true",
    "accelerator": "cpu",
    "checkpointing": False,
    "batch": 1,
    "steps": 2,
}


@pytest.fixture(scope="module", autouse=True)
def _tiny() -> Iterator[None]:
    with tiny.known():
        yield


def masam(*words: object) -> Any:
    done = CliRunner().invoke(app, [str(w) for w in words], prog_name="masam")
    assert done.exit_code == 0, done.stderr
    return done


def train(data: Path, name: str, folder: Path) -> list[object]:
    """Train by preset; how the model is named to `masam evaluate`."""
    settings: dict[str, Any] = {}
    for entry, value in SMALL.items():
        group, _, last = entry.rpartition(".")
        (settings.setdefault(group, {}) if group else settings)[last] = value
    here = {"data": str(data), "out": str(folder), "base": "b"}
    torch.manual_seed(0)
    base = folder.with_suffix(".base.safetensors")
    save_model(MASAM(build_config(preset(name), settings, here).model), base, kind="base")
    words = [w for entry, value in SMALL.items() for w in ("--set", f"{entry}={value}")]
    masam("train", data, "-o", folder, "--preset", name, "--base", base, *words)
    return ["--model", folder / "last.safetensors", "--base", base, "--device", "cpu"]


def read(path: Path) -> dict[tuple[str, str], list[str]]:
    with path.open(newline="") as file:
        return {(row[0], row[1]): row[2:] for row in csv.reader(file)}


def test_prostate_of_one_site(tmp_path: Path) -> None:
    source = miniatures.prostate(tmp_path / "sites", only=("UCL",))
    masam("prepare", "prostate", source, "-o", tmp_path / "data", "--partial")
    data = tmp_path / "data" / "site-D.csv"
    model = train(data, "prostate", tmp_path / "run")
    given = ["--split", "test", "--automatic", "--quality", "fast"]
    masam("evaluate", data, *model, *given, "--table", tmp_path / "t.csv")
    found = read(tmp_path / "t.csv")
    assert found["table", "method"][:2] == ["prostate", "mean"]
    assert 0 <= float(found["Dice (%)", "run"][0]) <= 100
    # The same model is among its own peers: masks of another program, without the model.
    folder = tmp_path / "nnunet"
    folder.mkdir()
    for case in ("siteD_01", "siteD_32", "siteD_34"):
        shutil.copy(tmp_path / "data" / case / "label.nii.gz", folder / f"{case}.nii.gz")
    given += ["--predictions", f"nnU-Net={folder}", "--table", tmp_path / "both.csv"]
    masam("evaluate", data, *model, *given)
    both = read(tmp_path / "both.csv")
    assert both["Dice (%)", "nnU-Net"] == ["100.0", "100.0"]
    assert both["Dice (%)", "run"] == found["Dice (%)", "run"]
    assert ("Same cases, paired", "run - nnU-Net") in both


def test_pancreas_tumour_without_a_box_and_with_it(tmp_path: Path) -> None:
    source = miniatures.msd_pancreas(tmp_path / "owner")
    # Patients are split by a hash of their names: these eight give both splits.
    names = [f"pancreas_{n:03d}" for n in (1, 2, 3, 4, 5, 6, 7, 8)]
    miniatures.keep(source, names)
    masam("prepare", "msd-pancreas", source, "-o", tmp_path / "data", "--partial")
    given = ["--split", "test", "--quality", "fast"]
    model = train(tmp_path / "data", "pancreas-tumour", tmp_path / "auto")
    table = tmp_path / "auto.csv"
    masam("evaluate", tmp_path / "data", *model, *given, "--automatic", "--table", table)
    assert read(table)["table", "method"][:2] == ["pancreas", "pancreas tumour"]
    model = train(tmp_path / "data", "pancreas-tumour-box", tmp_path / "box")
    table = tmp_path / "box.csv"
    masam("evaluate", tmp_path / "data", *model, *given, "--label", 2, "--table", table)
    assert len(read(table)["Dice (%)", "box"]) == 2


def test_robotic_surgery(tmp_path: Path) -> None:
    source = miniatures.endovis18(tmp_path / "owner", frames=2)
    masam("prepare", "endovis18", source, "-o", tmp_path / "data")
    model = train(tmp_path / "data", "endovis18", tmp_path / "run")
    given = ["--split", "test", "--automatic", "--quality", "fast"]
    masam("evaluate", tmp_path / "data", *model, *given, "--table", tmp_path / "t.csv")
    found = read(tmp_path / "t.csv")
    assert len(found["IoU (%)", "run"]) == 4
    frames, miou = found["mIoU of the challenge (%)", "run"]
    assert frames == "8"
    assert 0 <= float(miou) <= 100


def test_abdominal_organs_on_a_laptop_take_their_names_from_the_data(tmp_path: Path) -> None:
    source = miniatures.btcv(tmp_path / "owner", (1, 2, 35))
    masam("prepare", "btcv", source, "-o", tmp_path / "data", "--partial")
    shown = masam("train", tmp_path / "data", "-o", tmp_path / "run", "--preset", "automatic-small",
                  "--show")  # fmt: skip
    assert "num_classes: 13" in shown.stdout
    assert "left adrenal gland" in shown.stdout
    assert "prompts: null" in shown.stdout
