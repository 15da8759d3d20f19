"""Few-shot fine-tuning, from the miniature of BTCV to that of AMOS."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from masam_core.cli.main import app
from masam_core.data.cases import Case
from masam_core.data.prepare.run import Options, prepare
from masam_core.errors import ConfigError
from masam_core.experiments.shots import Shots, choose_shots, mean_scores
from masam_core.model.checkpoint import new_model, save_model
from masam_core.scoring.evaluate import Score
from Testing.core.data.prepare import miniatures

from .conftest import tiny_config


def case(name: str, split: str) -> Case:
    return Case(name, name, "CT", split, Path(name), Path(name))


def test_shots_train_and_are_tested_by_nobody() -> None:
    pool = [case(f"a{n}", "train") for n in range(9)] + [case(f"b{n}", "test") for n in range(4)]
    tested = [c for c in pool if c.split == "test"]
    chosen, rest = choose_shots(pool, tested, Shots(5, 3))
    assert [len(cases) for cases in chosen] == [5, 5, 5]
    assert len({tuple(c.name for c in cases) for cases in chosen}) > 1
    assert all(c.split == "train" for cases in chosen for c in cases)
    assert rest == tested
    assert choose_shots(pool, tested, Shots(5, 3))[0] == chosen  # the same on every machine

    alone = [case(f"b{n}", "test") for n in range(9)]  # nobody trains: drawn from those tested
    chosen, rest = choose_shots(alone, alone, Shots(2, 3))
    taken = {c.name for cases in chosen for c in cases}
    assert {c.name for c in rest} == {c.name for c in alone} - taken
    with pytest.raises(ConfigError, match="the data has 9"):
        choose_shots(alone, alone, Shots(10))
    with pytest.raises(ConfigError, match="All patients to be tested are among the shots"):
        choose_shots(alone, alone, Shots(9, 1))


def test_the_mean_of_runs_is_taken_case_by_case() -> None:
    runs = [
        [Score("a", "CT", d, np.nan, np.nan, "a", 1, d / 2, h), Score("b", "CT", 1, np.nan, np.nan)]
        for d, h in ((0.2, 4.0), (0.6, None), (0.7, 8.0))
    ]
    mean = mean_scores(runs)
    assert mean[0].dice == pytest.approx(0.5)
    assert mean[0].iou == pytest.approx(0.25)
    assert mean[0].hd95_mm == pytest.approx(6.0)
    assert [s.case for s in mean] == ["a", "b"]


def test_a_model_of_btcv_is_tested_on_amos_and_tuned_on_a_few_of_it(
    bases: Path, tmp_path: Path
) -> None:
    source = miniatures.amos22(tmp_path / "owner")
    miniatures.keep(source, ["amos_0001", "amos_0002", "amos_0201", "amos_0547"])
    prepare("amos22", source, tmp_path / "data", Options(partial=True))
    base = bases / "tiny.safetensors"
    torch.manual_seed(3)
    save_model(new_model(tiny_config(), base), tmp_path / "model.safetensors", kind="delta")
    words = [
        "evaluate", tmp_path / "data", "--split", "test", "--automatic", "--device", "cpu",
        "--model", tmp_path / "model.safetensors", "--base", base, "--map", "amos-to-btcv",
        "--quality", "fast",
    ]  # fmt: skip
    words += ["--shots", 1, "--seeds", 2, "--shot-steps", 1, "--out", tmp_path / "shots"]
    words += ["--table", tmp_path / "t.csv", "--json"]
    done = CliRunner().invoke(app, [str(w) for w in words], prog_name="masam")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    rows = list(found["scores"])
    assert rows == [
        "model, zero-shot",
        "model, 1-shot, seed 0",
        "model, 1-shot, seed 1",
        "model, 1-shot, mean of 2",
    ]
    # AMOS does not mark the portal and splenic vein: eleven classes on each of the two cases.
    assert all({s["lesion"] for s in found["scores"][r]} == {*range(1, 13)} - {10} for r in rows)
    assert all(len(found["scores"][r]) == 22 for r in rows)
    first, second = (found["scores"][r] for r in rows[1:3])
    for a, b, mean in zip(first, second, found["scores"][rows[3]], strict=True):
        assert mean["dice"] == pytest.approx((a["dice"] + b["dice"]) / 2)
    with (tmp_path / "shots" / "1_shots_seed0" / "shots.csv").open(newline="") as file:
        assert [row["case"] for row in csv.DictReader(file)] in (["amos0001"], ["amos0002"])
    refused = CliRunner().invoke(app, [*map(str, words[:2]), "--shots", "1", "--automatic"])
    assert "--out FOLDER" in refused.stderr
