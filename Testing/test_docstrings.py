"""Docstrings say what a thing is or does: they begin with a noun or a verb."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .conftest import ROOT

FOLDERS = ("masam_core", "masam_workbench", "MASAMSlicer", "examples")
NOT_FIRST = set(
    """of for with in on from to by as at where after before without under and between into when if
    about so no""".split()  # noqa: SIM905
)
DOCUMENTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)


def docstrings() -> Iterator[tuple[str, str]]:
    """Place and first line of every docstring."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(
                    node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef | ast.Module
                ):
                    text = ast.get_docstring(node)
                    if text:
                        place = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"
                        yield place, text.splitlines()[0]


def test_none_begins_with_a_preposition() -> None:
    found = dict(docstrings())
    assert len(found) > 1000
    wrong = {place: line for place, line in found.items() if line.split()[0].lower() in NOT_FIRST}
    assert wrong == {}
