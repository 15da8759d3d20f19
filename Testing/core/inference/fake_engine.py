"""A model that says what it was told to, in place of a network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.inference.engine import Ask, Run
from masam_core.inference.job import Job, RunningMean
from masam_core.model.config import ModelConfig

Says = Callable[[Job], NDArray[np.float32]]  # probability KJI on the whole volume


class FakeEngine:
    """Implements ``Engine``.

    Args:
        volume: the image.
        says: the probability that it finds.
        config: changes of the model's config.
    """

    def __init__(self, volume: Volume, says: Says, **config: object) -> None:
        self.volume, self.says = volume, says
        values: dict[str, object] = {"backbone": "vit_s14", "image_size": 56}
        values |= {"field_of_view": "prompt", "shape_prior": "ellipsoid", **config}
        self.config = ModelConfig(**values)  # type: ignore[arg-type]
        self.jobs: list[Job] = []

    def predict(self, job: Job, run: Run, ask: Ask | None = None) -> RunningMean:
        self.jobs.append(job)
        total = RunningMean(job)
        total.sum += job.frame.to_canonical(self.says(job))[job.extent()]
        total.count += 1
        total.quality += 0.9
        return total

    def shows_anything(self, job: Job) -> bool:
        return True


def ellipsoid(
    shape: tuple[int, int, int],
    middle: tuple[float, float, float],
    radii: tuple[float, float, float],
) -> NDArray[np.bool_]:
    """Voxels KJI within an ellipsoid; middle and radii in voxels along k, j, i."""
    axes = np.meshgrid(*[np.arange(n) for n in shape], indexing="ij")
    squared = [((a - m) / r) ** 2 for a, m, r in zip(axes, middle, radii, strict=True)]
    return np.asarray(sum(squared) <= 1)


def image_of(lesion: NDArray[np.bool_], spacing: tuple[float, float, float]) -> Volume:
    """A bright lesion in a dark surrounding, with some noise."""
    rng = np.random.default_rng(7)
    values = 100 + 300 * lesion + rng.normal(0, 15, lesion.shape)
    return Volume(values.astype(np.float32), Geometry.from_spacing(lesion.shape, spacing), "MR")


def sure_of(lesion: NDArray[np.bool_]) -> Says:
    """Says 0.95 in a lesion and 0.02 elsewhere."""
    probability = np.where(lesion, 0.95, 0.02).astype(np.float32)
    return lambda job: probability
