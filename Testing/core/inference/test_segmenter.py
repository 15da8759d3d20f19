"""Segmenter: guarantees on the mask, reuse of embeddings, cancelling, memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch.nn import functional as F

from masam_core.errors import (
    BoxError,
    Cancelled,
    ConfigError,
    DeviceMemoryError,
    SegmentationError,
)
from masam_core.image.geometry import Geometry
from masam_core.image.intensity import normalise
from masam_core.image.volume import Volume
from masam_core.inference import box_answer
from masam_core.inference import segmenter as module
from masam_core.inference.confidence import confidence, predicted_confidence
from masam_core.inference.segmenter import Segmenter, SegmentOptions
from masam_core.inference.view import ellipsoid_prior, slice_crop
from masam_core.lesion.cleaning import PostprocessOptions
from masam_core.model.masam import MASAM, Embedding
from masam_core.model.prompt import NetworkPrompt
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.corrections import Correction

from .conftest import BuildModel

BOX = BoxPrompt.from_voxels(12, 32, 9, 29, 5, 13, name="ball")
RAW = PostprocessOptions(keep="all", fill_holes=False)


@pytest.fixture
def on_pytorch(to_copy: MASAM, volume: Volume) -> Segmenter:
    out = Segmenter(to_copy, device="cpu")
    out.set_volume(volume)
    return out


@pytest.fixture(params=["pytorch", "openvino", "openvino in int8"])
def segmenter(
    request: pytest.FixtureRequest,
    to_copy: MASAM,
    volume: Volume,
    monkeypatch: pytest.MonkeyPatch,
) -> Segmenter:
    """On each runtime; any other segmenter of the same test computes there, too."""
    if request.param != "pytorch":
        name = "openvino_runtime" if request.param == "openvino" else "int8_runtime"
        runtime = request.getfixturevalue(name)
        monkeypatch.setattr(module, "runtime_for", lambda *_: runtime)
    out = Segmenter(to_copy, device="cpu")
    out.set_volume(volume)
    return out


def count_encodes(segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Lengths of the batches that reach the encoder from now on."""
    calls: list[int] = []
    original = segmenter.runtime.embed

    def embed(windows: NDArray[np.float32]) -> list[Any]:
        calls.append(len(windows))
        return original(windows)

    monkeypatch.setattr(segmenter.runtime, "embed", embed)
    return calls


def test_best_quality_equals_the_literal_average_over_all_windows(
    build_model: BuildModel, volume: Volume
) -> None:
    model = build_model(field_of_view="slice")
    config = model.config
    segmenter = Segmenter(model, device="cpu")
    segmenter.set_volume(volume)
    lesion = segmenter.segment(BOX, SegmentOptions(quality="best", postprocess=RAW))

    # Literally: every window of five slices at stride 1, each run alone, probabilities averaged.
    values = normalise(volume.array, "MR", config.intensity)
    frame = volume.geometry.canonical_frame()
    crop = slice_crop(frame)
    edges = np.array([[11.5, 8.5, 32.5, 29.5]])
    box = crop.to_pixels(edges, config.image_size)
    total = np.zeros((9, crop.height, crop.width))
    seen = np.zeros(9)
    for start in range(5 - 4, 13 + 1):
        indices = [min(max(z, 0), 19) for z in range(start, start + 5)]
        window = torch.from_numpy(crop.extract(values[indices], config.image_size))
        boxes = np.repeat(box, 5, axis=0)
        prior = ellipsoid_prior(np.arange(start, start + 5), 5, 13, boxes, config)
        with torch.no_grad():
            prompt = NetworkPrompt(boxes[None], prior[None]).map(torch.from_numpy)
            logits, _ = model(window[None], prompt)
        logits = F.interpolate(logits[0], size=(crop.height, crop.width), mode="bilinear")
        probability = logits.softmax(1)[:, 1].numpy()
        for place, z in enumerate(range(start, start + 5)):
            if 5 <= z <= 13:
                total[z - 5] += probability[place]
                seen[z - 5] += 1
    mean = total / seen[:, None, None]
    inside = mean[:, 9 - crop.y0 : 30 - crop.y0, 12 - crop.x0 : 33 - crop.x0]
    assert lesion.offset_kji == (5, 9, 12)
    assert np.abs(lesion.probability - inside).max() < 1e-4
    assert lesion.mask.any()
    assert not lesion.mask.all()


