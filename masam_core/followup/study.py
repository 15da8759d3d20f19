"""A study of a patient: its image, its date, and who it is of (compared, never shown)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from masam_core.errors import ConfigError, VolumeError
from masam_core.followup.masks import NamedMask
from masam_core.image.formats.dicom.headers import clean
from masam_core.image.volume import Volume, read_volume

_DATES = ("AcquisitionDate", "SeriesDate", "StudyDate", "ContentDate")
DAY = "%Y-%m-%d"


@dataclass(frozen=True, eq=False)
class Study:
    """One study.

    Attributes:
        volume: the image.
        date: of the acquisition; None where it is not known.
        patient: as the file has it, to be compared; never shown. Empty where it is not known.
        lesions: masks that somebody has drawn in this study; None where there are none.
    """

    volume: Volume
    date: date | None = None
    patient: str = ""
    lesions: tuple[NamedMask, ...] | None = None

    @property
    def slice_mm(self) -> float:
        """Distance from slice to slice."""
        return float(self.volume.geometry.spacing[self.volume.geometry.acquisition_axis])

    def with_lesions(self, lesions: Sequence[NamedMask] | None) -> Study:
        """The same study with lesions."""
        return replace(self, lesions=None if lesions is None else tuple(lesions))


def read_study(
    path: Path, series: str | None = None, modality: str | None = None, day: str = ""
) -> Study:
    """Read a study.

    Args:
        path: image file or DICOM folder.
        series: see ``read_volume``.
        modality: where the file does not say.
        day: date as YYYY-MM-DD; empty takes that of the DICOM file.

    Raises:
        VolumeError: see ``read_volume``.
        ConfigError: a date that is none.
    """
    return study_of(read_volume(path, series).with_modality(modality), day)


def study_of(volume: Volume, day: str = "") -> Study:
    """The study of an image; its date is that of the DICOM images where none is given.

    Raises:
        ConfigError: a date that is none.
    """
    found, patient = _told(volume)
    return Study(volume, read_day(day) if day else found, patient)


def read_day(text: str) -> date:
    """A date as YYYY-MM-DD, or as DICOM writes it (YYYYMMDD).

    Raises:
        ConfigError: it is none.
    """
    for style in (DAY, "%Y%m%d"):
        try:
            return datetime.strptime(text.strip(), style).date()
        except ValueError:
            continue
    raise ConfigError(f"The date is {text!r}; expected YYYY-MM-DD.")


def require_one_patient(studies: Sequence[Study], sure: bool = False) -> None:
    """Refuse studies of several patients, as far as their files tell.

    Args:
        studies: to be compared.
        sure: somebody has said that it is one patient (whose numbers differ between hospitals).

    Raises:
        VolumeError: the patient IDs differ; names none.
    """
    known = {study.patient for study in studies if study.patient}
    if len(known) > 1 and not sure:
        raise VolumeError(
            f"The studies bear {len(known)} different patient IDs, so they are not compared. If "
            "they are of one patient all the same (numbers of two hospitals, say), add "
            "--same-patient."
        )


def in_order(studies: Sequence[Study]) -> tuple[list[int], tuple[str, ...]]:
    """The order of studies by date, oldest first, and notes.

    Where a date is missing, the order given stands; so it does among studies of one day.

    Returns:
        Indices of the studies.
    """
    given = list(range(len(studies)))
    days = [study.date for study in studies]
    if any(day is None for day in days):
        missing = sum(day is None for day in days)
        return given, (
            f"{missing} of {len(days)} studies have no date: they are taken in the order given, "
            "and doubling times can't be computed without dates (--date).",
        )
    ordered = sorted(given, key=lambda n: (days[n], n))
    if ordered != given:
        return ordered, ("The studies were put in the order of their dates.",)
    return given, ()


def _told(volume: Volume) -> tuple[date | None, str]:
    """Date and patient as the DICOM images that were read say; None and "" where none do."""
    if volume.geometry.images is None:
        return None, ""
    dataset = volume.geometry.images.dataset
    patient = "/".join(clean(dataset.get(tag)) for tag in ("IssuerOfPatientID", "PatientID"))
    texts = (clean(dataset.get(tag)) for tag in _DATES)
    day = next((text for text in texts if re.fullmatch(r"\d{8}", text)), "")
    try:
        return (read_day(day) if day else None), patient.strip("/")
    except ConfigError:
        return None, patient.strip("/")
