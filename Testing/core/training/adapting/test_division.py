"""Who trains, who stops, who is held out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masam_core.data.cases import Case
from masam_core.data.reading import read_cases
from masam_core.errors import ConfigError
from masam_core.training.adapting.division import divide, write_division


def case(number: int, patient: int, split: str) -> Case:
    path = Path(f"{number}.nii.gz")
    return Case(f"c{number}", f"p{patient}", "CT", split, path, path)


@given(st.lists(st.integers(0, 14), min_size=2, max_size=40), st.integers(0, 9))
def test_no_patient_is_on_two_sides_and_no_case_is_lost(patients: list[int], seed: int) -> None:
    cases = [case(n, p, "val" if p % 4 == 0 else "train") for n, p in enumerate(patients)]
    if {c.split for c in cases} != {"train", "val"}:
        with pytest.raises(ConfigError, match="Add cases of more patients"):
            divide(cases, seed)
        return
    found = divide(cases, seed)
    sides = [{c.patient for c in side} for side in (found.train, found.stop, found.held_out)]
    assert sum(map(len, sides)) == len(set.union(*sides))
    names = [c.name for side in (found.train, found.stop, found.held_out) for c in side]
    assert sorted(names) == sorted(c.name for c in cases)
    teaching = len(sides[0]) + len(sides[1])
    assert len(sides[1]) == (max(1, round(0.25 * teaching)) if teaching >= 4 else 0)
    assert sides[2] == {c.patient for c in cases if c.split == "val"}
    assert divide(list(reversed(cases)), seed).stop == list(reversed(found.stop))


def test_the_list_that_is_trained_on_never_names_a_held_out_case(
    data: Path, tmp_path: Path
) -> None:
    found = divide(read_cases(data))
    write_division(tmp_path / "cases.csv", found)
    back = read_cases(tmp_path / "cases.csv")
    assert [(c.name, c.patient, c.split, c.image) for c in back] == [
        (c.name, c.patient, c.split, c.image.resolve()) for c in (*found.train, *found.stop)
    ]
    assert "ball2" not in (tmp_path / "cases.csv").read_text("utf-8")
