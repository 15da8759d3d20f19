"""Synthetic lesions: where the mask says lesion the picture has changed, elsewhere hardly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.data.cases import Case
from masam_core.image.geometry import Geometry
from masam_core.training import synthetic
from masam_core.training.prepared import PreparedCase
from masam_core.training.synthetic import smooth_noise, synthesise


def prepared(value: float = 0.4) -> PreparedCase:
    """A flat grey volume of 20 slices, 3 mm apart, with a small real lesion."""
    shape = (20, 90, 80)
    mask = np.zeros(shape, dtype=bool)
    mask[3:5, 10:14, 10:14] = True
    frame = Geometry.from_spacing(shape, (1.0, 1.0, 3.0)).canonical_frame()
    case = Case("flat", "p", "MR", "train", Path("i"), Path("l"))
    slices = np.full(shape, value, dtype=np.float16)
    return PreparedCase(case, slices, mask, frame, (10, 10, 3, 13, 13, 4))


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real surroundings and one blob each that can be seen."""
    for name in ("IMAGINED_FRACTION", "DISTRACTOR_FRACTION", "AIR_FRACTION", "FAINT_FRACTION"):
        monkeypatch.setattr(synthetic, name, 0.0)


def draws(count: int) -> list[PreparedCase]:
    source = prepared()
    made = [synthesise(source, np.random.default_rng(seed)) for seed in range(count)]
    return [m for m in made if m is not None]


def test_the_box_is_the_tight_box_of_the_new_mask_alone() -> None:
    made = draws(12)
    assert len(made) >= 10
    for case in made:
        z, y, x = np.nonzero(case.mask)
        assert case.box == (x.min(), y.min(), z.min(), x.max(), y.max(), z.max())


@pytest.mark.usefixtures("plain")
def test_the_lesion_differs_from_its_surroundings_and_the_rest_stays() -> None:
    for case in draws(12):
        inside = case.slices[case.mask].astype(float)
        assert abs(np.median(inside) - 0.4) > 0.02
        x0, y0, z0, x1, y1, z1 = case.box
        far = np.ones(case.mask.shape, dtype=bool)
        far[max(0, z0 - 8) : z1 + 9, max(0, y0 - 30) : y1 + 31, max(0, x0 - 30) : x1 + 31] = False
        assert np.allclose(case.slices[far].astype(float), 0.4, atol=1e-3)


def test_values_stay_near_the_range_and_the_source_is_untouched() -> None:
    source = prepared()
    before = source.slices.copy()
    for seed in range(8):
        case = synthesise(source, np.random.default_rng(seed))
        if case is not None:
            assert float(case.slices.min()) >= -1.0
            assert float(case.slices.max()) <= 2.0
    assert np.array_equal(source.slices, before)


def test_lesions_are_round_in_mm_not_in_voxels() -> None:
    ratios = []
    for case in draws(40):
        x0, y0, z0, x1, y1, z1 = case.box
        ratios.append((z1 - z0 + 1) * 3.0 / max(x1 - x0 + 1, y1 - y0 + 1))
    assert 0.5 < np.median(ratios) < 1.6


def test_air_gets_a_lesion_only_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic, "IMAGINED_FRACTION", 0.0)
    made = [synthesise(prepared(0.0), np.random.default_rng(seed)) for seed in range(60)]
    assert 1 <= sum(m is not None for m in made) <= 20


def test_some_surroundings_are_imagined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic, "IMAGINED_FRACTION", 1.0)
    for case in draws(5):
        assert float(case.slices[~case.mask].astype(float).std()) > 0.05


@pytest.mark.usefixtures("plain")
def test_shapes_lean_come_apart_and_fill_their_boxes_differently() -> None:
    fills, offsets, parts = [], [], []
    for case in draws(60):
        x0, y0, z0, x1, y1, z1 = case.box
        box = case.mask[z0 : z1 + 1, y0 : y1 + 1, x0 : x1 + 1]
        fills.append(box.mean())
        centre = (np.argwhere(box).mean(axis=0) + 0.5) / box.shape
        offsets.append(np.abs(centre - 0.5).max())
        parts.append(sitk.LabelShapeStatisticsImageFilter())
        parts[-1].Execute(sitk.ConnectedComponent(sitk.GetImageFromArray(box.astype(np.uint8))))
    assert min(fills) < 0.3  # an ellipsoid fills pi / 6 = 0.52
    assert max(fills) > 0.5
    assert max(offsets) > 0.08
    assert max(p.GetNumberOfLabels() for p in parts) > 1


def test_the_same_seed_gives_the_same_lesion() -> None:
    first = synthesise(prepared(), np.random.default_rng(4))
    second = synthesise(prepared(), np.random.default_rng(4))
    assert first is not None
    assert second is not None
    assert np.array_equal(first.slices, second.slices)
    assert np.array_equal(first.mask, second.mask)


@pytest.mark.parametrize("knots", [3, 9])
def test_noise_is_smooth_and_centred(knots: int) -> None:
    noise = smooth_noise((9, 60, 60), knots, np.random.default_rng(1))
    assert noise.shape == (9, 60, 60)
    steps = np.abs(np.diff(noise, axis=2)).mean()
    assert steps < 0.35 * noise.std()


@pytest.mark.usefixtures("plain")
def test_faint_lesions_differ_by_less_than_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def contrasts() -> list[float]:
        found = []
        for case in draws(16):
            deep = case.mask.copy()  # away from the blended border
            for axis in (1, 2):
                deep &= np.roll(case.mask, 2, axis) & np.roll(case.mask, -2, axis)
            if deep.any():
                found.append(abs(float(np.median(case.slices[deep].astype(float))) - 0.4))
        return found

    seen = contrasts()
    monkeypatch.setattr(synthetic, "FAINT_FRACTION", 1.0)
    faint = contrasts()
    assert len(faint) > 8
    assert np.median(faint) < 0.5 * np.median(seen)
