"""Tables class by class: what is in few cases is said so."""

from __future__ import annotations

from masam_core.evaluation.classes import ClassStudy
from masam_core.evaluation.paper_tables import class_tables
from masam_core.evaluation.statistics import compare
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


def test_the_paired_test_is_over_all_classes_and_of_each() -> None:
    """Seven patients: the liver better by 10 to 16 points in each, the aorta the same in each."""
    names = ("ours", "theirs")
    ours = [score(f"p{n}", c, 0.7) for n in range(7) for c in (1, 3)]
    theirs = [score(f"p{n}", c, 0.7 - (0.1 + n / 100) * (c == 1)) for n in range(7) for c in (1, 3)]
    study = ClassStudy(
        ("liver", "spleen", "aorta"),
        {"ours": ours, "theirs": theirs},
        comparisons=[compare(ours, theirs, names)],
    )
    table = class_tables(study)[-1]
    assert table.columns[:3] == ["difference in Dice (points)", "class", "patients"]
    assert [row[:4] for row in table.rows] == [
        ["ours - theirs", "all", "7", "+6.5"],
        ["ours - theirs", "liver", "7", "+13.0"],
        ["ours - theirs", "aorta", "7", "+0.0"],
    ]
    # All seven differ to one side: 2 of the 2 ** 7 ways that signs may fall.
    assert [row[-1] for row in table.rows] == ["0.016", "0.016", "-"]
    assert "not corrected for their number" in table.note
    livers = {name: [s for s in own if s.lesion == 1] for name, own in study.scores.items()}
    alone = ClassStudy(("liver",), livers, comparisons=study.comparisons)
    assert "class" not in class_tables(alone)[-1].columns
