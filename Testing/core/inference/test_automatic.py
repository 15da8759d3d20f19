"""Segmentation without prompts, against every window run alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch.nn import functional as F

from masam_core.errors import Cancelled, ConfigError, IntensityError
from masam_core.image.geometry import Geometry
from masam_core.image.intensity import normalise
from masam_core.image.volume import Volume
from masam_core.inference.automatic import extents_of, segment_classes
from masam_core.inference.segmenter import Segmenter
from masam_core.inference.view import slice_crop
from masam_core.lesion.crops import tight_slices
from masam_core.lesion.organs import term_of
from masam_core.model.prompt import NetworkPrompt

from .conftest import BuildModel

AUTOMATIC = {"field_of_view": "slice", "shape_prior": "none", "num_classes": 3}


def test_best_quality_is_the_likeliest_class_of_the_mean_over_all_windows(
    build_model: BuildModel, volume: Volume
) -> None:
    model = build_model(**AUTOMATIC)
    config = model.config
    segmenter = Segmenter(build_model(**AUTOMATIC), device="cpu")
    segmenter.set_volume(volume)
    found = segment_classes(segmenter, "best")

    values = normalise(volume.array, "MR", config.intensity)
    crop = slice_crop(volume.geometry.canonical_frame())
    total, seen = torch.zeros(20, 4, crop.height, crop.width), torch.zeros(20)
    for start in range(-4, 20):
        indices = [min(max(z, 0), 19) for z in range(start, start + 5)]
        with torch.no_grad():
            window = torch.from_numpy(crop.extract(values[indices], config.image_size))
            logits, _ = model(window[None], NetworkPrompt())
        up = F.interpolate(logits[0], size=(crop.height, crop.width), mode="bilinear").softmax(1)
        for place, z in enumerate(range(start, start + 5)):
            if 0 <= z < 20:
                total[z] += up[place]
                seen[z] += 1
    expected = (total / seen[:, None, None, None]).argmax(dim=1)[:, :40, :48].numpy()
    got = np.zeros((20, 40, 48), dtype=int)
    for lesion in found:
        got[lesion.mask_on_volume()] = int(lesion.name.split()[-1])
    assert (got != expected).mean() < 1e-3
    assert len(np.unique(expected)) > 1
    # A class that is not there keeps its place, so that values in a label image mean classes.
    assert [f.name for f in found] == ["class 1", "class 2", "class 3"]
    assert [f.mask.any() for f in found] == [(expected == n).any() for n in (1, 2, 3)]


def test_slices_may_run_along_another_axis(build_model: BuildModel, volume: Volume) -> None:
    segmenter = Segmenter(build_model(**AUTOMATIC), device="cpu")
    segmenter.set_volume(volume)
    found = segment_classes(segmenter, "fast", slice_axis=0)
    assert volume.geometry.acquisition_axis != 0
    assert {lesion.measurements.diameter_axis for lesion in found} <= {0, None}
    assert any(lesion.mask.any() for lesion in found)
    usual = segment_classes(segmenter, "fast")
    assert any(
        (a.mask_on_volume() != b.mask_on_volume()).any() for a, b in zip(found, usual, strict=True)
    )


def test_classes_lie_on_the_volumes_own_grid_whatever_its_axes(
    build_model: BuildModel, volume: Volume
) -> None:
    turned = Geometry.from_spacing(
        (20, 40, 48), (0.9, 0.9, 2.5), direction=np.diag([-1.0, 1.0, -1.0])
    )
    flipped = Volume(np.ascontiguousarray(volume.array[::-1, :, ::-1]), turned, "MR", "flipped")
    masks = []
    for seen in (volume, flipped):
        segmenter = Segmenter(build_model(**AUTOMATIC), device="cpu")
        segmenter.set_volume(seen)
        masks.append({f.name: f.mask_on_volume() for f in segment_classes(segmenter, "best")})
    assert masks[0].keys() == masks[1].keys()
    for name, mask in masks[0].items():
        assert (mask != masks[1][name][::-1, :, ::-1]).mean() < 1e-3


def test_names_come_from_the_model_and_cancelling_stops(
    build_model: BuildModel, volume: Volume
) -> None:
    model = build_model(**AUTOMATIC, class_names=("liver", "spleen", "kidney"))
    segmenter = Segmenter(model, device="cpu")
    segmenter.set_volume(volume)
    found = segment_classes(segmenter, "fast")
    assert [f.name for f in found] == ["liver", "spleen", "kidney"]
    with pytest.raises(Cancelled):
        segment_classes(segmenter, cancelled=lambda: True)


def test_a_model_that_needs_a_box_is_refused(build_model: BuildModel, volume: Volume) -> None:
    segmenter = Segmenter(build_model(), device="cpu")
    segmenter.set_volume(volume)
    with pytest.raises(ConfigError, match="needs a box"):
        segment_classes(segmenter)
    nothing = Segmenter(build_model(**AUTOMATIC), device="cpu")
    with pytest.raises(ConfigError, match="Choose a volume"):
        segment_classes(nothing)
    nothing.set_volume(replace(volume, name="again"))
    assert nothing.volume.name == "again"


@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_an_image_of_one_value_is_refused(
    build_model: BuildModel, volume: Volume, modality: str
) -> None:
    segmenter = Segmenter(build_model(**AUTOMATIC), device="cpu")
    flat = np.full(volume.array.shape, 40, np.int16)
    segmenter.set_volume(Volume(flat, volume.geometry, modality))
    with pytest.raises(IntensityError, match="nothing to see"):
        segment_classes(segmenter, "fast")


def test_chosen_classes_have_the_masks_that_they_have_among_all(
    build_model: BuildModel, volume: Volume
) -> None:
    names = ("liver", "spleen", "left kidney")
    segmenter = Segmenter(build_model(**AUTOMATIC, class_names=names), device="cpu")
    segmenter.set_volume(volume)
    whole = {f.name: f for f in segment_classes(segmenter, "fast")}
    told: list[tuple[float, str]] = []
    some = segment_classes(
        segmenter, "fast", lambda *two: told.append(two), classes=["Kidney", "liver"]
    )
    assert [f.name for f in some] == ["liver", "left kidney"]
    assert any(f.mask.any() for f in some)
    for one in some:
        assert np.array_equal(one.mask_on_volume(), whole[one.name].mask_on_volume())
        assert one.term is not None
        assert one.term.entry == term_of(one.name).entry
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] < 1
    assert told[0][1] == "window 1 of 4"
    assert told[-1][1] == "measuring left kidney"
    with pytest.raises(ConfigError, match="knows no 'heart'; it knows liver, spleen, left"):
        segment_classes(segmenter, "fast", classes=["heart"])


@given(arrays(np.uint8, (4, 5, 6), elements=st.integers(0, 3)))
def test_extents_are_those_of_each_label_alone(labels: np.ndarray) -> None:
    found = extents_of(labels)
    assert set(found) == set(np.unique(labels)) - {0}
    for value, where in found.items():
        assert where == tight_slices(labels == value)
