"""Tables class by class: what is in few cases is said so."""

from __future__ import annotations

from masam_core.evaluation.classes import ClassStudy
from masam_core.evaluation.paper_tables import class_tables
from masam_core.scoring.evaluate import Score


def score(case: str, lesion: int, dice: float) -> Score:
    return Score(case, "CT", dice, float("nan"), float("nan"), patient=case, lesion=lesion)


def test_a_class_that_is_marked_in_fewer_cases_is_named_with_their_number() -> None:
    scores = [score("a", 1, 0.8), score("b", 1, 0.6), score("b", 3, 0.5)]
    study = ClassStudy(("liver", "spleen", "aorta"), {"model": scores})
    (table, *_) = class_tables(study)
    assert table.columns == ["method", "liver", "aorta", "mean"]
    # The mean of the classes' means, as the paper has it.
    assert table.rows == [["model", "70.0", "50.0", "60.0"]]
    assert "2 cases" in table.note
    assert "Marked in fewer: aorta in 1." in table.note
    assert "left out: spleen" in table.note


def test_one_case_is_one() -> None:
    (table, *_) = class_tables(ClassStudy(("liver",), {"model": [score("a", 1, 0.8)]}))
    assert table.note.startswith("1 case;")
    assert "fewer" not in table.note
