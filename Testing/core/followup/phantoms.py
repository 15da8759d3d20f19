"""Patients made by hand: a body with structure, lesions as spheres, moved by known motions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import SimpleITK as sitk

from masam_core.followup.masks import NamedMask, cropped
from masam_core.followup.study import Study
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.inference.extend import Extend
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.morphology import label_pieces

SHAPE, SPACING = (48, 52, 58), (2.5, 2.5, 2.5)  # KJI; mm along i, j, k
BRIGHT = 300.0  # what a lesion is brighter than
GEOMETRY = Geometry.from_spacing(SHAPE, SPACING, (-70.0, -60.0, -50.0))


@dataclass(frozen=True)
class Ball:
    """A lesion: centre in LPS mm of the first study, and radius in mm."""

    center: tuple[float, float, float]
    radius: float


@dataclass(frozen=True)
class Motion:
    """How a patient lies in a study: angles (radians, about the body's centre) and mm."""

    angles: tuple[float, float, float] = (0.0, 0.0, 0.0)
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def transform(self) -> sitk.Euler3DTransform:
        """Takes a point of this study to the patient as she lay at first."""
        return sitk.Euler3DTransform((0.0, 0.0, 8.0), *self.angles, self.shift)


STILL = Motion()
TURNED = Motion((0.06, -0.08, 0.12), (9.0, -7.0, 6.0))


def points(motion: Motion) -> np.ndarray:
    """(K, J, I, 3) where each voxel lies in the patient as she lay at first, LPS mm."""
    kji = np.indices(SHAPE).reshape(3, -1).T
    lps = GEOMETRY.lps_from_ijk(kji[:, ::-1].astype(float))
    matrix = np.array(motion.transform().GetMatrix()).reshape(3, 3)
    centre = np.array(motion.transform().GetCenter())
    moved = (lps - centre) @ matrix.T + centre + np.array(motion.shift)
    return moved.reshape(*SHAPE, 3)


def inside(ball: Ball, motion: Motion = STILL) -> np.ndarray:
    """Voxels of a lesion: bool KJI."""
    return np.linalg.norm(points(motion) - np.array(ball.center), axis=3) <= ball.radius


def volume(
    balls: Sequence[Ball], motion: Motion = STILL, seed: int = 1, patient: int = 0
) -> Volume:
    """An image: a body with bones, vessels and slow changes, lesions of 400 over 100, noise of 4.

    Args:
        balls: the lesions.
        motion: of the patient.
        seed: of the noise.
        patient: another number is another anatomy.
    """
    p = points(motion)
    x, y, z = p[..., 0], p[..., 1], p[..., 2] - 8.0
    values = np.full(SHAPE, -900.0)
    body = (x / 62) ** 2 + (y / 52) ** 2 + (z / 75) ** 2 < 1
    soft = (
        60
        + 25 * np.sin(x / 9 + patient) * np.cos(y / 11 - 2 * patient)
        + 18 * np.sin(z / 8 + x / 15)
    )
    values[body] = soft[body]
    rng = np.random.default_rng(100 + patient)
    for _ in range(14):  # organs and bones
        centre = rng.uniform((-45, -38, -45), (45, 38, 55))
        radii = rng.uniform(5, 14, 3)
        blob = (((p - centre) / radii) ** 2).sum(axis=3) < 1
        values[blob & body] = rng.uniform(-60, 180)
    for ball in balls:
        values[inside(ball, motion)] = 400.0
    values += np.random.default_rng(seed).normal(0, 4, SHAPE)
    return Volume(values.astype(np.float32), GEOMETRY, "CT", "phantom")


def masks(
    balls: Sequence[Ball], motion: Motion = STILL, names: Sequence[str] = ()
) -> list[NamedMask]:
    """The lesions' masks."""
    found = [
        cropped(inside(ball, motion), names[n] if names else f"Lesion {n + 1}")
        for n, ball in enumerate(balls)
    ]
    return [mask for mask in found if mask is not None]


def study(
    balls: Sequence[Ball],
    motion: Motion = STILL,
    drawn: bool = False,
    names: Sequence[str] = (),
    **more: Any,
) -> Study:
    """A study, with the lesions' masks where somebody has drawn them."""
    made = Study(volume(balls, motion, **more))
    return replace(made, lesions=tuple(masks(balls, motion, names))) if drawn else made


class Threshold:
    """A segmenter that takes what is bright in a box: what is found is known exactly."""

    def __init__(self) -> None:
        self.volume: Volume | None = None
        self.boxes: list[Any] = []

    def set_volume(self, volume: Volume, modality: str | None = None) -> None:
        self.volume = volume

    def forget_volume(self) -> None:
        self.volume = None

    def segment(
        self, box: Any, options: Any = None, progress: Any = None, cancelled: Any = None
    ) -> Lesion:
        assert self.volume is not None
        self.boxes.append(box)
        low = np.maximum(np.ceil(box.corners_ijk.min(axis=0)).astype(int), 0)[::-1]
        high = np.floor(box.corners_ijk.max(axis=0)).astype(int)[::-1] + 1
        here = np.zeros(SHAPE, dtype=bool)
        here[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = True
        bright = self.volume.array > BRIGHT
        mask = bright & here
        if options is not None and options.extend is Extend.AUTO:  # whole, where the box cuts it
            labels, _ = label_pieces(bright)
            mask = bright & np.isin(labels, np.unique(labels[mask]))
        return Lesion.from_mask(mask, self.volume, box, confidence=0.9)
