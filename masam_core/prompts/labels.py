"""Label images as box prompts."""

from __future__ import annotations

from pathlib import Path

from masam_core.errors import BoxError
from masam_core.image.volume import Volume, read_labels
from masam_core.prompts.boxes import BoxPrompt


def boxes_of_labels(path: Path, volume: Volume, per: str) -> list[BoxPrompt]:
    """The tight boxes of a label image on a volume's grid.

    Args:
        path: of the label image.
        volume: the image that it belongs to.
        per: a box for each connected ``component`` or each ``label`` value.

    Raises:
        VolumeError: see ``read_labels``.
        BoxError: another grid, or no label.
    """
    labels, geometry = read_labels(path)
    if not volume.geometry.same_grid(geometry):
        raise BoxError(
            f"{path} is not on the image's grid: {geometry.describe()}, the image "
            f"{volume.geometry.describe()}."
        )
    return BoxPrompt.from_labels(labels, per=per)  # type: ignore[arg-type]
