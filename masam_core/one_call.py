"""Image and prompts in, lesions and files out, in one call."""

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
from masam_core.export.segmentation import require_formats
from masam_core.image.given import GivenVolume, one_volume
from masam_core.inference.box_segmenter import BoxSegmenter, Progress, segment_records
from masam_core.inference.options import SegmentOptions
from masam_core.lesion.lesion import Lesion
from masam_core.prompts.corrections import Correction
from masam_core.prompts.given import GivenPrompt, all_prompts
from masam_core.prompts.together import records_of
from masam_core.targets import require_targets

if TYPE_CHECKING:
    from masam_core.model.masam import MASAM


def segment(
    image: GivenVolume,
    boxes: GivenPrompt | Sequence[GivenPrompt],
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
    corrections: Sequence[Correction] = (),
    **settings: Any,
) -> list[Lesion]:
    """Segment every lesion that prompts of an image ask for, and write what was found.

    Args:
        image: a path, a Volume, a SimpleITK image, or an array KJI.
        boxes: a Slicer ROI file (.mrk.json) with one box or several, a BoxPrompt, six voxel
            indices (i0, i1, j0, j1, k0, k1) with both ends included, a LinePrompt, SliceBoxPrompt
            or PointPrompt, the path of a Slicer line, point list or curve, or a list of such.
            Corrections in a file belong to the nearest lesion (``masam_core.prompts.together``).
        out: file or files to write; see ``save`` for the endings. None is written otherwise.
        model, device: see ``Segmenter``.
        modality: CT, MR, ..., where the image does not say.
        segmenter: to be used instead of a new one, e.g. a RemoteSegmenter; ``model`` and
            ``device`` mean nothing then.
        progress: called with the fraction done and words.
        spacing, origin, direction: of an array; see ``Segmenter.set_volume``.
        corrections: further ones, each of the lesion that is nearest to it.
        settings: see ``Segmenter.segment``, e.g. ``quality="fast"``.

    Returns:
        The lesions, in the order of their first prompts.

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
    require_formats(files, volume.geometry)
    prompts = [each for given in _listed(boxes) for each in all_prompts(given, volume.geometry)]
    records = records_of([*prompts, *corrections], volume.geometry)
    if segmenter is not None:
        lesions = segment_records(segmenter, volume, records, options, progress, None, modality)
    else:
        from masam_core.inference.segmenter import Segmenter

        with Segmenter(model, device) as own:
            lesions = segment_records(own, volume, records, options, progress, None, modality)
    if files:
        save(lesions, files, volume)
    return lesions


def _listed(boxes: GivenPrompt | Sequence[GivenPrompt]) -> list[GivenPrompt]:
    """One box or several, as a list; six numbers are one box."""
    if not isinstance(boxes, (Sequence, np.ndarray)) or isinstance(boxes, str):
        return [boxes]
    items: list[Any] = list(boxes)
    return [items] if all(isinstance(item, (int, float, np.number)) for item in items) else items
