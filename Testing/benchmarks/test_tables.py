"""docs/SPEED.md shows the recorded runs, and nothing else."""

from __future__ import annotations

from .tables import HERE, PAGE, page


def test_the_page_shows_what_was_recorded() -> None:
    text = PAGE.read_text("utf-8")
    assert page(text) == text, "run: python -m Testing.benchmarks.tables"
    for file in HERE.glob("*.json"):
        assert f"<!-- {file.stem} -->" in text
