"""A small random model and synthetic volumes for inference tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.model.masam import MASAM
from Testing.core import tiny

if TYPE_CHECKING:
    from masam_core.inference.runtimes.openvino import OpenVINORuntime

BuildModel = Callable[..., MASAM]


@pytest.fixture
def build_model() -> Iterator[BuildModel]:
    """Builds a random four-block MA-SAM whose adapters and FacT are not at identity."""
    with tiny.known():
        yield build


def build(**changes: object) -> MASAM:
    """A random model; its backbone must be known."""
    values = {"field_of_view": "prompt", "shape_prior": "ellipsoid"}
    return tiny.build_shaken(3, **(values | changes))


@pytest.fixture(scope="session")
def built() -> MASAM:
    """The model of ``build_model``."""
    with tiny.known():
        return build()


@pytest.fixture
def to_copy(built: MASAM) -> Iterator[MASAM]:
    """The model of ``build_model``, for segmenters that compute with a copy of it."""
    with tiny.known():
        yield built


@pytest.fixture(scope="session")
def networks() -> dict[str, Any]:
    """The model of ``build_model`` in OpenVINO's form, traced once; to copy."""
    pytest.importorskip("openvino")
    from masam_core.inference.runtimes.conversion import trace

    with tiny.known():
        return trace(build())


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory, networks: dict[str, Any]) -> Path:
    """The model of ``build_model`` for OpenVINO; its backbone must be known where it is read."""
    from masam_core.inference.runtimes import conversion

    folder = tmp_path_factory.mktemp("converted") / "tiny"
    with tiny.known(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            conversion, "trace", lambda _: {n: net.clone() for n, net in networks.items()}
        )
        conversion.write_folder(build(), folder)
    return folder


@pytest.fixture(scope="session")
def in_int8(tmp_path_factory: pytest.TempPathFactory, networks: dict[str, Any]) -> Path:
    """The same in int8, calibrated on noise; its backbone must be known where it is read."""
    pytest.importorskip("nncf", reason="the extra 'int8' is not installed")
    from masam_core.inference.runtimes import conversion

    folder = tmp_path_factory.mktemp("converted") / "int8"
    rng = np.random.default_rng(8)
    windows = [rng.random((1, 5, 56, 56), dtype=np.float32) for _ in range(2)]
    with tiny.known(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            conversion, "trace", lambda _: {n: net.clone() for n, net in networks.items()}
        )
        conversion.write_folder(build(), folder, int8=windows)
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

    with tiny.known():
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
