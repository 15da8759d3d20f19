"""The sample's mask against its figures, and the report."""

from __future__ import annotations

import numpy as np
import pytest

from masam_core.check.report import Report
from masam_core.check.sample import Expected, Sample, judge_mask
from masam_core.installation.finding import Finding, State, guarded


def test_figures_are_taken_from_the_mask_itself(sample: Sample) -> None:
    """Half of the expert's slices: Dice 2a / (a + b) and its own volume, counted by hand."""
    k = np.nonzero(sample.expert.any((1, 2)))[0]
    first, last = int(k[0]), int(k[len(k) // 2])
    part = sample.expert[first : last + 1]
    spacing = np.prod(sample.volume.geometry.spacing)
    ml = float(part.sum() * spacing / 1000)
    dice = 2 * part.sum() / (part.sum() + sample.expert.sum())
    expected = Expected(dice=float(dice), volume_ml=ml)
    found = judge_mask(sample, part, (first, 0, 0), 3.0, "cpu", expected)
    assert found.state is State.OK
    assert f"{dice:.3f}" in found.words
    assert f"{ml:.1f} ml" in found.words
    other = Expected(dice=float(dice) + 0.021, volume_ml=ml)
    assert judge_mask(sample, part, (first, 0, 0), 3.0, "cpu", other).state is State.PROBLEM
    larger = Expected(dice=float(dice), volume_ml=1.04 * ml)
    assert judge_mask(sample, part, (first, 0, 0), 3.0, "cpu", larger).state is State.PROBLEM
    slow = judge_mask(sample, part, (first, 0, 0), 90.0, "cpu", expected)
    assert slow.state is State.NOTE
    assert "busy" in slow.advice


def test_an_empty_mask_is_a_problem_and_no_crash(sample: Sample) -> None:
    empty = np.zeros((1, 1, 1), bool)
    found = judge_mask(sample, empty, (0, 0, 0), 1.0, "cpu")
    assert found.state is State.PROBLEM
    assert "Dice with the expert 0.000" in found.words


def test_a_check_that_fails_itself_is_a_finding() -> None:
    found = guarded("GPU", lambda: [][0])  # type: ignore[func-returns-value]
    assert found.state is State.PROBLEM
    assert "IndexError" in found.words


OK, NOTE, WRONG = (
    Finding("Python", State.OK, "3.12.4"),
    Finding("GPU", State.NOTE, "Found, not used.", "Choose 'auto'."),
    Finding("Model file", State.PROBLEM, "It is damaged.", "Install MASAM again."),
)


@pytest.mark.parametrize(
    ("findings", "stopped", "state", "verdict"),
    [
        ((OK,), "", State.OK, "Everything works"),
        ((OK, NOTE), "", State.NOTE, "Works, with a remark. GPU: Found, not used."),
        ((NOTE, WRONG, WRONG), "", State.PROBLEM, "Model file: It is damaged. And 1 more"),
        ((OK,), "loading", State.SKIPPED, "Stopped (loading)"),
        ((WRONG,), "loading", State.PROBLEM, "Something is wrong"),
    ],
)
def test_the_verdict_is_one_line_on_the_worst(
    findings: tuple[Finding, ...], stopped: str, state: State, verdict: str
) -> None:
    report = Report((("Here", findings),), stopped)
    assert report.state is state
    assert verdict in report.verdict
    assert "\n" not in report.verdict


def test_the_text_has_every_finding_its_advice_and_no_names() -> None:
    home = Finding("Disk", State.OK, "/home/jane/models")
    report = Report(
        (("Here", (OK, home)), ("There", (WRONG,))), log=("File /home/jane/x.py, line 3",)
    )
    text = report.text()
    for words in ("Here", "There", "Python", "3.12.4", "It is damaged.", "-> Install MASAM again."):
        assert words in text
    assert "jane" not in text
    assert "~/models" in text
    assert max(map(len, text.splitlines())) <= 96
    whole = report.to_dict()
    assert "jane" not in str(whole)
    assert Finding.from_dict(whole["sections"][1]["findings"][0]) == WRONG
