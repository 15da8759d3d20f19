"""DICOM SEG: for PACS and viewers, with the images' patient and study."""

from __future__ import annotations

from pathlib import Path

from masam_core.export.dicom.lesions import import_highdicom, in_words, named, save
from masam_core.export.dicom.segmentation import segmentation
from masam_core.export.dicom.subject import subject_of
from masam_core.export.formats.format import Format, Results
from masam_core.image.geometry import Geometry

_WHAT = "A DICOM segmentation"


def _write(path: Path, results: Results) -> tuple[str, ...]:
    """Lesions may overlap; those without a voxel are left out, with a message."""
    subject = subject_of(results.geometry, _WHAT)
    found, messages = named(results.lesions, results.colors, subject, _WHAT)
    with in_words(_WHAT):
        dataset = segmentation(found, subject.grid, subject, results.kind)
        pixels = bytes(dataset.PixelData)
        save(dataset, path, lambda written: bytes(written.PixelData) == pixels)
    return (*messages, *subject.notes)


def _require(geometry: Geometry) -> None:
    subject_of(geometry, _WHAT)
    import_highdicom()


DICOM_SEGMENTATION = Format((".seg.dcm",), "a DICOM segmentation", _write, requires=_require)
