"""What a reader sees first of a DICOM series: whose it is, what of, and when. Never for results."""

from __future__ import annotations

import re
from typing import Any

from masam_core.image.formats.dicom.headers import clean
from masam_core.image.formats.dicom.origin import SourceImages

_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")


def headline(images: SourceImages) -> dict[str, Any]:
    """Patient, study and series in words.

    Args:
        images: of the volume.

    Returns:
        ``patient`` (``name``, ``id``, ``birth``, ``sex``; None where nothing is known), ``study``
        and ``series`` (``description``, ``number``; None likewise), and ``date`` of the study.
    """
    tags = images.dataset

    def text(keyword: str) -> str:
        return clean(tags.get(keyword))

    patient = {
        "name": _person(text("PatientName")),
        "id": text("PatientID"),
        "birth": _date(text("PatientBirthDate")),
        "sex": text("PatientSex"),
    }
    study = {"description": text("StudyDescription"), "number": text("AccessionNumber")}
    series = {"description": text("SeriesDescription"), "number": text("SeriesNumber")}
    return {
        "patient": _known(patient),
        "study": _known(study),
        "series": _known(series),
        "date": _date(text("StudyDate")),
    }


def _known(values: dict[str, str]) -> dict[str, str] | None:
    return values if any(values.values()) else None


def _person(name: str) -> str:
    """``Doe^Jane^M`` as ``Doe, Jane M`` (DICOM PS3.5, 6.2.1); the first of several scripts."""
    family, *given = name.split("=")[0].split("^")
    return ", ".join(filter(None, [family.strip(), " ".join(filter(None, given)).strip()]))


def _date(text: str) -> str:
    """``20240503`` as ``2024-05-03``; anything else as it is."""
    found = _DATE.fullmatch(text)
    return "-".join(found.groups()) if found else text
