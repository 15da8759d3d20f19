"""The bundled model's weights as OpenVINO's networks hold them, read without PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from masam_core.catalog.bundled import (
    BASE,
    DELTA,
    SHA256,
    bundled_corrector_path,
    bundled_model_path,
    bundled_openvino_path,
)
from masam_core.catalog.bundled import (
    CORRECTOR as CORRECTOR_FILE,
)
from masam_core.errors import CheckpointError
from masam_core.inference.runtimes.package import (
    CORRECTOR,
    NETWORKS,
    Network,
    Package,
    Tensors,
    read_package,
)
from masam_core.model.config import ModelConfig

QKV = "image_encoder.base.blocks.{}.qkv.weight"
FACT = "image_encoder.fact."
SOURCE = {name: SHA256[name] for name in (DELTA, BASE, CORRECTOR_FILE)}


def bundled_package() -> Package:
    """The bundled model for OpenVINO; its networks are read when they are asked for.

    Raises:
        CheckpointError: the installation is incomplete or damaged, also when they are read.
    """
    archive = bundled_openvino_path()
    delta = bundled_model_path()
    files = (archive, *(delta.with_name(name) for name in SOURCE))
    about = [SHA256, *((file.stat().st_size, file.stat().st_mtime_ns) for file in files)]

    def read() -> Mapping[str, Network]:
        return read_package(archive, bundled_tensors, SOURCE).networks

    return Package(
        ModelConfig.from_json(_metadata(delta)["config"]),
        {name: f"bundled {name} {about}" for name in NETWORKS},
        read,
        lambda: read()[CORRECTOR],
    )


def bundled_tensors() -> Tensors:
    """Weights of the bundled model by name, FacT folded into the backbone, and the corrector's
    under ``corrector.``; float32."""
    delta = bundled_model_path()
    tensors = {**_read(delta.with_name(BASE)), **_read(delta)}
    fold(tensors, ModelConfig.from_json(_metadata(delta)["config"]))
    corrector = _read(bundled_corrector_path())
    return tensors | {f"{CORRECTOR}.{name}": values for name, values in corrector.items()}


def fold(tensors: dict[str, NDArray[np.float32]], config: ModelConfig) -> None:
    """Add FacT to the qkv weights, as ``ImageEncoder.fold`` does (MA-SAM, section 3.2)."""
    if not config.fact_rank:
        return
    u, v = tensors[f"{FACT}u.weight"], tensors[f"{FACT}v.weight"]
    for block in range(config.spec.depth):
        dq, dv = (v @ tensors[f"{FACT}{kind}.{block}.weight"] @ u for kind in "qw")
        increment = np.concatenate([dq, np.zeros_like(dq), dv])
        name = QKV.format(block)
        tensors[name] = tensors[name] + np.float32(config.fact_scale) * increment


def _read(path: Path) -> dict[str, NDArray[np.float32]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return {name: values.astype(np.float32) for name, values in load_file(path).items()}
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} can't be read: {error}.") from error


def _metadata(path: Path) -> dict[str, str]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            return dict(file.metadata())
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} can't be read: {error}.") from error
