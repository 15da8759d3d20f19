"""Image and boxes in, lesions and files out, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from masam_core.catalog.choice import ModelChoice
from masam_core.errors import SegmentationError
from masam_core.export.formats.registry import format_of
from masam_core.export.save import save
from masam_core.image.given import GivenVolume, one_volume
from masam_core.inference.box_segmenter import BoxSegmenter, Progress, segment_boxes
from masam_core.inference.options import SegmentOptions
from masam_core.lesion.lesion import Lesion
from masam_core.prompts.given import GivenBox, all_boxes
from masam_core.targets import require_targets

if TYPE_CHECKING:
    from masam_core.model.masam import MASAM


def segment(
    image: GivenVolume,
    boxes: GivenBox | Sequence[GivenBox],
    out: str | Path | Sequence[str | Path] = (),
    model: MASAM | str | Path = ModelChoice.model,
    device: str = ModelChoice.device,
    modality: str | None = None,
    segmenter: BoxSegmenter | None = None,
    progress: Progress | None = None,
    *,
    spacing: ArrayLike | None = None,
    origin: ArrayLike | None = None,
    direction: ArrayLike | None = None,
    **settings: Any,
) -> list[Lesion]:
    """Segment every box of an image, and write what was found.

    Args:
        image: a path, a Volume, a SimpleITK image, or an array KJI.
        boxes: a Slicer ROI file (.mrk.json) with one box or several, a BoxPrompt, six voxel
            indices (i0, i1, j0, j1, k0, k1) with both ends included, or a list of such.
        out: file or files to write; see ``save`` for the endings. None is written otherwise.
        model, device: see ``Segmenter``.
        modality: CT, MR, ..., where the image does not say.
        segmenter: to be used instead of a new one, e.g. a RemoteSegmenter; ``model`` and
            ``device`` mean nothing then.
        progress: called with the fraction done and words.
        spacing, origin, direction: of an array; see ``Segmenter.set_volume``.
        settings: see ``Segmenter.segment``, e.g. ``quality="fast"``.

    Returns:
        A lesion for each box, in their order.

    Raises:
        MasamError: an image, box, model or setting that is none, or a file that can't be written;
            endings and folders are checked before the work.

    >>> lesions = segment("scan.nii.gz", "box.mrk.json", out="tumour.csv", quality="fast")
    >>> [lesion.name for lesion in lesions]
    ['Sarcoma']
    """
    files = [Path(file) for file in ([out] if isinstance(out, (str, Path)) else out)]
    for file in files:
        format_of(file)  # refuses what nothing is known for
    inputs = [Path(given) for given in (image, *_listed(boxes)) if isinstance(given, (str, Path))]
    require_targets(files, inputs, SegmentationError)
    options = SegmentOptions().changed(**settings)
    volume = one_volume(image, spacing, origin, direction)
    prompts = [box for given in _listed(boxes) for box in all_boxes(given, volume.geometry)]
    if segmenter is not None:
        lesions = segment_boxes(segmenter, volume, prompts, options, progress, None, modality)
    else:
        from masam_core.inference.segmenter import Segmenter

        with Segmenter(model, device) as own:
            lesions = segment_boxes(own, volume, prompts, options, progress, None, modality)
    for file in files:
        save(lesions, file, volume)
    return lesions


def _listed(boxes: GivenBox | Sequence[GivenBox]) -> list[GivenBox]:
    """One box or several, as a list; six numbers are one box."""
    if not isinstance(boxes, (Sequence, np.ndarray)) or isinstance(boxes, str):
        return [boxes]
    items: list[Any] = list(boxes)
    return [items] if all(isinstance(item, (int, float, np.number)) for item in items) else items
