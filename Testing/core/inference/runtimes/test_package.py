"""Models for OpenVINO on disk: read back whole, or refused; borrowed weights where they belong."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from masam_core.errors import CheckpointError
from masam_core.inference.runtimes.borrowing import fold
from masam_core.inference.runtimes.package import NETWORKS, read_package
from masam_core.model.config import ModelConfig

from ..conftest import BuildModel

TENSORS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.arange(24, dtype=np.float32).reshape(4, 1, 3, 2),
}


def archive(path: Path, loans: dict[str, list[object]], own: bytes, **about: object) -> Path:
    document = {
        "masam_openvino": "1",
        "config": ModelConfig().to_dict(),
        "loans": loans,
        "source": {"file": "digest"},
        **about,
    }
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("model.json", json.dumps(document))
        for name in NETWORKS:
            out.writestr(f"{name}.xml", b"<net/>")
            out.writestr(f"{name}.bin", own)
    return path


def test_borrowed_weights_lie_in_their_gaps(tmp_path: Path) -> None:
    loans = {"encoder": [[4, "a", None], [32, "b", [2, 0, 1]]]}
    path = archive(tmp_path / "model.zip", loans, b"1234" + b"5678" + b"end")
    package = read_package(path, lambda: TENSORS, {"file": "digest"})
    turned = TENSORS["b"].squeeze().transpose(2, 0, 1)
    expected = b"1234" + TENSORS["a"].tobytes() + b"5678" + turned.tobytes() + b"end"
    assert package.networks["encoder"].weights == expected
    assert package.networks["decoder"].weights == b"12345678end"


@pytest.mark.parametrize(
    ("loans", "about", "words"),
    [
        ({"encoder": [[0, "c", None]]}, {}, "KeyError"),
        ({"encoder": [[8, "a", None], [9, "a", None]]}, {}, "overlap"),
        ({"encoder": [[0, "a", None]]}, {"source": {"file": "other"}}, "other weights"),
        ({}, {"masam_openvino": "9"}, "Update MASAM"),
        ({}, {"config": {"backbone": "vit_q"}}, "vit_q"),
        ({}, {"config": 3}, "damaged"),
    ],
)
def test_an_archive_that_does_not_fit_is_refused(
    tmp_path: Path, loans: dict[str, list[object]], about: dict[str, object], words: str
) -> None:
    path = archive(tmp_path / "model.zip", loans, b"0123456789", **about)
    with pytest.raises(CheckpointError, match=words):
        read_package(path, lambda: TENSORS, {"file": "digest"})


def test_a_damaged_archive_of_the_installation_is_refused_in_words(tmp_path: Path) -> None:
    """At any place, also where unpacking itself breaks."""
    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("model.json", json.dumps({"words": [str(n) for n in range(200)]}))
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with pytest.raises(CheckpointError, match="Install MASAM again"):
            read_package(path, lambda: TENSORS, {"file": "digest"})


@pytest.mark.parametrize("damage", ["encoder.bin", "decoder.xml", "prompt.xml", "model.json"])
def test_a_folder_that_was_damaged_is_refused_with_its_name(
    build_model: BuildModel, converted: Path, tmp_path: Path, damage: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(converted, folder)
    assert read_package(folder).config.backbone == "vit_tiny"
    content = bytearray((folder / damage).read_bytes())
    content[len(content) // 2] ^= 0xFF
    (folder / damage).write_bytes(content)
    with pytest.raises(CheckpointError, match=str(folder)):
        read_package(folder)
    (folder / damage).unlink()
    with pytest.raises(CheckpointError, match="masam convert MODEL --to openvino"):
        read_package(folder)


def test_fact_is_folded_as_pytorchs_encoder_folds_it(build_model: BuildModel) -> None:
    model = build_model(fact_scale=0.7)
    tensors = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    fold(tensors, model.config)
    model.fold()
    for name, value in model.state_dict().items():
        assert np.allclose(tensors[name], value.numpy(), atol=1e-5), name
