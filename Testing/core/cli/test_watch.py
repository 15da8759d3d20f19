"""`masam watch` in the test's own process: a folder in, a folder out."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pydicom
import pytest

from ..watch.making import SECRETS, write_case
from .conftest import Masam

WORKER = f"{sys.executable} -m Testing.core.watch.quick_worker"


def test_a_folder_is_worked_through_and_shown(masam: Masam, tmp_path: Path) -> None:
    pytest.importorskip("highdicom")
    write_case(tmp_path / "in")
    words = (
        *("watch", tmp_path / "in", "--results", tmp_path / "results"),
        *("--work", tmp_path / "work", "--whole-after", "0.5", "--worker", WORKER, "--once"),
    )
    done = masam(*words)
    assert done.exit_code == 0, done.stdout + done.stderr
    assert "Nothing waits any more." in done.stdout
    files = sorted((tmp_path / "results").iterdir())
    assert [pydicom.dcmread(path).Modality for path in files] == ["SEG", "SR"]
    assert not any(secret in done.stdout + done.stderr for secret in SECRETS)
    again = masam(*words)
    assert again.exit_code == 0
    assert sorted((tmp_path / "results").iterdir()) == files

    shown = masam("watch", "--work", tmp_path / "work", "--status")
    assert shown.exit_code == 0
    assert "done" in shown.stdout
    assert "yes" in shown.stdout
    told = masam("watch", "--work", tmp_path / "work", "--status", "--json")
    (row,) = json.loads(told.stdout)["cases"]
    assert (row["status"], row["sent"]) == ("done", "yes")
    assert [path.name for path in files] == [
        f"{row['name']}.lesions.seg.dcm",
        f"{row['name']}.report.sr.dcm",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nowhere",), "There is no folder nowhere"),
        ((), "There are no settings of a PACS"),
        (("--status",), "is not the folder of a night shift"),
        (("--whole-after", "0"), "expected more than 0"),
    ],
)
def test_what_can_t_begin_says_why(
    masam: Masam, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    done = masam("watch", "--work", tmp_path / "work", *words)
    assert done.exit_code == 1
    assert message in done.stderr
