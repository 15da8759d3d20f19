"""`masam convert` and `masam info`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from masam_core.model.checkpoint import load_model

from .conftest import Masam


def parameters(path: Path) -> dict[str, torch.Tensor]:
    return load_model(path).state_dict()


def test_base_and_delta_together_are_the_whole_again(
    masam: Masam, tiny_model: Path, tmp_path: Path
) -> None:
    base, again = tmp_path / "base.safetensors", tmp_path / "again.safetensors"
    assert masam("convert", tiny_model, base, "--to", "base").exit_code == 0
    info = json.loads(masam("info", base, "--json").stdout)
    assert info["kind"] == "base"
    result = masam("convert", tiny_model, again)
    assert result.exit_code == 0, result.output
    before, after = parameters(tiny_model), parameters(again)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[k], after[k]) for k in before)


def test_half_is_half_the_size_and_close(masam: Masam, tiny_model: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.safetensors"
    assert masam("convert", tiny_model, half, "--half").exit_code == 0
    assert half.stat().st_size < 0.6 * tiny_model.stat().st_size
    before, after = parameters(tiny_model), parameters(half)
    for name, tensor in before.items():
        assert torch.allclose(after[name].float(), tensor, rtol=1e-3, atol=1e-6), name


@pytest.mark.parametrize(
    ("target", "options", "words"),
    [
        ("out.pth", (), ".safetensors"),
        ("out.safetensors", ("--to", "authors"), ".pth"),
        ("out.safetensors", ("--to", "zip"), "expected one of"),
        ("out.pth", ("--to", "authors", "--half"), "--half"),
        ("out.pth", ("--to", "authors"), "SAM backbone"),
        ("out.safetensors", ("--to", "delta"), "backbone"),
        ("nowhere/out.safetensors", (), "nowhere"),
    ],
)
def test_conversions_that_cannot_be_are_refused_in_words(
    masam: Masam,
    tiny_model: Path,
    tmp_path: Path,
    target: str,
    options: tuple[str, ...],
    words: str,
) -> None:
    result = masam("convert", tiny_model, tmp_path / target, *options)
    assert result.exit_code == 1
    assert words in result.stderr
    assert not (tmp_path / target).exists()


def test_info_on_an_image_says_size_spacing_and_modality(masam: Masam, image: Path) -> None:
    facts = json.loads(masam("info", image, "--json").stdout)
    assert facts["size_ijk"] == [24, 20, 12]
    assert facts["spacing_mm"] == [1.0, 1.0, 2.5]
    assert facts["slices_along"] == "k"
    assert "taken for MR" in facts["modality"]
    assert "24, 20, 12" in masam("info", image).stdout


def test_info_on_a_checkpoint_says_what_it_is(masam: Masam, tiny_model: Path) -> None:
    facts = json.loads(masam("info", tiny_model, "--json").stdout)
    assert facts["kind"] == "whole"
    assert facts["config"]["fact_rank"] == 4
    assert facts["bytes"] == tiny_model.stat().st_size
    shown = masam("info", tiny_model).stdout
    assert facts["sha256"] in "".join(shown.split())


def test_info_knows_models_by_name(masam: Masam, tiny_model: Path) -> None:
    masam("models", "add", tiny_model, "--name", "mine")
    assert json.loads(masam("info", "mine", "--json").stdout)["config"]["name"] == "tiny"
    assert "masam models download" in masam("info", "sam-vit-b").stderr


def test_info_on_the_system_says_versions_device_and_memory(masam: Masam) -> None:
    facts = json.loads(masam("info", "system", "--json").stdout)
    assert facts["torch"] == torch.__version__.split("+")[0] or facts["torch"] in torch.__version__
    assert facts["device"] in ("cpu", "cuda", "openvino")
    assert facts["memory"] == "unknown" or facts["memory"].endswith("GiB")
    assert masam("info", "system").exit_code == 0


def test_info_on_nothing_says_so(masam: Masam) -> None:
    result = masam("info", "nothing.nii.gz")
    assert result.exit_code == 1
    assert "nothing.nii.gz" in result.stderr


def test_a_model_for_openvino_is_refused_where_it_would_write_over_something(
    masam: Masam, tiny_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    result = masam("convert", tiny_model, "--to", "openvino", "-o", folder)
    assert result.exit_code == 1
    assert "is there already" in result.stderr
    assert [file.name for file in folder.iterdir()] == ["mine.txt"]
    result = masam("convert", tiny_model, "--to", "openvino", "-o", tmp_path / "no" / "model")
    assert result.exit_code == 1
    assert "Make it first" in result.stderr


def test_a_target_is_said_once(masam: Masam, tiny_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.safetensors"
    for words in ((), (out, "-o", out)):
        result = masam("convert", tiny_model, *words)
        assert result.exit_code == 1
        assert "Say once" in result.stderr
    assert masam("convert", tiny_model, "-o", out).exit_code == 0
