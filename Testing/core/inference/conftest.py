"""A small random model and synthetic volumes for inference tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.model.backbones import BACKBONES, DINOV2, BackboneSpec
from masam_core.model.config import ModelConfig
from masam_core.model.masam import MASAM

if TYPE_CHECKING:
    from masam_core.inference.runtimes.openvino import OpenVINORuntime

BuildModel = Callable[..., MASAM]


TINY = BackboneSpec(DINOV2, 24, 4, 2, 14, position_grid=4)


@pytest.fixture
def build_model(monkeypatch: pytest.MonkeyPatch) -> BuildModel:
    """Builds a random four-block MA-SAM whose adapters and FacT are not at identity."""
    monkeypatch.setitem(BACKBONES, "vit_tiny", TINY)
    return build


def build(**changes: object) -> MASAM:
    """A random model; its backbone must be known."""
    values: dict[str, object] = {
        "backbone": "vit_tiny",
        "image_size": 56,
        "fact_rank": 4,
        "adapter_width": 8,
        "field_of_view": "prompt",
        "shape_prior": "ellipsoid",
    }
    torch.manual_seed(3)
    model = MASAM(ModelConfig(**{**values, **changes}))  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model.eval()


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of ``build_model`` for OpenVINO; its backbone must be known where it is read."""
    pytest.importorskip("openvino")
    from masam_core.inference.runtimes.conversion import write_folder

    folder = tmp_path_factory.mktemp("converted") / "tiny"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKBONES, "vit_tiny", TINY)
        write_folder(build(), folder)
    return folder


@pytest.fixture(scope="session")
def in_int8(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in int8, calibrated on noise; its backbone must be known where it is read."""
    pytest.importorskip("openvino")
    pytest.importorskip("nncf", reason="the extra 'int8' is not installed")
    from masam_core.inference.runtimes.conversion import write_folder

    folder = tmp_path_factory.mktemp("converted") / "int8"
    rng = np.random.default_rng(8)
    windows = [rng.random((1, 5, 56, 56), dtype=np.float32) for _ in range(2)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKBONES, "vit_tiny", TINY)
        write_folder(build(), folder, int8=windows)
    return folder


@pytest.fixture(scope="session")
def openvino_runtime(converted: Path) -> OpenVINORuntime:
    """The same, ready to compute, for all tests: making it ready takes a second."""
    return _runtime(converted, "float32")


@pytest.fixture(scope="session")
def int8_runtime(in_int8: Path) -> OpenVINORuntime:
    """The one in int8, ready to compute."""
    return _runtime(in_int8, "int8")


def _runtime(folder: Path, precision: str) -> OpenVINORuntime:
    from masam_core.inference.runtimes.openvino import OpenVINORuntime
    from masam_core.inference.runtimes.openvino_device import OpenVINODevice
    from masam_core.inference.runtimes.package import read_package

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKBONES, "vit_tiny", TINY)
        return OpenVINORuntime(read_package(folder), OpenVINODevice(), precision)


@pytest.fixture
def volume() -> Volume:
    """A bright ball in noise, 20 slices 2.5 mm apart."""
    rng = np.random.default_rng(5)
    geometry = Geometry.from_spacing((20, 40, 48), (0.9, 0.9, 2.5), (-20.0, 11.0, 300.0))
    k, j, i = np.meshgrid(*[np.arange(n) for n in geometry.shape], indexing="ij")
    ball = ((i - 22) * 0.9) ** 2 + ((j - 19) * 0.9) ** 2 + ((k - 9) * 2.5) ** 2 < 9.0**2
    values = 300 + 400 * ball + rng.normal(0, 40, geometry.shape)
    return Volume(values.astype(np.int16), geometry, "MR", "ball")
