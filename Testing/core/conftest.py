"""Fixtures for the tests of masam_core."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.measure import measure
from masam_core.prompts.boxes import BoxPrompt


@pytest.fixture
def oblique_volume() -> Volume:
    """A CT-like phantom, turned about S and mirrored along its k axis, with unequal spacing."""
    angle = np.radians(15)
    direction = np.array(
        [
            [np.cos(angle), -np.sin(angle), 0.0],
            [np.sin(angle), np.cos(angle), 0.0],
            [0.0, 0.0, -1.0],
        ]
    )
    array = np.random.default_rng(1).normal(20, 30, size=(9, 14, 12)).astype(np.int16)
    array[:, :, :2] = -1000
    geometry = Geometry.from_spacing(array.shape, (0.8, 1.2, 3.0), (-12.5, 40.0, 7.25), direction)
    return Volume(array, geometry, "CT", "phantom")


@pytest.fixture
def make_lesion() -> Callable[..., Lesion]:
    """A lesion that fills the voxels ``first`` to ``last`` (K, J, I), both included."""

    def make(
        volume: Volume,
        first: tuple[int, int, int],
        last: tuple[int, int, int],
        name: str = "Lesion",
        mask: np.ndarray | None = None,
        **changes: Any,
    ) -> Lesion:
        shape = tuple(b - a + 1 for a, b in zip(first, last, strict=True))
        inside = np.ones(shape, dtype=bool) if mask is None else mask
        (k0, j0, i0), (k1, j1, i1) = first, last
        values: dict[str, Any] = {
            "name": name,
            "mask": inside,
            "offset_kji": first,
            "probability": np.where(inside, 0.8, 0.2).astype(np.float32),
            "confidence": 0.875,
            "box": BoxPrompt.from_voxels(i0, i1, j0, j1, k0, k1, name=name),
            "geometry": volume.geometry,
            "measurements": measure(inside, first, volume),
            "messages": (),
            "model": "test-model",
        }
        return Lesion(**(values | changes))

    return make


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A tiny data set of bright balls, two patients to train on and one to validate."""
    folder = tmp_path / "data"
    rows = ["case,patient,modality,split"]
    for number, split in enumerate(("train", "train", "val")):
        name = f"ball{number}"
        (folder / name).mkdir(parents=True)
        k, j, i = np.indices((12, 40, 44))
        ball = ((i - 20 - number) / 10) ** 2 + ((j - 18) / 8) ** 2 + ((k - 6) / 4) ** 2 <= 1
        values = 200 + 300 * ball + np.random.default_rng(number).normal(0, 20, ball.shape)
        for file, array in (("image", values.astype(np.int16)), ("label", ball.astype(np.uint8))):
            image = sitk.GetImageFromArray(array)
            image.SetSpacing((1.0, 1.0, 2.0))
            sitk.WriteImage(image, str(folder / name / f"{file}.nii.gz"))
        rows.append(f"{name},p{number},MR,{split}")
    (folder / "index.csv").write_text("\n".join(rows) + "\n")
    return folder
