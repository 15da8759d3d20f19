"""What held-out patients make of a model's own confidence."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open

from masam_core.catalog.able import abilities_of_file
from masam_core.model.checkpoint import load_model, save_model
from masam_core.model.evidence import (
    ENOUGH,
    Claim,
    ClassEvidence,
    Evidence,
    evidence_from_metadata,
    evidence_of,
)
from masam_core.model.masam import MASAM
from Testing.core.inference.conftest import build_model

__all__ = ["build_model"]  # a fixture
SHARE = st.floats(0, 1)


def claims(dice: list[float], said: float = 0.95, number: int = 1) -> list[Claim]:
    return [Claim(f"p{n}", number, said, value) for n, value in enumerate(dice)]


def test_a_model_that_is_sure_of_wrong_masks_is_not_believed() -> None:
    dice = [0.3, 0.5, 0.4, 0.2, 0.5]
    (own,) = evidence_of(claims(dice), [(1.0, 2.0)]).classes
    error = stdev(dice) / math.sqrt(5)
    assert own.checked
    assert own.confidence(0.95) == pytest.approx(mean(dice) - error)
    assert own.confidence(0.75) == pytest.approx(mean(dice) - error - 0.2)
    assert own.confidence(1.0) <= 0.5  # nothing better was ever seen
    assert own.confidence(0.1) == 0.0


def test_a_model_that_is_right_is_believed_and_never_beyond_its_own_word() -> None:
    (right,) = evidence_of(claims([0.94, 0.95, 0.95, 0.96, 0.95]), [None]).classes
    assert right.confidence(0.95) == pytest.approx(0.947, abs=0.001)
    (modest,) = evidence_of(claims([0.9] * 6, said=0.7), [None]).classes
    assert modest.confidence(0.7) == 0.7


@pytest.mark.parametrize("count", range(ENOUGH))
def test_few_patients_say_nothing(count: int) -> None:
    (own,) = evidence_of(claims([0.9] * count), [None]).classes
    assert own.patients == count
    assert math.isnan(own.confidence(0.95))


def test_patients_count_and_not_their_images_and_each_class_for_itself() -> None:
    scans = [Claim("p0", 2, 0.9, 0.5)] * 9
    first, second, third = evidence_of([*scans, *claims([0.9] * 5)], [None] * 3).classes
    assert (first.patients, second.patients, third) == (5, 1, ClassEvidence())
    assert not second.checked
    # One patient of many images weighs as much as the others.
    many = claims([0.9, 0.9, 0.9, 0.9], said=0.9) + [Claim("p9", 1, 0.9, 0.4)] * 20
    (own,) = evidence_of(many, [None]).classes
    off = [0, 0, 0, 0, 0.5]
    assert own.excess == pytest.approx(mean(off) + stdev(off) / math.sqrt(5))


@given(st.lists(st.tuples(SHARE, SHARE), min_size=ENOUGH, max_size=9), SHARE, SHARE)
def test_the_shown_confidence_rises_with_the_models_and_lies_below_it(
    pairs: list[tuple[float, float]], one: float, other: float
) -> None:
    (own,) = evidence_of(
        [Claim(f"p{n}", 1, said, dice) for n, (said, dice) in enumerate(pairs)], [None]
    ).classes
    low, high = sorted((one, other))
    assert 0 <= own.confidence(low) <= own.confidence(high) <= high
    assert own.confidence(high) <= max(dice for _, dice in pairs)


def test_a_file_keeps_what_is_known_and_an_older_one_was_not_checked(
    build_model: Callable[..., MASAM], tmp_path: Path
) -> None:
    model = build_model(field_of_view="slice", shape_prior="none", num_classes=2)
    save_model(model, tmp_path / "old.safetensors")
    assert load_model(tmp_path / "old.safetensors").evidence is None
    known = Evidence((ClassEvidence(7, 0.25, 0.75, (1.5, 80.25)), ClassEvidence()))
    model.evidence = known
    save_model(model, tmp_path / "new.safetensors", half=True)
    again = load_model(tmp_path / "new.safetensors")
    assert again.evidence == again.abilities.evidence == known
    able = abilities_of_file(tmp_path / "new.safetensors")
    assert able is not None
    assert able.evidence == known
    with safe_open(tmp_path / "new.safetensors", "pt") as file:  # type: ignore[no-untyped-call]
        (first, _) = json.loads(file.metadata()["evidence"])
    assert first["patients"] == 7


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "3", "null", "[]", "[3, 3]", "[" * 99999),
        '[{"patients": 9, "excess": 0}]',
        '[{"patients": 9, "excess": -1, "highest": 1, "volumes_ml": null}]',
        '[{"patients": 9, "excess": NaN, "highest": 1, "volumes_ml": null}]',
        '[{"patients": 9, "excess": 0, "highest": 2, "volumes_ml": null}]',
        '[{"patients": Infinity, "excess": 0, "highest": 1, "volumes_ml": null}]',
        '[{"patients": 9, "excess": 0, "highest": 1, "volumes_ml": [3, 2]}]',
        '[{"patients": 9, "excess": 0, "highest": 1, "volumes_ml": [0, NaN]}]',
    ],
)
def test_a_damaged_record_is_none(text: str) -> None:
    assert evidence_from_metadata({"evidence": text}, 1) is None
    good = '[{"patients": 9, "excess": 0, "highest": 1, "volumes_ml": [1, 2]}]'
    assert evidence_from_metadata({"evidence": good}, 2) is None  # of another model
    assert evidence_from_metadata({"evidence": good}, 1) is not None
