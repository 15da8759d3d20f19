"""Which runtime computes a model: PyTorch or OpenVINO.

A device that is named is taken: ``cpu``, ``cuda`` and ``mps`` are PyTorch's, ``openvino``,
``openvino:GPU`` and ``openvino:NPU`` OpenVINO's. Where PyTorch is not installed, ``cpu`` is
OpenVINO's processor.

``auto`` takes a GPU if PyTorch has one, else the faster runtime for the processor: for the
bundled model OpenVINO on Intel's processors, PyTorch on others (docs/SPEED.md). Decided by what the
processor is and not by a trial, so that a mask comes out the same from one day to the next; both
runtimes give the same mask but for rounding.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from masam_core.catalog.converted import is_converted
from masam_core.errors import ConfigError, NeedsPyTorch
from masam_core.inference.runtimes.openvino_device import (
    OpenVINODevice,
    has_openvino,
    has_torch,
    is_intel,
    is_openvino,
    openvino_device,
)
from masam_core.inference.runtimes.package import Package, read_package
from masam_core.inference.runtimes.runtime import Place, Runtime

if TYPE_CHECKING:
    import torch

    from masam_core.model.masam import MASAM

Device = Union[str, OpenVINODevice, "torch.device"]
# Of NVIDIA on Linux, within Windows' Linux, and of AMD on Linux: PyTorch calls that cuda, too.
_DRIVERS = ("/proc/driver/nvidia", "/dev/dxg", "/dev/kfd")


def runtime_for(
    model: MASAM | str | Path, device: Device, precision: str, base: str | Path | None, copy: bool
) -> Runtime:
    """The runtime for a model, ready to compute.

    Args:
        model, device, precision, base, copy: see ``Segmenter``.

    Raises:
        ConfigError: a device or precision that is not there, or a model that the device can't
            compute.
        CheckpointError: a weight file that can't be loaded.
    """
    place = place_of(model, device, precision, base)
    if isinstance(place, OpenVINODevice):
        from masam_core.inference.runtimes.openvino import OpenVINORuntime

        return OpenVINORuntime(_package(model, base), place, precision)
    from masam_core.inference.runtimes.pytorch import TorchRuntime

    return TorchRuntime(model, place, precision, base, copy)


def place_of(
    model: MASAM | str | Path,
    device: Device,
    precision: str = "auto",
    base: str | Path | None = None,
) -> Any:
    """The device that would compute a model: an ``OpenVINODevice`` or a ``torch.device``.

    Raises:
        ConfigError: see :func:`runtime_for`.
    """
    if is_openvino(device):
        return openvino_device(device)  # type: ignore[arg-type]
    if isinstance(model, (str, Path)) and is_converted(Path(model)):
        if str(device) in ("auto", "cpu"):
            return openvino_device("openvino")
        raise ConfigError(
            f"The model {model} was converted for OpenVINO; the device '{device}' is PyTorch's. "
            "Use 'auto' or 'openvino'."
        )
    if _suits(model, base) and str(device) in ("auto", "cpu") and precision != "int8":
        if not has_torch():
            return openvino_device("openvino")
        if str(device) == "auto" and is_intel() and not _has_cuda() and _able(precision):
            return openvino_device("openvino")
    if not has_torch():
        named = str(device) not in ("auto", "cpu")
        what = f"The device '{device}'" if named else _called(model, precision, base)
        raise NeedsPyTorch(f"{what} needs PyTorch, which is not installed. {NeedsPyTorch.advice}")
    from masam_core.inference.device import choose_device

    return choose_device(device)  # type: ignore[arg-type]


def _suits(model: MASAM | str | Path, base: str | Path | None) -> bool:
    """Whether OpenVINO is here and the bundled model is asked for."""
    return model == "bundled" and base is None and has_openvino()


def _able(precision: str) -> bool:
    """Whether OpenVINO starts here and computes in a precision; where not, PyTorch is there."""
    from masam_core.inference.runtimes.openvino import choose_openvino_precision

    try:
        choose_openvino_precision(precision, openvino_device("openvino"))
    except ConfigError:
        return False
    return True


def _called(
    model: MASAM | str | Path, precision: str = "auto", base: str | Path | None = None
) -> str:
    if model == "bundled":
        if precision == "int8":
            return "The precision 'int8'"
        return "Segmenting without OpenVINO" if base is None else "Another backbone"
    return f"The model '{model}'" if isinstance(model, (str, Path)) else "This model"


def _package(model: MASAM | str | Path, base: str | Path | None) -> Package:
    """A model in OpenVINO's form; ConfigError where there is none."""
    if model == "bundled" and base is None:
        from masam_core.inference.runtimes.borrowing import bundled_package

        return bundled_package()
    if isinstance(model, (str, Path)) and is_converted(Path(model)):
        return read_package(Path(model))
    raise ConfigError(
        f"{_called(model)} is not in OpenVINO's form. Make it with "
        "'masam convert MODEL --to openvino -o FOLDER' and choose the folder as model, or choose "
        "another device."
    )


def _has_cuda() -> bool:
    """Whether PyTorch has a GPU; it is not even loaded where there is no driver of one."""
    driver = any(os.path.exists(path) for path in _DRIVERS) or shutil.which("nvidia-smi")
    if not driver or not has_torch():
        return False
    import torch

    return bool(torch.cuda.is_available())


__all__ = ["Device", "Place", "place_of", "runtime_for"]
