"""int8 by NNCF: nearly the same answers from a model that says what it is."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.errors import ConfigError
from masam_core.image.volume import Volume
from masam_core.inference.runtimes import quantizing
from masam_core.inference.runtimes.openvino_device import OpenVINODevice
from masam_core.inference.runtimes.quantizing import (
    MOST_CASES,
    calibration_pairs,
    calibration_windows,
    evenly,
)
from masam_core.inference.segmenter import Segmenter
from masam_core.prompts.boxes import BoxPrompt

from ..conftest import BuildModel

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


def test_windows_to_calibrate_on_are_what_the_encoder_is_shown(
    build_model: BuildModel, volume: Volume, tmp_path: Path
) -> None:
    label = np.zeros(volume.array.shape, np.uint8)
    label[5:13, 9:29, 12:32] = 1
    for name, array in (("image", volume.array), ("label", label)):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((0.9, 0.9, 2.5))
        sitk.WriteImage(image, str(tmp_path / f"{name}.nii.gz"))
    pair = (tmp_path / "image.nii.gz", tmp_path / "label.nii.gz", "MR")
    windows = calibration_windows(build_model(), [pair])
    segmenter = Segmenter(build_model(), "cpu", "float32")
    segmenter.set_volume(pair[0], "MR")
    segmenter.segment(BoxPrompt.from_voxels(12, 31, 9, 28, 5, 12), quality="fast")
    assert sum(len(window) for window in windows) * 5 >= 8
    for window in windows:
        assert window.shape == (1, 5, 56, 56)
        assert 0 <= window.min() < window.max() <= 1
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros_like(label)), str(pair[1]))
    with pytest.raises(ConfigError, match="None of the images"):
        calibration_windows(build_model(), [pair])


def test_cases_to_be_judged_by_are_not_calibrated_on(tmp_path: Path) -> None:
    names = {pair[2] for pair in calibration_pairs(None)}
    assert names == {"CT", "MR"}  # the samples
    rows = ["case,patient,image,label,split"]
    for number in range(40):
        for kind in ("image", "label"):
            (tmp_path / f"{kind}{number}.nii.gz").touch()
        split = "val" if number % 2 else "train"
        rows.append(f"c{number},p{number},image{number}.nii.gz,label{number}.nii.gz,{split}")
    (tmp_path / "cases.csv").write_text("\n".join(rows))
    found = [pair[0].name for pair in calibration_pairs(tmp_path / "cases.csv")]
    assert len(found) == MOST_CASES
    assert all(int(name[5:].split(".")[0]) % 2 == 0 for name in found)
    assert evenly(range(10), 3) == [0, 4, 9]


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
