"""`masam train` and `masam evaluate` from the command line, on a tiny data set."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml

from masam_core.digest import sha256_of
from masam_core.model.checkpoint import inspect_checkpoint, save_model
from masam_core.model.masam import MASAM

from .conftest import Masam

pytest.importorskip("lightning_fabric", reason="the extra 'train' is not installed")
pytest.importorskip("monai", reason="the extra 'train' is not installed")


@pytest.fixture
def setup(tiny_model: Path, tmp_path: Path) -> Path:
    """A YAML file of a tiny run; its backbone lies beside it."""
    config = inspect_checkpoint(tiny_model).config
    assert config is not None
    torch.manual_seed(0)
    save_model(MASAM(config), tmp_path / "base.safetensors", kind="base")
    model = {k: v for k, v in config.to_dict().items() if k != "intensity"}
    model |= {"channels": "repeat", "detail_width": 0, "shape_prior": "none"}
    model["pixel_mean"] = model["pixel_std"] = [1.0, 1.0, 1.0]
    lines = ["base: base.safetensors", "steps: 4", "warmup: 1", "precision: 32-true"]
    lines += ["validate_every: 2", "save_every: 2", "regions: 0", "accelerator: cpu"]
    lines += [f"model: {json.dumps(model)}"]
    (tmp_path / "run.yaml").write_text("\n".join(lines) + "\n")
    return tmp_path / "run.yaml"


def test_a_run_from_yaml_trains_validates_and_evaluates(
    masam: Masam,
    setup: Path,
    data: Path,
    tmp_path: Path,
) -> None:
    out = tmp_path / "run"
    done = masam("train", data, "-o", out, "--config", setup, "--steps", 3)
    assert done.exit_code == 0, done.stderr
    with (out / "log.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 3  # the option over the file's 4
    assert "Best weights" in done.stderr

    model = ["--model", out / "best.safetensors", "--base", tmp_path / "base.safetensors"]
    table, report = tmp_path / "scores.csv", tmp_path / "report.html"
    done = masam("evaluate", data, *model, "--csv", table, "--report", report, "--jitter", 0.1)
    assert done.exit_code == 0, done.stderr
    for word in ("ellipsoid", "ball2", "Boxes that are off", "Confidence"):
        assert word in done.stdout
    assert "…" not in done.stdout  # no figure is cut, however narrow the terminal
    with table.open(newline="") as file:
        (row,) = list(csv.DictReader(file))
    assert (row["model"], row["case"]) == ("best", "ball2")
    assert report.read_text(encoding="utf-8").startswith("<!doctype html>")

    done = masam(
        "evaluate",
        data,
        *model,
        "--against",
        out / "last.safetensors",
        "--split",
        "train",
        "--json",
    )
    assert done.exit_code == 0, done.stderr
    result = json.loads(done.stdout)
    assert set(result["scores"]) == {"best", "last"}  # both on the one backbone
    assert [c["second"] for c in result["comparisons"]] == ["ellipsoid", "last"]


def test_every_entry_can_be_shown_and_set(masam: Masam, setup: Path, data: Path) -> None:
    out = data.parent / "run"
    shown = masam(
        *("train", data, "-o", out, "--config", setup, "--steps", 5),
        *("--set", "lr=0.002", "--set", "steps=6", "--set", "prompts.jitter=0.2", "--show"),
    )
    assert shown.exit_code == 0, shown.stderr
    values = yaml.safe_load(shown.stdout)
    assert (values["lr"], values["steps"], values["prompts"]["jitter"]) == (0.002, 6, 0.2)
    assert values["data"] == str(data)
    assert not out.exists()  # nothing was done


def test_the_preview_trains_nothing(
    masam: Masam,
    setup: Path,
    data: Path,
    tmp_path: Path,
) -> None:
    sheet = tmp_path / "sheet.png"
    done = masam("train", data, "-o", tmp_path / "run", "--config", setup, "--preview", sheet)
    assert done.exit_code == 0, done.stderr
    assert sheet.read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "run" / "log.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "tumor"], "Unknown preset 'tumor'"),
        (["--preset", "pancreas-tumour-box"], "needs --base, a SAM vit_h file"),
        (["--preset", "tumour-box-lite"], "needs --base, LiteMedSAM's file"),
        (["--batch", "3", "--at-once", "2"], "a multiple of"),
        (["--set", "synthetic=0.8", "--set", "regions=0.8"], "1 or less"),
        (["--set", "model.imagesize=56"], "did you mean model.image_size"),
        (["--set", "lr"], "expected ENTRY=VALUE"),
        (["--devices", "0"], "devices is 0; expected 1 or more"),
        ([], "lacks: out (the folder of the run, -o FOLDER)"),
    ],
)
def test_bad_training_options_are_refused_in_words(
    masam: Masam,
    data: Path,
    tmp_path: Path,
    arguments: list[str],
    message: str,
) -> None:
    out = ["-o", tmp_path / "run"] if arguments else []
    done = masam("train", data, *out, *arguments)
    assert done.exit_code == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_is_not_there_is_named_first(masam: Masam, tmp_path: Path) -> None:
    for more in ([], ["--preset", "adapt"], ["--preset", "adapt", "-o", tmp_path / "run"]):
        done = masam("train", tmp_path / "nowhere", *more)
        assert done.exit_code == 1
        words = " ".join(done.stderr.split())
        assert "There is no folder" in words
        assert "lacks" not in words
    none = masam("train", "--preset", "adapt")
    assert "data (the folder of the cases" in " ".join(none.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_bad_evaluation_options_are_refused_before_the_work(
    masam: Masam,
    tiny_model: Path,
    data: Path,
    tmp_path: Path,
) -> None:
    for arguments, message in (
        (["--quality", "superb"], "superb"),
        (["--split", "test"], "no case with split 'test'"),
        (["--csv", tmp_path / "none" / "a.csv"], "does not exist"),
        (["--peer", "someone"], "Unknown peer 'someone'"),
        (["--repeats", 5], "no --jitter was given"),
        (["--against-base", tiny_model], "that --against names"),
        (["--against", "bundled", "--against-base", tiny_model], "is not the one"),
    ):
        done = masam("evaluate", data, "--model", tiny_model, *arguments)
        assert done.exit_code == (2 if "--quality" in arguments else 1)
        assert message in done.stderr


def test_an_automatic_model_segments_and_is_evaluated_without_boxes(
    masam: Masam,
    tiny_model: Path,
    data: Path,
    tmp_path: Path,
) -> None:
    from masam_core.image.volume import read_labels

    config = inspect_checkpoint(tiny_model).config
    assert config is not None
    torch.manual_seed(1)
    auto = replace(config, field_of_view="slice", num_classes=2, class_names=("left", "right"))
    model = tmp_path / "auto.safetensors"
    save_model(MASAM(auto), model)
    image, out = data / "ball0" / "image.nii.gz", tmp_path / "out.nii.gz"
    done = masam("segment", image, "-o", out, "--automatic", "--model", model)
    assert done.exit_code == 0, done.stderr
    labels, _ = read_labels(out)
    assert set(labels.ravel().tolist()) <= {0, 1, 2}
    assert labels.any()
    done = masam("segment", image, "-o", out, "--automatic", "--box", "1 5 1 5 1 5")
    assert done.exit_code == 1
    assert "exactly one way" in done.stderr
    done = masam("segment", image, "-o", out, "--automatic")
    assert "needs a box" in done.stderr

    arguments = ["--model", model, "--automatic", "--label", 1, "--label", 2]
    done = masam("evaluate", data, *arguments)
    assert done.exit_code == 0, done.stderr
    assert "ball2" in done.stdout
    done = masam("evaluate", data, *arguments, "--jitter", 0.1)
    assert "no boxes that are off" in done.stderr


def test_each_model_of_a_comparison_stands_on_its_own_backbone(
    masam: Masam,
    tiny_model: Path,
    data: Path,
    tmp_path: Path,
) -> None:
    from masam_core.model.checkpoint import load_model

    base = tmp_path / "elsewhere" / "base.safetensors"
    base.parent.mkdir()
    whole = load_model(tiny_model)
    save_model(whole, base, kind="base")
    whole.base_file, whole.base_sha256 = base.name, sha256_of(base)
    delta = tmp_path / "delta.safetensors"
    save_model(whole, delta, kind="delta")
    run = ["evaluate", data, "--model", delta, "--base", base, "--quality", "fast", "--json"]
    done = masam(*run, "--against", "bundled")
    assert done.exit_code == 0, done.stderr
    assert set(json.loads(done.stdout)["scores"]) == {"delta", "MASAM"}
    whole_first = ["--model", tiny_model, "--against", delta, "--against-base", base]
    done = masam(*run[:2], *run[6:], *whole_first)
    assert done.exit_code == 0, done.stderr
    assert set(json.loads(done.stdout)["scores"]) == {"delta", "tiny"}


def test_a_model_is_compared_with_what_it_was_converted_to(
    masam: Masam, tiny_model: Path, data: Path, tmp_path: Path
) -> None:
    pytest.importorskip("openvino")
    from masam_core.inference.runtimes.conversion import write_folder
    from masam_core.model.checkpoint import load_model

    folder = tmp_path / "for_openvino"
    write_folder(load_model(tiny_model), folder)
    done = masam(
        *("evaluate", data, "--model", tiny_model, "--against", folder),
        *("--quality", "fast", "--json"),
    )
    assert done.exit_code == 0, done.stderr
    scores = json.loads(done.stdout)["scores"]
    first, second = ([s["dice"] for s in scores[name]] for name in ("tiny", "for_openvino"))
    assert first == pytest.approx(second, abs=0.01)


def test_a_pack_trains_both_networks_without_the_images(
    masam: Masam, setup: Path, data: Path, tmp_path: Path
) -> None:
    pack = tmp_path / "set.npz"
    done = masam("train", data, "-o", tmp_path / "a", "--config", setup, "--pack", pack)
    assert done.exit_code == 0, done.stderr
    assert "lesions" in done.stderr
    moved = tmp_path / "moved"
    moved.mkdir()
    pack = pack.rename(moved / "set.npz")  # nothing beside it
    short = ["--config", setup, "--steps", 1, "--batch", 1, "--set", "synthetic=0"]
    done = masam("train", pack, "-o", tmp_path / "b", *short)
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "b" / "last.safetensors").is_file()
    done = masam("train", pack, "-o", tmp_path / "c", *short, "--corrector")
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "c" / "corrector.safetensors").is_file()
    done = masam("train", data, "-o", tmp_path / "d", *short, "--corrector")
    assert done.exit_code == 0, done.stderr
    assert "Held-out lesions, Dice after each correction: 0." in done.stderr
    for unused in (["--tensorboard"], ["--pack", tmp_path / "e.npz"], ["--set", "devices=2"]):
        words = ("train", pack, "-o", tmp_path / "e", *short, "--batch", 2, "--corrector")
        done = masam(*words, *unused)
        assert done.exit_code != 0
    assert not (tmp_path / "e.npz").exists()


def test_a_pack_of_another_ending_is_refused_before_the_work(
    masam: Masam, setup: Path, data: Path, tmp_path: Path
) -> None:
    done = masam(
        "train", data, "-o", tmp_path / "a", "--config", setup, "--pack", tmp_path / "x.zip"
    )
    assert done.exit_code != 0
    assert ".npz" in done.stderr
    assert not (tmp_path / "x.zip").exists()
