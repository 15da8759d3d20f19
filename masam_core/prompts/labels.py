"""Label images as box prompts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from masam_core.errors import BoxError, VolumeError
from masam_core.image.geometry import Geometry
from masam_core.image.lattice import on_grid
from masam_core.image.volume import read_labels
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.per import Per


def boxes_of_labels(
    path: Path,
    geometry: Geometry,
    per: Per = Per.COMPONENT,
    read: Callable[[Path], tuple[NDArray[Any], Geometry]] = read_labels,
) -> list[BoxPrompt]:
    """The tight boxes of a label image, put on a volume's grid (see ``image/lattice.py``).

    Args:
        path: of the label image.
        geometry: of the image that it belongs to.
        per: what gets a box of its own.
        read: reads the label image; a batch has it done in another process.

    Raises:
        VolumeError: see ``read_labels``.
        BoxError: another lattice, labels outside the image, or no label.
    """
    labels, own = read(path)
    try:
        placed = on_grid(labels, own, geometry, path)
    except VolumeError as error:
        raise BoxError(str(error)) from error
    try:
        return BoxPrompt.from_labels(placed, per)
    except BoxError as error:
        raise BoxError(f"{path}: {error}") from error
