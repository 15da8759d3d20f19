"""`masam collect`, then `masam train --preset adapt`, from the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from Testing.core.collect.making import ball, image, lesion, write_scene

from .conftest import Masam

pytest.importorskip("lightning_fabric", reason="the extra 'train' is not installed")


@pytest.fixture
def scenes(tmp_path: Path, masam_home: Path) -> Path:
    """Three patients' scenes; in each one lesion is locked."""
    folder = tmp_path / "scenes"
    folder.mkdir()
    for number in range(3):
        mask = ball(4, 9, 9, 6.0)
        voxels = image(number) + (700 * mask).astype("int16")
        segments = [lesion("a", mask, MASAM_Locked="1"), lesion("b", ball(6, 18, 14, 3.0))]
        write_scene(folder / f"{number}.mrb", segments, voxels, f"patient {number}")
    return folder


def test_scenes_become_data_and_data_a_model_that_is_kept_when_asked(
    masam: Masam, scenes: Path, tiny_model: Path, tmp_path: Path, masam_home: Path
) -> None:
    data = tmp_path / "data"
    done = masam("collect", scenes, "-o", data)
    assert done.exit_code == 0, done.stderr
    assert "3 added, 0 renewed, 0 known before, 3 left out." in done.stdout
    assert "lesion 'b': it was neither locked, nor touched up" in done.stderr
    done = masam("collect", scenes, "-o", data, "--all", "--json")
    told = json.loads(done.stdout)
    assert (told["added"], told["known"], told["patients"], told["held_out"]) == (3, 3, 3, 1)

    run = ["train", data, "--preset", "adapt", "--start-from", tiny_model]
    run += ["--set", "steps=2", "--set", "warmup=1", "--set", "accelerator=cpu"]
    done = masam(*run)
    assert done.exit_code == 0, done.stderr
    assert "Held-out lesion" in done.stdout
    assert "Mean of 2" in done.stdout
    new = data / "adapted" / "adapted.safetensors"
    assert new.is_file()
    assert "masam models add" in done.stderr
    assert not (masam_home / "models").exists()

    done = masam(*run, "--keep", "mine", "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["verdict"]
    with (data / "adapted" / "log.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 2  # it was not done a second time
    assert (masam_home / "models" / "mine.safetensors").read_bytes() == new.read_bytes()
    listed = json.loads(masam("models", "list", "--json").stdout)
    assert "mine" in {model["name"] for model in listed["models"]}
    done = masam(*run, "--keep", "mine")
    assert done.exit_code == 1
    assert "There is a model 'mine' already" in done.stderr


def test_what_can_not_be_is_said_before_anything_is_computed(
    masam: Masam, scenes: Path, tmp_path: Path
) -> None:
    done = masam("collect", scenes, "-o", tmp_path / "data", "--held-out", "1.5")
    assert done.exit_code == 1
    assert "more than 0, less than 1" in done.stderr
    done = masam("train", scenes, "-o", tmp_path / "run", "--keep", "mine")
    assert done.exit_code == 1
    assert "belong to runs that compare old and new" in done.stderr
    done = masam("train", scenes, "--preset", "adapt", "--start-from", "nobody")
    assert done.exit_code == 1
    assert "There is no model 'nobody'" in done.stderr
