"""DICOM SR (TID 1500): measurements for the PACS, beside a segmentation or alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from masam_core.export.dicom.lesions import import_highdicom, in_words, named, save
from masam_core.export.dicom.report import report
from masam_core.export.dicom.subject import subject_of
from masam_core.export.formats.dicom_segmentation import DICOM_SEGMENTATION
from masam_core.export.formats.format import Format, Results
from masam_core.image.geometry import Geometry

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_WHAT = "A DICOM report"


def _write(path: Path, results: Results) -> tuple[str, ...]:
    """Refers to the DICOM segmentation that was written beside it; else it says that none was."""
    subject = subject_of(results.geometry, _WHAT)
    found, messages = named(results.lesions, results.colors, subject, _WHAT)
    with in_words(_WHAT):
        segments = _segments(results.beside)
        dataset = report(found, subject, results.kind, segments)
        groups = len(dataset.ContentSequence)
        save(dataset, path, lambda written: len(written.ContentSequence) == groups)
    if segments is None:
        messages.append(
            "The report refers to the images alone, since no .seg.dcm file was written with it."
        )
    return (*messages, *subject.notes)


def _segments(beside: tuple[Path, ...]) -> Dataset | None:
    import pydicom

    for path in beside:
        if path.name.lower().endswith(DICOM_SEGMENTATION.endings):
            return pydicom.dcmread(path, stop_before_pixels=True)
    return None


def _require(geometry: Geometry) -> None:
    subject_of(geometry, _WHAT)
    import_highdicom()


DICOM_REPORT = Format(
    (".sr.dcm",), "a DICOM report", _write, masks=False, refers=True, requires=_require
)
