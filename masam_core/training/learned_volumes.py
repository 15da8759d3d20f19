"""How large what a model learns from is, class by class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from masam_core.training.prepared import PreparedCase

Range = tuple[float, float]


def learned_volumes(cases: Sequence[PreparedCase], classes: int) -> list[Range | None]:
    """The smallest and the largest volume of each class, in ml.

    Args:
        cases: of the training; lesions of one image count together, as the model finds them.
        classes: of the model.

    Returns:
        For each class least and most among the images that hold it; None where none does.
    """
    sums: dict[tuple[str, Path], np.ndarray] = {}
    for case in cases:
        counts = np.zeros(256, dtype=np.int64)
        for own in case.mask:  # slice by slice: it is mapped from the disk
            counts += np.bincount(own.ravel(), minlength=256)[:256]
        ml = counts[1 : classes + 1] * case.frame.geometry.voxel_volume_mm3 / 1000
        image = case.case.name, case.case.image  # two hospitals may use one name
        sums[image] = sums.get(image, 0) + ml
    volumes = np.array(list(sums.values())).reshape(-1, classes)
    return [_range(own[own > 0]) for own in volumes.T]


def _range(found: np.ndarray) -> Range | None:
    return (float(found.min()), float(found.max())) if found.size else None
