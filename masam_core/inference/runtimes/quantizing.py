"""int8 for OpenVINO: an encoder that multiplies whole numbers, by NNCF, Intel's own package.

Unlike ``masam_core.model.quantize``, which scales each product when it is computed, the scales are
found once, on images (post-training quantisation with SmoothQuant). Which masks come of it is in
docs/SPEED.md.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import ConfigError
from masam_core.inference.runtimes.openvino_device import without_reports

INSTALL = "pip install 'masam[int8]'"


def require_nncf() -> Any:
    """The package ``nncf``, which like OpenVINO is kept from reporting its use.

    Raises:
        ConfigError: it is not installed, or does not load.
    """
    try:
        with without_reports():
            return importlib.import_module("nncf")
    except (ImportError, OSError, RuntimeError) as error:
        raise ConfigError(
            f"int8 needs the package nncf, which is not installed or does not load ({error}). "
            f"Install it with: {INSTALL}"
        ) from error


def quantized(encoder: Any, windows: Sequence[NDArray[np.float32]]) -> Any:
    """An encoder of OpenVINO's that multiplies in int8 what gains by it.

    Args:
        encoder: an ``openvino.Model``.
        windows: that it is calibrated on.

    Raises:
        ConfigError: nncf is not installed, or can't quantise this encoder.
    """
    nncf = require_nncf()
    try:
        with contextlib.redirect_stdout(sys.stderr):  # where it shows how far it is
            return nncf.quantize(
                encoder,
                nncf.Dataset(list(windows)),
                preset=nncf.QuantizationPreset.MIXED,
                model_type=nncf.ModelType.TRANSFORMER,
                subset_size=len(windows),
            )
    except (RuntimeError, ValueError) as error:
        raise ConfigError(f"nncf can't bring this model to int8: {error}") from error
