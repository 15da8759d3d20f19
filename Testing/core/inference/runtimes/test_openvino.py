"""OpenVINO gives PyTorch's masks: of a small model that was converted, and of the bundled one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from masam_core.catalog.bundled import bundled_corrector_path
from masam_core.errors import CheckpointError, ConfigError
from masam_core.image.volume import Volume, read_volume
from masam_core.inference.options import SegmentOptions
from masam_core.inference.patch import PATCH_SHAPE, contrast
from masam_core.inference.rectangle import Rectangle
from masam_core.inference.runtimes.openvino_device import OpenVINODevice
from masam_core.inference.runtimes.package import PROMPT, read_package
from masam_core.inference.segmenter import Segmenter
from masam_core.model.corrector import load_corrector
from masam_core.model.prompt import NetworkPrompt
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.corrections import Correction

from ..conftest import BuildModel

pytest.importorskip("openvino")

from masam_core.inference.runtimes import openvino as openvino_runtime
from masam_core.inference.runtimes.borrowing import bundled_package
from masam_core.inference.runtimes.openvino import OpenVINORuntime, choose_openvino_precision

BOX = BoxPrompt.from_voxels(12, 32, 9, 29, 5, 13)


@pytest.fixture(scope="module")
def bundled() -> OpenVINORuntime:
    return OpenVINORuntime(bundled_package(), OpenVINODevice(), "float32")


def test_a_converted_model_gives_pytorchs_mask_and_takes_corrections(
    build_model: BuildModel, converted: Path, volume: Volume
) -> None:
    click = Correction("point", volume.geometry.lps_from_ijk([[20, 18, 9]]), positive=False)
    found = []
    for segmenter in (Segmenter(build_model(), "cpu"), Segmenter(converted)):
        segmenter.set_volume(volume)
        lesion = segmenter.segment(BOX, SegmentOptions())
        found.append((lesion, segmenter.refine(lesion, [click])))
    assert str(segmenter.device) == "openvino"
    for ours, theirs in zip(*found, strict=True):
        assert np.abs(ours.probability - theirs.probability).max() < 2e-3
        assert (ours.mask != theirs.mask).mean() < 1e-3
        assert ours.confidence == pytest.approx(theirs.confidence, abs=1e-3, nan_ok=True)
    assert found[0][0].mask.any()


def test_the_bundled_models_networks_say_what_pytorchs_say(bundled: OpenVINORuntime) -> None:
    """Above all that the archive was made of the weights that are here."""
    segmenter = Segmenter("bundled", "cpu", "float32")
    config, rng = segmenter.config, np.random.default_rng(4)
    assert bundled.config == config
    size, side = config.image_size, config.logits_side
    windows = rng.random((1, 5, 3, size, size), dtype=np.float32)
    boxes = np.array([[30, 40, 120, 130]] * 3, np.float32)
    masks = rng.normal(0, 3, (3, 1, 4 * config.grid, 4 * config.grid)).astype(np.float32)
    whole = np.eye(side, dtype=np.float32)
    shown = Rectangle(None, (slice(None), slice(None)), whole, whole)
    said = []
    for runtime in (segmenter.runtime, bundled):
        (window,) = runtime.embed(windows)
        said.append(runtime.decode([window.cut(slice(1, 4))], NetworkPrompt(boxes, masks), shown))
    for ours, theirs in zip(*said, strict=True):
        assert np.abs(ours - theirs).max() < 5e-3
    assert said[0][0].std() > 0.05


def test_the_corrector_says_what_pytorchs_says(bundled: OpenVINORuntime) -> None:
    rng = np.random.default_rng(6)
    image = contrast(rng.normal(size=PATCH_SHAPE).astype(np.float32))[None]
    before = rng.random((1, *PATCH_SHAPE), dtype=np.float32)
    yes, no = (rng.random((1, *PATCH_SHAPE)) > 0.999 for _ in range(2))
    z_px = np.array([2.5], np.float32)
    with torch.inference_mode():
        network = load_corrector(bundled_corrector_path())
        expected = network(*(torch.from_numpy(each) for each in (image, before, yes, no, z_px)))
    assert np.abs(bundled.corrector(image, before, yes, no, z_px) - expected.numpy()).max() < 1e-3


def test_devices_of_one_shape_get_it_and_answer_alike(
    build_model: BuildModel, converted: Path, openvino_runtime: OpenVINORuntime
) -> None:
    """As Intel's graphics and NPUs are asked; here on the processor."""
    config, rng = openvino_runtime.config, np.random.default_rng(7)
    (window,) = openvino_runtime.embed(rng.random((1, 5, 56, 56), dtype=np.float32))
    windows = [window, window.cut(slice(0, 2))]
    boxes = rng.uniform(0, 56, (7, 4)).astype(np.float32)
    masks = rng.normal(size=(7, 1, 4 * config.grid, 4 * config.grid)).astype(np.float32)
    whole = np.eye(config.logits_side, dtype=np.float32)
    shown = Rectangle(None, (slice(None), slice(None)), whole, whole)
    prompt = NetworkPrompt(boxes, masks)
    expected = openvino_runtime.decode(windows, prompt, shown)
    one_shape = OpenVINORuntime.__new__(OpenVINORuntime)
    one_shape.__dict__.update(openvino_runtime.__dict__)
    one_shape._slices = config.num_slices
    network = read_package(converted).networks["decoder"]
    one_shape._decoder = one_shape._compiled(network, slices=config.num_slices)
    for ours, theirs in zip(expected, one_shape.decode(windows, prompt, shown), strict=True):
        assert len(theirs) == 7
        assert np.abs(ours - theirs).max() < 1e-5


