"""Queries: what may be looked for, and what fits."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset

from masam_core.errors import ConfigError
from masam_core.pacs.records import Query, Series, is_uid, series_of, sort_key, wild


def one(**changes: Any) -> Series:
    values: dict[str, Any] = {
        "patient": "P1",
        "name": "Müller^Jörg",
        "study": "1.2",
        "date": "2024-01-31",
        "study_description": "",
        "series": "1.2.3",
        "modality": "CT",
        "description": "",
        "number": 1,
        "images": 3,
    }
    return Series(**(values | changes))


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("2024-01-31", "20240131"),
        ("20240131", "20240131"),
        ("2024-01-01..2024-01-31", "20240101-20240131"),
        ("20240101-20240131", "20240101-20240131"),
        ("2024-01-01..", "20240101-"),
        ("..20240131", "-20240131"),
        ("20240101-", "20240101-"),
    ],
)
def test_dates_are_asked_as_dicom_has_them(typed: str, asked: str) -> None:
    assert Query(dates=typed).dates == asked


@pytest.mark.parametrize("typed", ["2024", "31.01.2024", "20240230", "..", "20240101-2-3", "x"])
def test_what_is_no_date_is_refused(typed: str) -> None:
    with pytest.raises(ConfigError, match="expected 2024-01-31"):
        Query(dates=typed)


def test_dates_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ConfigError, match="after the last"):
        Query(dates="20240131-20240101")


@pytest.mark.parametrize("values", [{}, {"name": "*"}, {"patient": " ? "}])
def test_the_whole_archive_is_never_asked_for(values: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="Nothing to look for"):
        Query(**values)


@pytest.mark.parametrize("uid", ["1.2/../3", "1..2", "1.2.", "a", "1" * 65, "1.2\n"])
def test_a_unique_id_is_digits_and_dots(uid: str) -> None:
    assert not is_uid(uid)
    with pytest.raises(ConfigError, match="expected a unique id"):
        Query(study=uid)


def test_names_fit_by_their_beginning_in_any_case_and_by_wildcards() -> None:
    assert Query(name="müller").fits(one())
    assert Query(name="M*^J?rg").fits(one())
    assert not Query(name="Jörg").fits(one())
    assert Query(name="山田^太郎").fits(one(name="Yamada^Tarou=山田^太郎"))
    assert Query(name="[x]").fits(one(name="[x]^Y"))


def test_a_patient_s_id_fits_as_a_whole() -> None:
    assert Query(patient="p1").fits(one())
    assert not Query(patient="P").fits(one())
    assert Query(patient="P*").fits(one())


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=20))
def test_what_is_sent_fits_whatever_was_typed(text: str) -> None:
    sent = wild(text)
    assert sent.isascii()
    assert sent.isprintable()
    try:
        meant = Query(name=text)
    except ConfigError:
        return
    if not set("[]?*") & set(text):
        assert fnmatchcase(text.strip(), sent)
        assert meant.fits(one(name=text))


def test_answers_without_their_tags_are_taken_as_they_are() -> None:
    found = series_of(Dataset(), Dataset())
    assert found == one(
        **dict.fromkeys(
            ("patient", "name", "study", "date", "series", "modality", "description"), ""
        ),
        number=None,
        images=None,
    )


def test_control_characters_of_an_answer_do_not_reach_the_screen() -> None:
    study = Dataset()
    study.PatientID, study.StudyDate = "a\x1b[2Jb", ""
    found = series_of(study, Dataset())
    assert "\x1b" not in found.patient
    assert found.date == ""


def test_the_newest_study_comes_first() -> None:
    rows = [
        one(date="2023-05-01", study="1.1"),
        one(number=2),
        one(number=1, series="1.9"),
        one(date="", study="1.0"),
    ]
    ordered = sorted(rows, key=sort_key)
    assert [(r.date, r.number) for r in ordered] == [
        ("2024-01-31", 1),
        ("2024-01-31", 2),
        ("2023-05-01", 1),
        ("", 1),
    ]
