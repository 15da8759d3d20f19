"""Slicer's segmentation: names, colours, terms, origins, and overlapping lesions kept whole."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import masam_core
from masam_core.export.formats.format import Format, Results
from masam_core.export.seg_nrrd import Segment, write_seg_nrrd
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.organs import Term
from masam_core.lesion.terminology import Color
from masam_core.prompts import tags


def _write(path: Path, results: Results) -> tuple[str, ...]:
    segments = [
        _segment(lesion, color, lesion.term or results.kind)
        for lesion, color in zip(results.lesions, results.colors, strict=True)
        if lesion.term is None or lesion.mask.any()  # a class that is not there has no segment
    ]
    write_seg_nrrd(path, segments, results.geometry)
    return ()


def _segment(lesion: Lesion, color: Color, kind: Term) -> Segment:
    corners = lesion.geometry.lps_from_ijk(lesion.box.corners_ijk)
    values = {
        "MASAM.Version": masam_core.__version__,
        "MASAM.Model": lesion.model,
        tags.BOX: " ".join(f"{float(v):.4f}" for v in np.ravel(corners)),
        "MASAM.Measurements": json.dumps(lesion.measurements.to_dict()),
    }
    if lesion.known_confidence is not None:
        values["MASAM.Confidence"] = f"{lesion.known_confidence:.4f}"
    if lesion.prompts is not None:
        values[tags.PROMPTS] = tags.to_tag(lesion.prompts.to_dict(lesion.geometry))
    if lesion.cuts:
        values[tags.CUTS] = tags.to_tag([cut.to_dict() for cut in lesion.cuts])
    if lesion.looked_mm is not None:
        values[tags.LOOKED] = f"{lesion.looked_mm:.1f}"
    return Segment(lesion.name, lesion.mask, lesion.offset_kji, color, kind, values)


SLICER_SEGMENTATION = Format((".seg.nrrd",), "a Slicer segmentation", _write)
