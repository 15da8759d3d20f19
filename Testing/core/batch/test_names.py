"""Names of results: fit for every system, and no two alike."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masam_core.batch.case import BatchCase
from masam_core.batch.names import MOST_BYTES, distinct, file_key, safe_name

LATIN = os.fsdecode(b"Sch\xe4del")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a/b:c", "a_b_c"),
        ("CON", "_CON"),
        ("aux", "_aux"),
        ("lpt1.x", "_lpt1.x"),
        ("com\N{SUPERSCRIPT ONE}", "_com\N{SUPERSCRIPT ONE}"),
        ("nul .x", "_nul .x"),
        ("end. ", "end"),
        ("...", "_"),
        (".hidden", "_hidden"),
        ("-o", "_o"),
        ("=1+1", "=1+1"),
        ("[/x];y", "[_x];y"),
        ("two\nlines\t\x1b[2J", "two lines _[2J"),
        (LATIN, "Schädel"),
        ("Mu\N{COMBINING DIAERESIS}nchen", "München"),
    ],
)
def test_names_are_safe_on_every_system(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(st.text(st.characters(codec=None), max_size=400))
def test_any_name_becomes_one_that_a_disk_takes(name: str) -> None:
    safe = safe_name(name)
    assert 0 < len(safe.encode()) <= MOST_BYTES  # UTF-8: no half characters
    assert not set(safe) & set('<>:"/\\|?*\0\n\r\t')
    assert not safe.startswith((".", "-"))
    assert not safe.endswith((".", " "))
    assert safe_name(safe) == safe


def test_long_names_that_differ_at_their_end_stay_apart() -> None:
    one, two = (safe_name("x" * 300 + end) for end in "ab")
    assert one != two
    assert len(one) == MOST_BYTES


def names(*images: str, name: str = "") -> list[str]:
    cases = [BatchCase(name or Path(i).name.split(".")[0], Path(i), (Path("b"),)) for i in images]
    found, _ = distinct(cases, Path("x"))
    assert [case.image for case in found] == [case.image for case in cases]
    keys = [file_key(case.name) for case in found]
    assert len(set(keys)) == len(keys)
    return [case.name for case in found]


def test_cases_of_one_name_are_told_apart_by_folder_ending_or_place() -> None:
    assert names("d1/image.nii", "d2/image.nii", "b.nii") == ["d1_image", "d2_image", "b"]
    assert names("a.nii.gz", "a.nrrd") == ["a.nii.gz", "a.nrrd"]
    upper, lower = names("x/A.nii", "x/a.nii")
    assert (upper[:2], lower[:2]) == ("A~", "a~")
    assert names("x/A.nii", "x/a.nii", "x/c.nii")[:2] == [upper, lower]  # in every run
    moved = [BatchCase(c, Path(f"/y/{c}.nii"), (Path("/y/../b"),)) for c in "Aa"]
    assert [case.name for case in distinct(moved, Path("/y"))[0]] == [upper, lower]
    twice = names("x/a.nii", "x/a.nii")
    assert [name[-4:] for name in twice] == [" (1)", " (2)"]
    assert len(set(names("CON.nii", "_CON.nii", "con..nii"))) == 3


def test_a_new_name_takes_no_other_cases() -> None:
    assert len(set(names("d/a.nii", "e/a.nii", "d_a.nii"))) == 3


def test_who_is_called_otherwise_is_told() -> None:
    cases = [BatchCase("A", Path("x/A.nii")), BatchCase("a", Path("x/a.nii"))]
    found, (note,) = distinct(cases, Path("x"))
    assert "2 cases would all be called A" in note
    assert all(case.name in note for case in found)
    assert distinct(cases[:1], Path("x")) == (cases[:1], [])


def test_a_case_bears_a_name_that_can_be_shown() -> None:
    assert names(f"{LATIN}.nii", "two\nlines.nii") == ["Schädel", "two lines"]