@given(
    st.tuples(st.integers(0, 40), st.integers(0, 32), st.integers(0, 16)),
    st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 8)),
    st.sampled_from([0.0, 2.0, 6.0]),
)
@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_voxel_outside_box_and_margin_is_ever_set(
    segmenter: Segmenter,
    volume: Volume,
    low: tuple[int, int, int],
    extra: tuple[int, int, int],
    margin: float,
) -> None:
    (i0, j0, k0), (i1, j1, k1) = low, [a + b for a, b in zip(low, extra, strict=True)]
    options = SegmentOptions(quality="fast", threshold=0.05, margin_mm=margin, postprocess=RAW)
    box = BoxPrompt.from_voxels(i0, i1, j0, j1, k0, k1)
    mask = segmenter.segment(box, options).mask_on_volume()
    k, j, i = np.nonzero(mask)
    spacing = volume.geometry.spacing
    reach = margin / spacing + 0.5 + 1e-9
    for index, start, end, r in (
        (i, i0, i1, reach[0]),
        (j, j0, j1, reach[1]),
        (k, k0, k1, reach[2]),
    ):
        assert index.min() >= start - r
        assert index.max() <= end + r
    # at so low a threshold everything that may be set is set
    clipped = [
        min(n - 1, e) - s + 1 for s, e, n in zip(low, (i1, j1, k1), (48, 40, 20), strict=True)
    ]
    assert mask.sum() >= np.prod(clipped)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (0, 2, 1)])
@pytest.mark.parametrize("flips", [(False, False, False), (True, False, True), (True, True, True)])
def test_the_same_anatomy_stored_otherwise_gives_the_same_physical_mask(
    build_model: BuildModel,
    volume: Volume,
    order: tuple[int, int, int],
    flips: tuple[bool, bool, bool],
) -> None:
    segmenter = Segmenter(build_model(), device="cpu")
    options = SegmentOptions(quality="fast", postprocess=RAW)
    segmenter.set_volume(volume)
    expected = segmenter.segment(BOX, options).mask_on_volume()

    # Store the very same voxels along permuted and reversed axes, with the matching matrix.
    array, matrix = volume.array, volume.geometry.ijk_to_lps.copy()
    for axis in range(3):
        if flips[axis]:
            matrix[:3, 3] += matrix[:3, axis] * (array.shape[2 - axis] - 1)
            matrix[:3, axis] *= -1
            array = np.flip(array, 2 - axis)
    matrix = matrix[:, [*order, 3]]
    array = array.transpose([2 - order[2], 2 - order[1], 2 - order[0]])
    geometry = Geometry(array.shape, matrix)
    stored = Volume(np.ascontiguousarray(array), geometry, "MR")
    corners = geometry.ijk_from_lps(volume.geometry.lps_from_ijk(BOX.corners_ijk))
    segmenter.set_volume(stored)
    mask = segmenter.segment(BoxPrompt(corners), options).mask_on_volume()

    found = np.argwhere(mask)[:, ::-1]
    wanted = np.argwhere(expected)[:, ::-1]
    assert len(found) == len(wanted) > 0
    a = np.round(geometry.lps_from_ijk(found), 3)
    b = np.round(volume.geometry.lps_from_ijk(wanted), 3)
    assert {tuple(p) for p in a} == {tuple(p) for p in b}


