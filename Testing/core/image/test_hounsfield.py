"""CT told from padded MR by values alone: phantoms with noise, partial volume and resampling."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from masam_core.image.hounsfield import seen_values
from masam_core.image.intensity import (
    DEFAULT_INTENSITY,
    doubt_about,
    guess_modality,
    intensity_limits,
)

_, Y, X = np.indices((8, 48, 48)) - 24.0
BODY = Y**2 / 18**2 + X**2 / 20**2 < 1
PADDINGS = [-1000.0, -1024.0, -2000.0, -32768.0, -999.5]


def noise(sd: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, sd, BODY.shape)


def ct(sd: float = 12.0, lungs: bool = False) -> np.ndarray:
    """A body with a coat of fat, in air, as a scanner sees it: blurred, then with noise."""
    image = np.where(BODY, 45.0, -1000.0)
    image[BODY & (Y**2 / 14**2 + X**2 / 15**2 >= 1)] = -100
    if lungs:
        image[(Y**2 + (np.abs(X) - 9) ** 2 < 6**2)] = -850
    image[(Y - 10) ** 2 + X**2 < 4**2] = 600
    return ndimage.gaussian_filter(image, 0.4) + noise(sd)


def mr(scale: float = 1.0) -> np.ndarray:
    """A body of two tissues with a shaded field and the noise of magnitudes around it."""
    image = np.where(BODY, 300.0, 0.0) * (1 + X / 60)
    image[Y**2 + X**2 < 8**2] = 700
    image = np.hypot(ndimage.gaussian_filter(image, 0.7) + noise(15), noise(15, 1))
    return image * scale


def turned(image: np.ndarray, fill: float, order: int) -> np.ndarray:
    """Resampled about the head to foot axis; what comes from outside is filled, and mixed in."""
    return ndimage.rotate(image, 20, (1, 2), order=order, cval=fill, mode="grid-constant")


def cut_round(image: np.ndarray, fill: float, radius: float = 23) -> np.ndarray:
    """Filled outside a circle, as a scanner's field of view."""
    return np.where(radius**2 > Y**2 + X**2, image, fill)


CTS: dict[str, Any] = {
    "as it is": ct(),
    "lungs": ct(lungs=True),
    "low dose": ct(45),
    "whole numbers": np.rint(ct()).astype(np.int16),
    "air cut off at -1024": np.clip(np.rint(ct(30)), -1024, 3071).astype(np.int16),
    "air cut off at -1000": np.clip(np.rint(ct(30)), -1000, None).astype(np.int16),
    "circle": cut_round(ct(), -3024),
    "circle and cut off": cut_round(np.clip(ct(20), -1024, None), -2000),
    "only the body": np.where(BODY, ct(), -1000),
    "only the body, and lungs": np.where(BODY, ct(lungs=True), -1024),
    "turned": turned(ct(), -1024, 1),
    "turned with a spline": turned(np.clip(ct(20), -1000, None), -1000, 3),
    "a phantom": np.where(BODY, np.where(X**2 + Y**2 < 50, 90, 40), -1000).astype(np.int16),
    "cropped, with a little air": ct()[:, 4:-4, 10:-10],
    "steps of two": (np.rint(ct(20) / 2) * 2).astype(np.int16),
    "32 bits": ct().astype(np.float32),
}
MRS: dict[str, Any] = {"as it is": mr(), "low values": mr(0.3), "high values": mr(4)}
for fill in PADDINGS:
    MRS[f"circle of {fill:g}"] = cut_round(mr(), fill)
    MRS[f"low values, circle of {fill:g}"] = cut_round(mr(0.2), fill, 15)
    MRS[f"only the body in {fill:g}"] = np.where(BODY, np.rint(mr()), fill)
    MRS[f"turned in {fill:g}"] = turned(mr(), fill, 1)
    MRS[f"standard scores in {fill:g}"] = np.where(BODY, (mr() - 300) / 150, fill)
MRS["turned with a spline"] = turned(mr(), -1000, 3)
MRS["low values, turned with a spline"] = turned(mr(0.3), -1000, 3)
MRS["padded twice"] = cut_round(turned(mr(), -1000, 1)[:, :48, :48], -2000, 20)
MRS["nothing below a shift"] = mr() - 100


@pytest.mark.parametrize("name", CTS)
def test_ct_is_known_by_its_air_or_its_fat(name: str) -> None:
    assert guess_modality(CTS[name], None) == "CT"
    assert doubt_about(CTS[name], None) == ""


@pytest.mark.parametrize("name", MRS)
def test_padding_makes_no_ct(name: str) -> None:
    assert guess_modality(MRS[name], None) == "MR"


@pytest.mark.parametrize(
    "values",
    [
        np.full(1000, -1000, np.int16),
        np.zeros(1000, np.float32),
        np.where(BODY, 300, -1000),  # phantoms: no tissue is like this
        np.where(BODY, 0.4, -2000.0),
        np.full(9, np.nan),
        np.array([-5000.0, 7.0]),
        np.linspace(-1000, 1000, 5000),  # a ramp
    ],
)
def test_what_shows_no_modes_is_not_taken_for_ct(values: np.ndarray) -> None:
    assert guess_modality(values, None) == "MR"


def test_a_user_is_told_where_only_a_filling_looks_like_air() -> None:
    told = doubt_about(MRS["circle of -1000"], None)
    assert "taken for MR, because -1000" in told
    assert "--modality CT" in told
    assert doubt_about(MRS["circle of -1000"], "MR") == ""
    assert doubt_about(mr(), None) == ""


@pytest.mark.parametrize("fill", PADDINGS)
@pytest.mark.parametrize("turn", [False, True])
def test_padding_does_not_change_what_the_network_sees_of_an_mr(fill: float, turn: bool) -> None:
    padded = turned(mr(), fill, 1) if turn else np.where(BODY, mr(), fill)
    low, high = intensity_limits(padded, None, DEFAULT_INTENSITY)
    plain = intensity_limits(mr()[BODY] if not turn else mr(), None, DEFAULT_INTENSITY)
    assert low == pytest.approx(plain[0], abs=12)
    assert high == pytest.approx(plain[1], rel=0.05)


def test_values_are_left_alone_where_there_is_no_padding() -> None:
    values = mr().reshape(-1)
    assert seen_values(values) is values
    lonely = np.full(10, -1000.0)
    assert seen_values(lonely) is lonely
