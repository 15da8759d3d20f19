"""What is asked of a PACS and what it answers, whichever way it is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from masam_core.errors import ConfigError
from masam_core.image.readable import readable

_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_LONGEST_UID = 64  # DICOM PS3.5, 9.1
_MODALITY = re.compile(r"[A-Z0-9_ ]{1,16}")


@dataclass(frozen=True)
class Query:
    """What is looked for; everything given must fit.

    Attributes:
        patient: patient's id; ``*`` and ``?`` stand for letters.
        name: patient's name as the PACS has it (``DOE^JANE``); ``*`` and ``?`` as before. Without
            them, names that begin with it.
        study, series: unique ids.
        dates: of the study, ``20240131``, ``20240101-20240131``, ``20240101-`` or ``-20240131``;
            days may be written 2024-01-31, with ``..`` between two.
        modality: CT, MR, ...

    Raises:
        ConfigError: nothing to look for, or a date, unique id or modality that is none.

    >>> Query(dates="2024-01-01..2024-01-31").dates
    '20240101-20240131'
    """

    patient: str = ""
    name: str = ""
    study: str = ""
    series: str = ""
    dates: str = ""
    modality: str = ""

    def __post_init__(self) -> None:
        if not any(value.strip("*? ") for value in vars(self).values()):
            raise ConfigError(
                "Nothing to look for was given; expected a patient, a study, a date or a modality, "
                "so that not the whole archive is listed."
            )
        for name in ("study", "series"):
            value = getattr(self, name)
            if value and not is_uid(value):
                raise ConfigError(
                    f"The {name} is '{readable(value)[:80]}'; expected a unique id, such as "
                    "1.2.840.113619.2.55."
                )
        for name in ("patient", "name"):
            if "\\" in getattr(self, name):
                raise ConfigError(
                    f"The patient's {name} holds a backslash; look for one at a time."
                )
        if self.name.strip() and not set("*?") & set(self.name):
            object.__setattr__(self, "name", f"{self.name.strip()}*")
        object.__setattr__(self, "dates", _dates(self.dates))
        modality = self.modality.strip().upper()
        if modality and not _MODALITY.fullmatch(modality):
            raise ConfigError(f"The modality is '{readable(modality)[:40]}'; expected CT, MR, ...")
        object.__setattr__(self, "modality", modality)

    def fits(self, series: Series) -> bool:
        """Whether a series is one that is looked for, whatever the PACS took the query for.

        Letters count in any case; of a name in several scripts, one must fit (PS3.5, 6.2.1.2).
        """
        patient = not self.patient or _like(series.patient, self.patient)
        names = [series.name, *series.name.split("=")]
        name = not self.name or any(_like(one, self.name) for one in names)
        wanted = self.modality in ("", series.modality) and self.series in ("", series.series)
        return patient and name and wanted


@dataclass(frozen=True)
class Series:
    """A series in the PACS.

    Attributes:
        patient, name: patient's id and name.
        study, series: unique ids.
        date: of the study, 2024-01-31, or as the PACS has it.
        study_description, description: of study and series.
        modality: CT, MR, ...
        number: of the series in its study; None where the PACS does not say.
        images: how many there are; None where the PACS does not say.
    """

    patient: str
    name: str
    study: str
    date: str
    study_description: str
    series: str
    modality: str
    description: str
    number: int | None
    images: int | None


@dataclass(frozen=True)
class Image:
    """One object (DICOM instance) of a series in the PACS.

    Attributes:
        instance: its unique id.
        kind: unique id of its class (SOP class); empty where the PACS does not say.
        number: in its series; None where the PACS does not say.
    """

    instance: str
    kind: str = ""
    number: int | None = None


@dataclass(frozen=True)
class Stored:
    """What became of a file that was sent.

    Attributes:
        kept: whether the PACS has it now.
        words: why not, or what it remarked.
        worth_another_try: whether it may take it later.
    """

    kept: bool
    words: str = ""
    worth_another_try: bool = False


def is_uid(text: str) -> bool:
    """Whether a text is a unique id of DICOM: digits and dots, nothing that could be a path."""
    return len(text) <= _LONGEST_UID and _UID.fullmatch(text) is not None


def wild(text: str, unfit: str = r"[^ -~]") -> str:
    """A value to look for, with ``*`` for letters that may be lost on the way; see ``Query.fits``.

    Args:
        text: the value.
        unfit: letters that are not sent, as a regular expression; by default those that need a
            character set to be agreed on.
    """
    return re.sub(r"\*+", "*", re.sub(unfit, "*", text.strip()))


def text_of(answer: Any, keyword: str) -> str:
    """A tag of an answer (pydicom Dataset) as one line; empty where it is not there."""
    value = answer.get(keyword)
    return readable("" if value is None else value).strip()[:200]


def number_of(answer: Any, keyword: str) -> int | None:
    """A tag of an answer as a whole number; None where it is none."""
    try:
        return int(str(answer.get(keyword)))
    except ValueError:
        return None


def images_of(answers: Iterable[Any]) -> list[Image]:
    """Instances from answers (pydicom Datasets) in their order; those without a unique id go."""
    listed = [
        Image(
            text_of(one, "SOPInstanceUID"),
            text_of(one, "SOPClassUID"),
            number_of(one, "InstanceNumber"),
        )
        for one in answers
    ]
    return sorted((i for i in listed if is_uid(i.instance)), key=lambda i: i.number or 0)


def series_of(study: Any, series: Any) -> Series:
    """A series from two answers (pydicom Datasets): one of its study, one of itself."""
    day = text_of(study, "StudyDate")
    return Series(
        patient=text_of(study, "PatientID"),
        name=text_of(study, "PatientName"),
        study=text_of(study, "StudyInstanceUID") or text_of(series, "StudyInstanceUID"),
        date=f"{day[:4]}-{day[4:6]}-{day[6:]}" if re.fullmatch(r"\d{8}", day) else day,
        study_description=text_of(study, "StudyDescription"),
        series=text_of(series, "SeriesInstanceUID"),
        modality=text_of(series, "Modality"),
        description=text_of(series, "SeriesDescription"),
        number=number_of(series, "SeriesNumber"),
        images=number_of(series, "NumberOfSeriesRelatedInstances"),
    )


def sort_key(series: Series) -> tuple[Any, ...]:
    """The newest study first; in it the series by number."""
    day = tuple(-ord(c) for c in series.date)
    return (not day, day, series.patient, series.study, series.number or 0, series.series)


def _like(text: str, pattern: str) -> bool:
    """Match as a PACS does (PS3.4, C.2.2.2.4); ends of a name that are empty don't count."""
    wanted = pattern.casefold().replace("[", "[[]")
    return any(
        fnmatchcase(one, two)
        for one in (text.casefold(), text.casefold().rstrip("^ "))
        for two in (wanted, wanted.rstrip("^ "))
    )


def _dates(text: str) -> str:
    plain = text.strip()
    if not plain:
        return ""
    wrong = ConfigError(
        f"The date is '{readable(text)[:40]}'; expected 2024-01-31, or 2024-01-01..2024-01-31."
    )
    if ".." in plain:
        parts = plain.split("..")
    elif re.fullmatch(r"\d{4}-\d\d-\d\d", plain):
        parts = [plain]
    else:
        parts = plain.split("-")
    if len(parts) > 2 or not any(parts):
        raise wrong
    days = []
    for part in parts:
        found = re.fullmatch(r"(\d{4})-?(\d\d)-?(\d\d)", part.strip())
        if part.strip() and found is None:
            raise wrong
        try:
            days.append(date(*map(int, found.groups())).strftime("%Y%m%d") if found else "")
        except ValueError:
            raise wrong from None
    if len(days) == 2 and all(days) and days[0] > days[1]:
        raise ConfigError("The first date comes after the last one.")
    return "-".join(days)
