"""int8 by NNCF: nearly the same answers from a model that says what it is."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from masam_core.errors import ConfigError
from masam_core.inference.runtimes import quantizing
from masam_core.inference.runtimes.openvino_device import OpenVINODevice

pytest.importorskip("openvino")

from masam_core.inference.runtimes.openvino import OpenVINORuntime, choose_openvino_precision


def test_an_encoder_in_int8_says_nearly_the_same(
    openvino_runtime: OpenVINORuntime, int8_runtime: OpenVINORuntime, in_int8: Path
) -> None:
    layers = ElementTree.parse(in_int8 / "encoder.xml").iter("layer")
    assert [layer.attrib["type"] for layer in layers].count("FakeQuantize") > 10
    assert int8_runtime.precision == "int8"
    shown = np.random.default_rng(2).random((1, 5, 56, 56), dtype=np.float32)
    ours, exact = (
        each.embed(shown)[0].maps[0].ravel() for each in (int8_runtime, openvino_runtime)
    )
    assert not np.array_equal(ours, exact)
    assert np.corrcoef(ours.astype(np.float32), exact.astype(np.float32))[0, 1] > 0.98


def test_a_model_in_int8_has_no_other_precision_and_others_have_no_int8() -> None:
    place = OpenVINODevice()
    assert choose_openvino_precision("auto", place, int8=True) == "int8"
    assert choose_openvino_precision("int8", place, int8=True) == "int8"
    with pytest.raises(ConfigError, match="convert it again without --int8"):
        choose_openvino_precision("float32", place, int8=True)
    with pytest.raises(ConfigError, match="--to openvino --int8 -o FOLDER"):
        choose_openvino_precision("int8", place)


def test_without_nncf_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(ConfigError, match=r"pip install 'masam\[int8\]'"):
        quantizing.require_nncf()


def test_nncf_reports_its_use_to_nobody() -> None:
    pytest.importorskip("nncf", reason="the extra 'int8' is not installed")
    code = (
        "import sys\n"
        "from masam_core.inference.runtimes.quantizing import require_nncf\n"
        "assert require_nncf().quantize\n"
        "assert not [n for n in sys.modules if n.startswith('openvino_telemetry')]"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