def test_a_second_box_on_the_same_slices_costs_no_encoding(
    segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = count_encodes(segmenter, monkeypatch)
    segmenter.segment(BOX)
    assert sum(calls) > 0
    first = sum(calls)
    again = segmenter.segment(BoxPrompt.from_voxels(12, 32, 9, 29, 6, 12))
    assert sum(calls) == first
    assert again.mask.shape[0] == 7


def test_a_small_margin_looks_through_the_same_crop_and_changes_nothing_inside_the_box(
    segmenter: Segmenter,
) -> None:
    plain = segmenter.segment(BOX, SegmentOptions(postprocess=RAW))
    wider = segmenter.segment(BOX, SegmentOptions(postprocess=RAW, margin_mm=2.0))
    # 2 mm reach two more voxels on each side, and from the box's face to one more slice centre
    assert wider.probability.shape == (11, 25, 25)
    assert np.allclose(wider.probability[1:-1, 2:-2, 2:-2], plain.probability, atol=1e-6)
    assert (wider.probability[:, :2] > 0).any()


def test_a_margin_beyond_the_crop_widens_it(segmenter: Segmenter) -> None:
    wider = segmenter.segment(BOX, SegmentOptions(postprocess=RAW, margin_mm=12.0))
    assert wider.probability.shape[1:] == (40, 46)
    assert (wider.probability > 0).all()


def test_reused_embeddings_change_nothing(segmenter: Segmenter) -> None:
    first = segmenter.segment(BOX)
    second = segmenter.segment(BOX)
    segmenter.cache.clear()
    third = segmenter.segment(BOX)
    assert np.array_equal(first.probability, second.probability)
    assert np.array_equal(first.probability, third.probability)


def test_going_back_to_a_volume_reuses_its_embeddings(
    segmenter: Segmenter, volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = segmenter.segment(BOX)
    segmenter.set_volume(Volume(volume.array + 1, volume.geometry, "MR"))
    segmenter.segment(BOX)
    calls = count_encodes(segmenter, monkeypatch)
    segmenter.set_volume(Volume(volume.array.copy(), volume.geometry, "MR"))
    again = segmenter.segment(BOX)
    assert sum(calls) == 0
    assert np.array_equal(first.probability, again.probability)


def test_another_volumes_embeddings_are_never_taken(
    segmenter: Segmenter, build_model: BuildModel, volume: Volume
) -> None:
    segmenter.segment(BOX)
    other = Volume(volume.array[:, ::-1].copy(), volume.geometry, "MR")
    segmenter.set_volume(other)
    fresh = Segmenter(build_model(), device="cpu")
    fresh.set_volume(other)
    assert np.array_equal(segmenter.segment(BOX).probability, fresh.segment(BOX).probability)


def test_other_intensity_limits_need_other_embeddings(
    segmenter: Segmenter, volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    segmenter.segment(BOX)
    calls = count_encodes(segmenter, monkeypatch)
    segmenter.set_volume(volume, modality="CT")
    segmenter.segment(BOX)
    assert sum(calls) > 0


def test_a_cache_too_small_for_one_window_still_gives_the_same_mask(
    build_model: BuildModel, volume: Volume, segmenter: Segmenter
) -> None:
    small = Segmenter(build_model(), device="cpu", cache_bytes=10)
    small.set_volume(volume)
    assert np.array_equal(small.segment(BOX).mask, segmenter.segment(BOX).mask)
    assert small.cache.bytes == 0


def test_cost_does_not_grow_with_the_volume(
    segmenter: Segmenter, volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = count_encodes(segmenter, monkeypatch)
    segmenter.segment(BOX)
    short = sum(calls)
    calls.clear()
    tall = np.concatenate([volume.array] * 8)
    geometry = Geometry(tall.shape, volume.geometry.ijk_to_lps)
    segmenter.set_volume(Volume(tall, geometry, "MR"))
    segmenter.segment(BOX)
    assert sum(calls) == short


def test_cancelling_between_windows_raises_and_the_next_run_works(segmenter: Segmenter) -> None:
    asked = iter([False, False, True])
    with pytest.raises(Cancelled):
        segmenter.segment(BOX, cancelled=lambda: next(asked))
    assert segmenter.segment(BOX).probability.shape == (9, 21, 21)


def test_a_box_without_a_name_gives_a_lesion_with_one(segmenter: Segmenter) -> None:
    assert segmenter.segment(BOX).name == "ball"
    assert segmenter.segment(BOX.renamed("")).name == "Lesion"


def test_progress_runs_from_nothing_to_one(segmenter: Segmenter) -> None:
    seen: list[float] = []
    segmenter.segment(BOX, progress=lambda fraction, text: seen.append(fraction))
    assert seen[0] == 0.0
    assert seen[-1] == 1.0
    assert seen == sorted(seen)


def test_out_of_memory_halves_the_batch_and_gives_the_same_mask(
    on_pytorch: Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = on_pytorch.segment(BOX)
    on_pytorch.cache.clear()
    monkeypatch.setitem(module.WINDOWS_PER_BATCH, "cpu", 8)
    original = on_pytorch.model.encode
    refused: list[int] = []

    def encode(windows: torch.Tensor) -> object:
        if len(windows) > 2:
            refused.append(len(windows))
            raise torch.OutOfMemoryError("CUDA out of memory")
        return original(windows)

    monkeypatch.setattr(on_pytorch.model, "encode", encode)
    lesion = on_pytorch.segment(BOX)
    assert refused == [4]
    assert np.abs(lesion.probability - expected.probability).max() < 1e-5


def test_memory_that_holds_no_window_is_reported_in_plain_words(
    on_pytorch: Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def encode(windows: torch.Tensor) -> object:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(on_pytorch.model, "encode", encode)
    with pytest.raises(DeviceMemoryError, match="smaller model"):
        on_pytorch.segment(BOX)


def test_an_oblique_box_sets_nothing_outside_its_cut(segmenter: Segmenter, volume: Volume) -> None:
    angle = np.radians(30)
    axes = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]]
    )
    center = volume.geometry.lps_from_ijk([[22, 19, 9]])[0]
    box = BoxPrompt.from_oriented(center, axes, (20.0, 12.0, 20.0), volume.geometry)
    options = SegmentOptions(quality="fast", threshold=0.05, postprocess=RAW)
    mask = segmenter.segment(box, options).mask_on_volume()
    lps = volume.geometry.lps_from_ijk(np.argwhere(mask)[:, ::-1]) - center
    half_x = 10 * np.cos(angle) + 6 * np.sin(angle)
    half_y = 10 * np.sin(angle) + 6 * np.cos(angle)
    assert np.abs(lps[:, 0]).max() <= half_x + 1e-6
    assert np.abs(lps[:, 1]).max() <= half_y + 1e-6
    assert np.abs(lps[:, 2]).max() <= 10 + 1e-6
    assert mask.any()


def test_a_volume_of_one_slice_works(build_model: BuildModel, volume: Volume) -> None:
    segmenter = Segmenter(build_model(), device="cpu")
    one = Volume(volume.array[9:10], Geometry((1, 40, 48), volume.geometry.ijk_to_lps), "MR")
    segmenter.set_volume(one)
    lesion = segmenter.segment(BoxPrompt.from_voxels(12, 32, 9, 29, 0, 0))
    assert lesion.mask.shape == (1, 21, 21)


@pytest.mark.parametrize("kind", ["nan", "constant", "outlier", "uint8"])
def test_awkward_values_give_finite_probabilities(
    build_model: BuildModel, volume: Volume, kind: str
) -> None:
    values = volume.array.astype(np.float32)
    if kind == "nan":
        values[3:6, 10:20] = np.nan
        values[0, 0, 0] = np.inf
    elif kind == "constant":
        values[:] = 7
    elif kind == "outlier":
        values[9, 20, 20] = 1e30
    else:
        values = np.clip(values / 4, 0, 255).astype(np.uint8)
    segmenter = Segmenter(build_model(), device="cpu")
    segmenter.set_volume(Volume(values, volume.geometry))
    probability = segmenter.segment(BOX).probability
    assert np.isfinite(probability).all()
    assert probability.min() >= 0
    assert probability.max() <= 1


@pytest.mark.parametrize("changes", [{"decoder": "multiscale"}, {"decoder": "sam"}])
@pytest.mark.parametrize("view", ["slice", "prompt"])
def test_every_decoder_and_field_of_view_segments(
    build_model: BuildModel, volume: Volume, changes: dict[str, str], view: str
) -> None:
    segmenter = Segmenter(build_model(**changes, field_of_view=view), device="cpu")
    segmenter.set_volume(volume)
    lesion = segmenter.segment(BOX)
    assert lesion.probability.shape == (9, 21, 21)
    assert lesion.name == "ball"


def test_a_model_of_several_classes_is_refused(build_model: BuildModel, volume: Volume) -> None:
    segmenter = Segmenter(build_model(num_classes=3), device="cpu")
    segmenter.set_volume(volume)
    with pytest.raises(ConfigError, match="3 classes"):
        segmenter.segment(BOX)


def test_a_box_outside_and_a_missing_volume_are_refused(
    build_model: BuildModel, segmenter: Segmenter
) -> None:
    with pytest.raises(BoxError, match="outside"):
        segmenter.segment(BoxPrompt.from_voxels(100, 120, 9, 29, 5, 13))
    with pytest.raises(ConfigError, match="volume"):
        Segmenter(build_model(), device="cpu").segment(BOX)


@pytest.mark.parametrize(
    "bad", [{"threshold": 0.0}, {"threshold": 1.0}, {"margin_mm": -1.0}, {"quality": "superb"}]
)
def test_bad_options_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        replace(SegmentOptions(), **bad)


def test_confidence_is_the_dice_expected_under_the_probabilities() -> None:
    rng = np.random.default_rng(0)
    probability = rng.beta(0.4, 0.4, size=(12, 12, 12)).astype(np.float32)
    mask = probability > 0.5
    draws = rng.random((300, *probability.shape)) < probability
    dice = 2 * (draws & mask).sum((1, 2, 3)) / (mask.sum() + draws.sum((1, 2, 3)))
    assert confidence(probability, mask) == pytest.approx(dice.mean(), abs=0.01)
    assert confidence(probability, np.zeros_like(mask)) == 0.0


@pytest.mark.gpu
def test_cuda_agrees_with_the_cpu(
    build_model: BuildModel, on_pytorch: Segmenter, volume: Volume
) -> None:
    gpu = Segmenter(build_model(), device="cuda", precision="float32")
    gpu.set_volume(volume)
    difference = gpu.segment(BOX).probability - on_pytorch.segment(BOX).probability
    assert np.abs(difference).max() < 1e-3


def test_predicted_confidence_weighs_slices_by_area() -> None:
    mask = np.zeros((3, 4, 4), dtype=bool)
    mask[0, :2] = True  # 8
    mask[1, 0, :2] = True  # 2
    got = predicted_confidence(np.array([0.9, 0.4, 0.1]), mask)
    assert got == pytest.approx((8 * 0.9 + 2 * 0.4) / 10)
    assert predicted_confidence(np.array([0.9, 0.4, 0.1]), np.zeros_like(mask)) == 0.0
    assert predicted_confidence(np.array([1.4, 1.2, 0.0]), mask) == 1.0


@pytest.mark.usefixtures("never_cut")
def test_the_quality_head_speaks_where_the_config_says_so(
    build_model: BuildModel, volume: Volume
) -> None:
    model = build_model(confidence="predicted")
    with torch.no_grad():  # a head that says 0.625 whatever it sees
        last = model.mask_decoder.iou_prediction_head.layers[-1]
        last.weight.zero_()
        last.bias.copy_(torch.tensor([0.0, 0.625]))
    segmenter = Segmenter(model, device="cpu")
    segmenter.set_volume(volume)
    assert segmenter.segment(BOX).confidence == pytest.approx(0.625)


def test_local_channels_and_detail_go_through_the_cache_unchanged(
    build_model: BuildModel, volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    segmenter = Segmenter(build_model(channels="local", detail_width=4), device="cpu")
    segmenter.set_volume(volume)
    first = segmenter.segment(BOX)
    calls = count_encodes(segmenter, monkeypatch)
    second = segmenter.segment(BOX)
    assert not calls
    assert np.array_equal(first.probability, second.probability)


def test_values_beyond_the_limits_reach_a_model_with_local_channels(
    build_model: BuildModel, volume: Volume
) -> None:
    # A faint difference below the lower limit: invisible to a model that sees cut values.
    dark = Volume(volume.array // 20 - 900, volume.geometry, "CT", "dark")
    flat = Volume(np.full_like(volume.array, -880), volume.geometry, "CT", "flat")
    for channels, differs in (("repeat", False), ("local", True)):
        answers = []
        for seen in (dark, flat):
            segmenter = Segmenter(build_model(channels=channels), device="cpu")
            segmenter.set_volume(seen)
            answers.append(segmenter.segment(BOX).probability)
        assert np.allclose(*answers, atol=1e-6) != differs


def test_int8_gives_nearly_the_same_mask(build_model: BuildModel, volume: Volume) -> None:
    masks = []
    for precision in ("float32", "int8"):
        segmenter = Segmenter(build_model(), device="cpu", precision=precision)
        segmenter.set_volume(volume)
        assert segmenter.precision == precision
        masks.append(segmenter.segment(BOX, SegmentOptions(postprocess=RAW)).probability)
    assert 0 < np.abs(masks[0] - masks[1]).max() < 0.1


def test_embeddings_are_kept_in_half_precision(segmenter: Segmenter) -> None:
    segmenter.segment(BOX)
    config = segmenter.config
    window = config.num_slices * 256 * config.grid**2 * 2  # bytes
    assert segmenter.cache.bytes == len(segmenter.cache) * window


def test_a_decoder_batch_that_does_not_fit_is_halved_and_embeddings_stay(
    build_model: BuildModel, volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    segmenter = Segmenter(build_model(), device="cpu")
    segmenter.set_volume(volume)
    expected = segmenter.segment(BOX).probability
    calls = count_encodes(segmenter, monkeypatch)
    sizes: list[int] = []
    original = segmenter.model.decode

    def decode(window: Embedding, *arguments: Any) -> Any:
        sizes.append(len(window.image))
        if len(window.image) > 10:
            raise torch.cuda.OutOfMemoryError("full")
        return original(window, *arguments)

    monkeypatch.setattr(segmenter.model, "decode", decode)
    segmenter._slices_at_once = 32
    got = segmenter.segment(BOX).probability
    assert max(sizes) > 10  # it was tried
    assert not calls  # and nothing was embedded again
    assert np.allclose(got, expected, atol=1e-5)


def test_a_volume_that_was_let_go_is_needed_again(segmenter: Segmenter, volume: Volume) -> None:
    segmenter.segment(BOX)
    kept = len(segmenter.cache)
    segmenter.forget_volume()
    with pytest.raises(ConfigError, match="Choose a volume"):
        segmenter.segment(BOX)
    segmenter.set_volume(volume)
    segmenter.segment(BOX)
    assert len(segmenter.cache) == kept


@pytest.fixture
def never_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """No box cuts: masks of random weights end flat anywhere, and their confidence is none."""
    monkeypatch.setattr(box_answer, "find_cuts", lambda *_: ())


@pytest.mark.usefixtures("never_cut")
def test_what_is_worth_a_word_comes_with_the_lesion(segmenter: Segmenter, volume: Volume) -> None:
    """From wherever it is asked: command line, batch and both front ends show these messages."""
    k, j, i = (n // 2 for n in volume.geometry.shape)
    thin = BoxPrompt.from_voxels(i - 4, i + 4, j - 4, j + 4, k, k)
    lesion = segmenter.segment(thin, SegmentOptions(threshold=0.05, postprocess=RAW))
    assert lesion.mask.any()
    assert lesion.messages[0] == "The box holds a single slice. Set its first and last slice."
    assert lesion.confidence < 0.8  # random weights
    assert f"Low confidence ({lesion.confidence:.0%})" in lesion.messages[-1]
    assert len(set(lesion.messages)) == len(lesion.messages)


@pytest.mark.parametrize("value", [0, 700, -1000])
@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_where_there_is_nothing_to_see_nothing_is_outlined(
    segmenter: Segmenter, volume: Volume, value: int, modality: str
) -> None:
    """A constant image gave a blob with a volume and a confidence."""
    constant = replace(volume, array=np.full_like(volume.array, value), modality=modality)
    segmenter.set_volume(constant)
    lesion = segmenter.segment(BoxPrompt.from_voxels(12, 32, 9, 29, 6, 12))
    assert not lesion.mask.any()
    assert any("nothing to see" in message for message in lesion.messages)


@pytest.mark.parametrize(
    ("modality", "around"), [("CT", "far away"), ("MR", "far away"), (None, "rounding")]
)
def test_a_box_in_which_there_is_nothing_to_see_is_told_though_the_image_is_not_empty(
    segmenter: Segmenter, volume: Volume, modality: str | None, around: str
) -> None:
    """A mask would follow the box, and the confidence what lies beside it."""
    array = np.full(volume.array.shape, 73.1, np.float32)
    if around == "rounding":
        array *= 1 + np.random.default_rng(0).uniform(-1e-7, 1e-7, array.shape).astype(np.float32)
    else:
        array[:, 35:] = 300  # beyond the box's sides, within what the network looks at
        array[:2] = 100  # else the lesion is the darkest of what counts, as black as the rest
    segmenter.set_volume(Volume(array, volume.geometry, modality))
    lesion = segmenter.segment(BoxPrompt.from_voxels(12, 32, 9, 29, 6, 12))
    assert not lesion.mask.any()
    assert not lesion.confidence > 0
    assert any("nothing to see" in message for message in lesion.messages)
    filled = array.copy()
    filled[6:13, 9:30, 12:33] = 150  # a lesion that fills its box stands out of it
    segmenter.set_volume(Volume(filled, volume.geometry, modality))
    seen = segmenter.segment(BoxPrompt.from_voxels(12, 32, 9, 29, 6, 12), quality="fast")
    assert not any("nothing to see" in message for message in seen.messages)


def test_values_beyond_a_window_are_one_grey_to_a_model_that_cuts_them(
    build_model: BuildModel, volume: Volume
) -> None:
    air = np.where(volume.array > 500, -400, -900).astype(np.int16)
    one = replace(volume, array=air, modality="CT")
    segmenter = Segmenter(build_model(), "cpu")
    segmenter.set_volume(one)
    box = BoxPrompt.from_voxels(12, 32, 9, 29, 6, 12)
    assert any("nothing to see" in m for m in segmenter.segment(box).messages)
    segmenter.set_volume(volume)
    assert not any("nothing to see" in m for m in segmenter.segment(box).messages)


def test_what_the_file_left_open_comes_with_the_lesion(
    segmenter: Segmenter, volume: Volume
) -> None:
    segmenter.set_volume(replace(volume, notes=("The file does not say.",)))
    lesion = segmenter.segment(BoxPrompt.from_voxels(12, 32, 9, 29, 6, 12))
    assert lesion.messages[0] == "The file does not say."


def test_a_mask_stands_as_it_is_until_it_is_corrected(segmenter: Segmenter, volume: Volume) -> None:
    """As one from a file: the model draws nothing, and the record says how it began."""
    mask = np.zeros(volume.geometry.shape, dtype=bool)
    mask[6:12, 12:26, 14:30] = True
    plain = segmenter.segment(mask=mask)
    assert np.array_equal(plain.mask_on_volume(), mask)
    assert plain.prompts is not None
    assert plain.prompts.started_from_mask
    assert np.isnan(plain.confidence)
    clicks = [
        Correction("point", volume.geometry.lps_from_ijk([[33, 18, 9]])),
        Correction("point", volume.geometry.lps_from_ijk([[15, 13, 7]]), positive=False),
    ]
    corrected = segmenter.segment(mask=mask, corrections=clicks)
    found = corrected.mask_on_volume()
    assert found[9, 18, 33]
    assert not found[7, 13, 15]
    assert corrected.prompts.corrections == tuple(clicks)
    again = segmenter.refine(plain, clicks)
    assert np.array_equal(again.mask_on_volume(), found)


def test_a_mask_that_cannot_be_one_is_refused(segmenter: Segmenter, volume: Volume) -> None:
    with pytest.raises(BoxError, match="a prompt, a mask, or both"):
        segmenter.segment()
    with pytest.raises(SegmentationError, match="is empty"):
        segmenter.segment(mask=np.zeros(volume.geometry.shape, dtype=bool))
    with pytest.raises(SegmentationError, match="must be the same"):
        segmenter.segment(mask=np.ones((3, 3, 3), dtype=bool))
    other = replace(volume, geometry=Geometry.from_spacing(volume.geometry.shape, (1, 1, 1)))
    lesion = segmenter.segment(BOX)
    segmenter.set_volume(other)
    with pytest.raises(SegmentationError, match="another image"):
        segmenter.refine(lesion, [])
