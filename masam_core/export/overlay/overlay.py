"""A picture of the result: each lesion in three planes, with its box, outline and measurements."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from masam_core.atomic import atomic_path
from masam_core.errors import SegmentationError
from masam_core.lesion.lesion import require_same_image

if TYPE_CHECKING:
    from masam_core.image.volume import Volume
    from masam_core.lesion.lesion import Lesion


def render_overlay(
    path: str | Path,
    volume: Volume,
    lesions: Sequence[Lesion],
    expert: NDArray[np.bool_] | None = None,
    title: str = "",
) -> None:
    """Draw lesions over the image and write a PNG.

    One row for each lesion (the first 16): the plane of its diameters, then the other two, at the
    slice of its longest diameter or its largest cross-section. Radiological display: the patient's
    right is on the left of the picture. All panels of a row have the same scale.

    Args:
        path: PNG file to write.
        volume: the image.
        lesions: what was found in it; at least one.
        expert: an expert's mask to compare with, bool KJI on the image's grid.
        title: headline; the image's name when empty.

    Raises:
        SegmentationError: when there is no lesion, a lesion or the expert's mask is of another
            image, or the file cannot be written.
    """
    path = Path(path)
    if not lesions:
        raise SegmentationError("There is no lesion to draw.")
    require_same_image(lesions, volume)
    if expert is not None and expert.shape != tuple(volume.geometry.shape):
        raise SegmentationError(
            f"The expert's mask is {expert.shape} voxels (K, J, I); the image is "
            f"{tuple(volume.geometry.shape)}."
        )
    # Loading matplotlib takes a second that only a picture is worth.
    from masam_core.export.overlay.figure import DPI, draw_figure

    figure = draw_figure(volume, lesions, expert, title or volume.name)
    with atomic_path(path, SegmentationError) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI, facecolor=figure.get_facecolor())