def test_what_only_pytorch_has_is_refused_in_words(openvino_runtime: OpenVINORuntime) -> None:
    for name in ("model", "dtype"):
        with pytest.raises(ConfigError, match="PyTorch"):
            getattr(openvino_runtime, name)
    with pytest.raises(ConfigError, match="does not compute in bfloat16"):
        choose_openvino_precision("bfloat16", OpenVINODevice())
    with pytest.raises(ConfigError, match="Unknown precision 'int4'"):
        choose_openvino_precision("int4", OpenVINODevice())


def test_a_closed_segmenter_gives_its_memory_back(
    build_model: BuildModel, converted: Path, volume: Volume
) -> None:
    with Segmenter(converted) as segmenter:
        segmenter.set_volume(volume)
    with pytest.raises(ConfigError, match="closed"):
        _ = segmenter.runtime


@pytest.mark.parametrize("changes", [{"num_classes": 3}, {"decoder": "sam"}])
def test_models_of_another_kind_are_not_converted(
    build_model: BuildModel, tmp_path: Path, changes: dict[str, object]
) -> None:
    from masam_core.inference.runtimes.conversion import write_folder

    with pytest.raises(CheckpointError, match="can't be converted"):
        write_folder(build_model(**changes), tmp_path / "model")
    without_prompts = build_model(field_of_view="slice", shape_prior="none")
    without_prompts.prompting = "none"
    with pytest.raises(CheckpointError, match="that answer boxes"):
        write_folder(without_prompts, tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_segmenting_with_the_bundled_model_needs_no_pytorch(
    sample_data: Path, tmp_path: Path, bundled: OpenVINORuntime
) -> None:
    """Package, worker, command line and batch, in a process in which PyTorch can't be imported."""
    script = Path(__file__).with_name("without_pytorch.py")
    folder = sample_data / "sarcoma_mr"
    done = subprocess.run(
        [sys.executable, str(script), str(folder), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=900,  # of a busy machine
        env={**os.environ, "MASAM_HOME": str(tmp_path / "home")},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    volume = read_volume(folder / "image.nii.gz")
    segmenter = Segmenter("bundled", "cpu", "float32")
    segmenter.set_volume(volume)
    box = BoxPrompt.from_voxels(30, 70, 30, 70, 20, 22)  # as in the script
    expected = segmenter.segment(box, quality="fast").mask_on_volume()
    for name in ("package", "worker", "command"):
        got = np.load(tmp_path / f"{name}.npy")
        assert (got != expected).sum() <= 0.001 * expected.sum(), name
    assert expected.any()


def test_a_device_that_cannot_prepare_the_model_is_refused_in_words(
    bundled: OpenVINORuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Core:
        def read_model(self, *_: object) -> None:
            return None

        def compile_model(self, *_: object) -> None:
            raise RuntimeError("Exception from src/plugin.cpp:12:\nthe driver is too old\n")

    monkeypatch.setattr(openvino_runtime, "core", Core)
    with pytest.raises(ConfigError, match="the driver is too old"):
        bundled._compiled(bundled_package().networks[PROMPT], exact=True)
