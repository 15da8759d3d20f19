"""DICOM RTSTRUCT: outlines for planning systems."""

from __future__ import annotations

from pathlib import Path

from masam_core.export.dicom.lesions import in_words, named, save
from masam_core.export.dicom.structures import structures
from masam_core.export.dicom.subject import subject_of
from masam_core.export.formats.format import Format, Results
from masam_core.image.geometry import Geometry

_WHAT = "A DICOM structure set"


def _write(path: Path, results: Results) -> tuple[str, ...]:
    """Lesions may overlap; those without a voxel are left out, with a message."""
    subject = subject_of(results.geometry, _WHAT)
    found, messages = named(results.lesions, results.colors, subject, _WHAT)
    with in_words(_WHAT):
        dataset = structures(found, subject.grid, subject, results.kind)
        contours = [len(item.ContourSequence) for item in dataset.ROIContourSequence]
        save(
            dataset,
            path,
            lambda d: [len(item.ContourSequence) for item in d.ROIContourSequence] == contours,
        )
    return (*messages, *subject.notes)


def _require(geometry: Geometry) -> None:
    subject_of(geometry, _WHAT)


DICOM_STRUCTURES = Format((".rt.dcm",), "a DICOM structure set", _write, requires=_require)
