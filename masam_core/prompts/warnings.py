"""What is worth a word about a box, before it is segmented and after."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from masam_core.prompts.boxes import BoxPrompt, SliceBoxes

LARGE_MM = 300.0  # no lesion is longer
WHOLE_SLICE = 0.8  # of a slice's sides
LOOSE = 0.7  # of a box's side: a mask that fills less of it suggests a box that is not tight
LOW_CONFIDENCE = 0.8  # expected Dice below which a mask deserves a warning


def warnings_before(box: BoxPrompt, boxes: SliceBoxes) -> list[str]:
    """What a look at the box alone tells: off the volume, too large to be tight, too thin.

    Args:
        box: the prompt.
        boxes: the same, slice by slice (``box.slice_boxes``).
    """
    frame = boxes.frame
    notes = list(boxes.messages)
    edges = frame.geometry.lps_from_ijk(box.corners_ijk[[0, 1, 2, 4]])
    sides = np.linalg.norm(edges[1:] - edges[0], axis=1)
    if sides.max() > LARGE_MM:
        notes.append(f"The box is {sides.max():.0f} mm long. Is it tight around one lesion?")
    x0, y0, x1, y1 = boxes.bounds
    _, rows, cols = frame.shape
    if x1 - x0 > WHOLE_SLICE * cols and y1 - y0 > WHOLE_SLICE * rows:
        notes.append("The box covers nearly the whole slice. Draw it tight around the lesion.")
    if len(boxes.slices) == 1 and frame.shape[0] > 1:
        notes.append("The box holds a single slice. Set its first and last slice.")
    return notes


def warnings_after(
    box: BoxPrompt, mask: NDArray[np.bool_], offset_kji: tuple[int, int, int], confidence: float
) -> list[str]:
    """What the mask tells: much of the box left empty on some side, or a model that is not sure.

    Emptiness is measured along the box's own axes, so that a tight rotated box is not taken for a
    loose one.

    Args:
        box: the prompt.
        mask: bool, a KJI crop of the image grid; an empty one gives no warning.
        offset_kji: index in the whole image of the crop's first voxel.
        confidence: of the mask as a whole, in [0, 1]; NaN where the model does not say.
    """
    if not mask.any():
        return []
    notes = []
    # The ends of each row along i are enough: what is between them reaches no further.
    k, j = np.nonzero(mask.any(axis=2))
    rows = mask[k, j]
    first, last = rows.argmax(axis=1), mask.shape[2] - 1 - rows[:, ::-1].argmax(axis=1)
    ends = [np.stack([i, j, k], axis=1) for i in (first, last)]
    points = np.concatenate(ends) + np.array(offset_kji[::-1], dtype=float)
    origin = box.corners_ijk[0]
    axes = box.corners_ijk[[1, 2, 4]] - origin
    share = (points - origin) @ np.linalg.inv(axes)
    # Half a voxel on each side: the mask's extent is from outer face to outer face.
    voxel = np.abs(np.linalg.inv(axes)).sum(axis=0)
    filled = np.minimum(1.0, share.max(axis=0) - share.min(axis=0) + voxel)
    if filled.min() < LOOSE:
        notes.append(
            f"The lesion fills only {filled.min():.0%} of one side of its box. If the box is not "
            "tight, tighten it and segment again."
        )
    if confidence < LOW_CONFIDENCE:
        notes.append(low_confidence_words(confidence))
    return notes


def low_confidence_words(confidence: float) -> str:
    """What is said of a mask of a confidence in [0, 1] below ``LOW_CONFIDENCE``."""
    return f"Low confidence ({confidence:.0%}): check this mask closely."
