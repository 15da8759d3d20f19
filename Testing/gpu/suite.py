"""The tests of the suite that need a GPU: those marked ``gpu``."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from masam_core.bench.rows import Row

TITLE = "Tests that need a GPU"
TESTING = Path(__file__).resolve().parents[1]
MARK = re.compile(r"^@pytest\.mark\.gpu", re.MULTILINE)
MESSAGE = 600  # characters of a failure's


def suite_rows(folder: Path = TESTING) -> Iterator[Row]:
    """Run the marked tests of a folder, a row each.

    Raises:
        RuntimeError: some have failed, or there are none.
    """
    if importlib.util.find_spec("pytest") is None:
        yield Row(
            TITLE,
            "not run",
            None,
            note="pytest is missing; graphs, precisions and memory check the same on larger models",
        )
        return
    files = sorted(p for p in folder.rglob("test_*.py") if MARK.search(p.read_text("utf-8")))
    if not files:
        raise RuntimeError(f"no test marked gpu was found in {folder}")
    with tempfile.TemporaryDirectory() as temporary:
        report = Path(temporary) / "report.xml"
        # Failures and their tracebacks go to the log.
        command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, "--continue-on-collection-errors", f"--junitxml={report}", *map(str, files)],
            cwd=TESTING.parent,
            stdout=sys.stderr,
            check=False,
        )
        if not report.exists():
            raise RuntimeError(f"pytest ended with {done.returncode} and no report")
        rows = [_row(case) for case in ElementTree.parse(report).getroot().iter("testcase")]
    yield from rows
    failed = [row.what for row in rows if row.details["outcome"] == "failed"]
    if failed:
        raise RuntimeError(f"{len(failed)} of {len(rows)} tests failed: {', '.join(failed)}")


def _row(case: ElementTree.Element) -> Row:
    outcome, note = "passed", ""
    for kind, word in (("failure", "failed"), ("error", "failed"), ("skipped", "skipped")):
        found = case.find(kind)
        if found is not None:
            outcome, note = word, (found.get("message") or "")[:MESSAGE]
    name = f"{case.get('classname', '').removeprefix('Testing.')}.{case.get('name')}"
    text = f"{outcome}: {note}" if note else outcome
    return Row(TITLE, name, float(case.get("time", 0)), note=text, details={"outcome": outcome})
