"""Read a DINOv2-layout ViT from an ONNX export into our backbone layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from masam_core.errors import CheckpointError
from masam_core.model.backbones import BACKBONES
from masam_core.model.config import ModelConfig
from masam_core.model.encoders.dinov2 import DinoBackbone
from masam_core.model.masam import MASAM


def backbone_from_onnx(path: Path) -> dict[str, Tensor]:
    """Weights of a ViT-S/14 in an ONNX file, as a state dict of :class:`DinoBackbone`.

    The file must come from a transformers ``Dinov2Model`` under the name ``backbone``. Linear
    layers are stored as anonymous matrices, so they are found through the names of their MatMul
    nodes. Needs the ``onnx`` package (extra ``train``).

    Raises:
        CheckpointError: the file is missing, or holds another network.
    """
    import onnx
    from onnx import numpy_helper

    try:
        graph = onnx.load(str(path)).graph
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} can't be read as an ONNX file: {error}") from error
    except Exception as error:  # protobuf raises its own DecodeError
        raise CheckpointError(f"{path} is not an ONNX file ({type(error).__name__}).") from error
    arrays: dict[str, Any] = {t.name: t for t in graph.initializer}
    by_node = {
        node.name: tensor for node in graph.node for tensor in node.input if tensor in arrays
    }

    def named(name: str) -> Tensor:
        return torch.from_numpy(np.array(numpy_helper.to_array(arrays[f"backbone.{name}"])))

    def linear(node: str) -> Tensor:
        name = by_node[f"/backbone/{node}/MatMul"]
        return torch.from_numpy(np.array(numpy_helper.to_array(arrays[name]))).t().contiguous()

    spec = BACKBONES["vit_s14"]
    state: dict[str, Tensor] = {}
    try:
        state["patch_embed.weight"] = named("embeddings.patch_embeddings.projection.weight")
        state["patch_embed.bias"] = named("embeddings.patch_embeddings.projection.bias")
        grid = spec.position_grid
        class_position, patch_positions = _positions(arrays, grid, spec.width)
        state["class_token"] = named("embeddings.cls_token") + class_position
        state["pos_embed"] = patch_positions.reshape(1, grid, grid, spec.width)
        for i in range(spec.depth):
            _read_block(state, i, named, linear)
        state["norm.weight"] = named("layernorm.weight")
        state["norm.bias"] = named("layernorm.bias")
    except KeyError as error:
        raise CheckpointError(
            f"{path} does not hold a ViT-S/14 in the DINOv2 layout: {error} is missing."
        ) from error
    expected = DinoBackbone(spec).state_dict()
    wrong = [k for k, v in expected.items() if k not in state or state[k].shape != v.shape]
    if wrong:
        raise CheckpointError(f"{path} does not hold a ViT-S/14: {wrong[0]} has another shape.")
    return state


def _read_block(state: dict[str, Tensor], i: int, named: Any, linear: Any) -> None:
    source, target = f"encoder.layer.{i}", f"blocks.{i}"
    node = f"encoder/layer.{i}"
    parts = ("query", "key", "value")
    state[f"{target}.qkv.weight"] = torch.cat(
        [linear(f"{node}/attention/attention/{part}") for part in parts]
    )
    state[f"{target}.qkv.bias"] = torch.cat(
        [named(f"{source}.attention.attention.{part}.bias") for part in parts]
    )
    state[f"{target}.proj.weight"] = linear(f"{node}/attention/output/dense")
    state[f"{target}.proj.bias"] = named(f"{source}.attention.output.dense.bias")
    for n in (1, 2):
        state[f"{target}.norm{n}.weight"] = named(f"{source}.norm{n}.weight")
        state[f"{target}.norm{n}.bias"] = named(f"{source}.norm{n}.bias")
        state[f"{target}.scale{n}"] = named(f"{source}.layer_scale{n}.lambda1")
        state[f"{target}.fc{n}.weight"] = linear(f"{node}/mlp/fc{n}")
        state[f"{target}.fc{n}.bias"] = named(f"{source}.mlp.fc{n}.bias")


def _positions(arrays: dict[str, Any], grid: int, width: int) -> tuple[Tensor, Tensor]:
    """Positions of the class token (1, 1, width) and of the patches (1, grid * grid, width)."""
    from onnx import numpy_helper

    def shaped(shape: list[int]) -> Tensor:
        for name, tensor in arrays.items():
            if list(tensor.dims) == shape and not name.endswith("cls_token"):
                return torch.from_numpy(np.array(numpy_helper.to_array(tensor)))
        raise KeyError(f"position embedding of shape {shape}")

    return shaped([1, 1, width]), shaped([1, grid * grid, width])


def model_from_onnx(path: Path) -> MASAM:
    """A model with the ONNX file's backbone and fresh other parts, to be saved as ``base``.

    Raises:
        CheckpointError: as :func:`backbone_from_onnx`.
    """
    spec = BACKBONES["vit_s14"]
    config = ModelConfig(
        name="ViT-S/14", backbone="vit_s14", image_size=spec.position_grid * spec.patch
    )
    model = MASAM(config)
    model.image_encoder.base.load_state_dict(backbone_from_onnx(path))
    return model
