"""Reading a ViT from an ONNX export, against the module it was written from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from masam_core.errors import CheckpointError
from masam_core.model.backbones import BACKBONES, DINOV2, BackboneSpec
from masam_core.model.encoders.dinov2 import DinoBackbone
from masam_core.model.encoders.dinov2_onnx import backbone_from_onnx

from ..conftest import shake

onnx = pytest.importorskip("onnx")
SPEC = BackboneSpec(DINOV2, 12, 2, 2, 14, position_grid=3)


@pytest.fixture
def backbone(monkeypatch: pytest.MonkeyPatch) -> DinoBackbone:
    monkeypatch.setitem(BACKBONES, "vit_s14", SPEC)
    torch.manual_seed(0)
    out = DinoBackbone(SPEC)
    shake(out, 1.0)
    return out


def write_onnx(path: Path, backbone: DinoBackbone, skip: str = "") -> torch.Tensor:
    """Write the weights as a transformers export names them; returns the class token's position.

    Linear layers are transposed and anonymous; key, value and query come in this order.
    """
    state = {k: v.detach().numpy() for k, v in backbone.state_dict().items()}
    position = np.random.default_rng(0).normal(size=(1, 1, 12)).astype(np.float32)
    tensors = {
        "backbone.embeddings.cls_token": state["class_token"] - position,
        "onnx::Concat_1": position,
        "onnx::Reshape_2": state["pos_embed"].reshape(1, 9, 12),
        "backbone.embeddings.patch_embeddings.projection.weight": state["patch_embed.weight"],
        "backbone.embeddings.patch_embeddings.projection.bias": state["patch_embed.bias"],
        "backbone.layernorm.weight": state["norm.weight"],
        "backbone.layernorm.bias": state["norm.bias"],
    }
    nodes = []

    def linear(node: str, weight: np.ndarray) -> None:
        name = f"onnx::MatMul_{len(tensors)}"
        tensors[name] = weight.T
        full = f"/backbone/{node}/MatMul"
        nodes.append(onnx.helper.make_node("MatMul", ["x", name], [f"{full}_output"], name=full))

    for i in range(SPEC.depth):
        ours, theirs, node = f"blocks.{i}", f"backbone.encoder.layer.{i}", f"encoder/layer.{i}"
        weight, bias = (
            state[f"{ours}.qkv.{leaf}"].reshape(3, 12, -1) for leaf in ("weight", "bias")
        )
        for number, part in ((1, "key"), (2, "value"), (0, "query")):
            linear(f"{node}/attention/attention/{part}", weight[number])
            tensors[f"{theirs}.attention.attention.{part}.bias"] = bias[number, :, 0]
        linear(f"{node}/attention/output/dense", state[f"{ours}.proj.weight"])
        tensors[f"{theirs}.attention.output.dense.bias"] = state[f"{ours}.proj.bias"]
        for n in (1, 2):
            for leaf in ("weight", "bias"):
                tensors[f"{theirs}.norm{n}.{leaf}"] = state[f"{ours}.norm{n}.{leaf}"]
            tensors[f"{theirs}.layer_scale{n}.lambda1"] = state[f"{ours}.scale{n}"]
            linear(f"{node}/mlp/fc{n}", state[f"{ours}.fc{n}.weight"])
            tensors[f"{theirs}.mlp.fc{n}.bias"] = state[f"{ours}.fc{n}.bias"]
    initializers = [
        onnx.numpy_helper.from_array(np.ascontiguousarray(array), name)
        for name, array in tensors.items()
        if name != skip
    ]
    onnx.save(
        onnx.helper.make_model(onnx.helper.make_graph(nodes, "g", [], [], initializers)), path
    )
    return torch.from_numpy(position)


def test_every_weight_comes_back(backbone: DinoBackbone, tmp_path: Path) -> None:
    path = tmp_path / "vit.onnx"
    write_onnx(path, backbone)
    state, expected = backbone_from_onnx(path), backbone.state_dict()
    assert state.keys() == expected.keys()
    for name in expected:
        assert torch.allclose(state[name], expected[name], atol=1e-6), name


def test_another_network_is_named(backbone: DinoBackbone, tmp_path: Path) -> None:
    path = tmp_path / "vit.onnx"
    write_onnx(path, backbone, skip="backbone.layernorm.bias")
    with pytest.raises(CheckpointError, match=r"layernorm\.bias"):
        backbone_from_onnx(path)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vit.onnx"
    path.write_bytes(b"\xff" * 50)
    with pytest.raises(CheckpointError, match="ONNX"):
        backbone_from_onnx(path)
    with pytest.raises(CheckpointError, match="can't be read"):
        backbone_from_onnx(tmp_path / "missing.onnx")
