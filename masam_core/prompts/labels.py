"""Label images as box prompts."""

from __future__ import annotations

from pathlib import Path

from masam_core.errors import BoxError
from masam_core.image.geometry import Geometry
from masam_core.image.volume import read_labels
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.per import Per


def boxes_of_labels(path: Path, geometry: Geometry, per: Per = Per.COMPONENT) -> list[BoxPrompt]:
    """The tight boxes of a label image on a volume's grid.

    Args:
        path: of the label image.
        geometry: of the image that it belongs to.
        per: what gets a box of its own.

    Raises:
        VolumeError: see ``read_labels``.
        BoxError: another grid, or no label.
    """
    labels, own = read_labels(path)
    if not geometry.same_grid(own):
        raise BoxError(
            f"{path} is not on the image's grid: {own.describe()}, the image {geometry.describe()}."
        )
    return BoxPrompt.from_labels(labels, per)
