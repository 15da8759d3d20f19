"""Annotations in a DICOM presentation state (PS3.3, C.10.5): lines that a reader drew on images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from masam_core.image.formats.dicom.headers import clean
from masam_core.image.geometry import Geometry
from masam_core.prompts.dicom.found import Found
from masam_core.prompts.dicom.objects import open_object
from masam_core.prompts.dicom.shapes import Shape, pixels_to_lps, prompts_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def read_presentation(path: Path, geometry: Geometry) -> Found:
    """What was drawn on the images of a volume, each shape a lesion.

    Shapes in units of a screen are left out: where they lie depends on what it showed.

    Raises:
        BoxError: the file can't be read.
    """
    dataset = open_object(path)
    found = Found()
    for annotation in dataset.get("GraphicAnnotationSequence") or []:
        number = _slice(annotation, dataset, geometry)
        for item in annotation.get("GraphicObjectSequence") or []:
            data = [float(v) for v in np.ravel(item.get("GraphicData") or [])]
            on_image = clean(item.get("GraphicAnnotationUnits")) == "PIXEL"
            if number is None or not on_image or not data or len(data) % 2:
                found.elsewhere += 1
                continue
            kind = clean(item.get("GraphicType"))
            shape = Shape(kind, pixels_to_lps(data, number, geometry))
            found.prompts += prompts_of([shape], geometry)
    return found


def _slice(annotation: Dataset, dataset: Dataset, geometry: Geometry) -> int | None:
    """Index along k of the only image of the volume that an annotation is for."""
    if geometry.images is None:
        return None
    references = annotation.get("ReferencedImageSequence")
    if not references:  # then it is for all images of the presentation
        series = dataset.get("ReferencedSeriesSequence") or []
        references = [i for s in series for i in s.get("ReferencedImageSequence") or []]
    numbers = set()
    for reference in references:
        for frame in np.ravel(reference.get("ReferencedFrameNumber") or [0]).astype(int):
            uid = clean(reference.get("ReferencedSOPInstanceUID"))
            numbers.add(geometry.images.number_of(uid, int(frame)))
    return numbers.pop() if len(numbers) == 1 else None
