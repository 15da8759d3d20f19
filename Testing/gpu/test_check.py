"""The script for a machine with a GPU: its document, its processes, and what runs without a GPU."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from masam_core.bench.rows import Row
from masam_core.catalog.bundled import bundled_model_path
from masam_core.model.checkpoint import inspect_checkpoint

from ..benchmarks import tables
from . import check
from .document import Document
from .running import run_section
from .sections import facts, rows_of
from .subjects import BUNDLED, Run
from .suite import suite_rows

FINDING = {"row": Row("Title", "one", 1.5, note="n").to_dict()}


def python(code: str, seconds: float = 60.0) -> tuple[Any, list[dict[str, Any]]]:
    found: list[dict[str, Any]] = []
    done = run_section([sys.executable, "-c", code], seconds, found.append, Path.cwd())
    return done, found


def ended(pid: int) -> bool:
    """Whether a process is gone, or has ended and waits for its parent to take note."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text("utf-8").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_findings_are_taken_and_other_lines_passed_over() -> None:
    lines = ['{"a": 1}', "hello", "{broken", "[1]", '{"a": 2}']
    done, found = python(f"print(*{lines!r}, sep=chr(10))")
    assert (done.state, done.error) == ("done", "")
    assert found == [{"a": 1}, {"a": 2}]


def test_a_section_that_fails_keeps_what_it_found_and_says_why() -> None:
    done, found = python("print('{\"a\": 1}', flush=True); raise RuntimeError('no kernel image')")
    assert done.state == "failed"
    assert "no kernel image" in done.error
    assert found == [{"a": 1}]


def test_a_section_that_hangs_is_ended_with_all_that_it_has_started(tmp_path: Path) -> None:
    child = f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(300)"
    code = (
        "import subprocess, sys, time\n"
        "print('{\"a\": 1}', flush=True)\n"
        f"subprocess.run([sys.executable, '-c', {'import os, time; ' + child!r}])\n"
    )
    began = time.monotonic()
    done, found = python(code, seconds=3.0)
    assert time.monotonic() - began < 60
    assert (done.state, found) == ("stopped", [{"a": 1}])
    if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():  # a busy machine is slow
        child_pid = int((tmp_path / "pid").read_text())
        while not ended(child_pid) and time.monotonic() - began < 60:
            time.sleep(0.02)
        assert ended(child_pid)


def test_the_document_is_on_the_disk_after_every_finding(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "found.json"
    document = Document.at(path)
    document.begin("graphs")
    document.take("graphs", FINDING)
    document.take("graphs", {"machine": {"device": "card"}})
    found = json.loads(path.read_text("utf-8"))
    assert found["sections"]["graphs"]["state"] == "running"
    assert found["machine"] == {"device": "card"}
    assert found["rows"][0]["value"] == 1.5


def test_a_second_run_keeps_what_it_does_not_run(tmp_path: Path) -> None:
    first = Document.at(tmp_path / "found.json")
    for name in ("graphs", "memory"):
        first.begin(name)
        first.take(name, FINDING)
        first.end(name, "done", 1.0, "")
    second = Document.at(first.path)
    second.begin("memory")
    second.end("memory", "failed", 2.0, "why")
    second.end("graphs", "not run", 0.0, "no time was left")
    found = Document.at(first.path)
    assert [row["details"]["part"] for row in found.rows] == ["graphs"]
    assert found.sections["graphs"]["state"] == "done"
    assert found.sections["memory"] == {"state": "failed", "seconds": 2.0, "error": "why"}
    (tmp_path / "other.json").write_text("[]", "utf-8")
    with pytest.raises(ValueError, match=r"other\.json"):
        Document.at(tmp_path / "other.json")


def test_a_failing_section_does_not_stop_the_next_and_none_begins_too_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "Testing" / "gpu"
    fake.mkdir(parents=True)
    for folder in (fake.parent, fake):
        (folder / "__init__.py").touch()
    (fake / "sections.py").write_text(
        "import json, sys\n"
        "if sys.argv[1] == 'suite': sys.exit('driver lost')\n"
        "print(json.dumps({'machine': {'asked': sys.argv[1:]}}))\n",
        "utf-8",
    )
    monkeypatch.setattr(check, "ROOT", tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    out = tmp_path / "found.json"
    only = ("--only", "suite", "--only", "graphs", "--small", "--device", "cpu")
    assert check.main(["--output", str(out), *only]) == 1
    found = json.loads(out.read_text("utf-8"))
    assert "driver lost" in found["sections"]["suite"]["error"]
    assert found["sections"]["graphs"]["state"] == "done"
    assert found["machine"]["asked"] == ["graphs", "cpu", "--small"]
    late = tmp_path / "late.json"
    assert check.main(["--output", str(late), "--minutes", "0", *only]) == 1
    assert json.loads(late.read_text("utf-8"))["sections"]["graphs"]["state"] == "not run"


def test_without_a_gpu_it_runs_on_small_models_and_its_rows_make_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "card.json"
    small = ("--device", "cpu", "--small", "--only", "precisions")
    assert check.main(["--output", str(out), *small]) == 0
    found = json.loads(out.read_text("utf-8"))
    overlaps = {row["what"].split(": ")[1]: row["value"] for row in found["rows"] if row["value"]}
    assert set(overlaps) == {"float16", "bfloat16"}
    assert all(0.9 < value <= 1 for value in overlaps.values())
    run = Run(torch.device("cpu"), small=True)
    for name in ("graphs", "memory", "length", "scale"):
        (row,) = rows_of(name, run)
        assert "needs an NVIDIA GPU" in row.note or "no small form" in row.note
    document = Document.at(out)
    document.take("machine", {"machine": json.loads(json.dumps(facts(run)))})
    monkeypatch.setattr(tables, "HERE", tmp_path)
    assert "| Masks of half precisions against float32 | figure" in tables.table("card")


def test_marked_tests_are_run_and_failures_named(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(
        "import pytest\n"
        "@pytest.mark.gpu\ndef test_good(): pass\n"
        "@pytest.mark.gpu\ndef test_bad(): assert 1 == 2\n"
        "def test_other(): assert False\n",
        "utf-8",
    )
    rows = suite_rows(tmp_path)
    got = [next(rows), next(rows)]
    assert [row.details["outcome"] for row in got] == ["passed", "failed"]
    with pytest.raises(RuntimeError, match=r"1 of 2 tests failed: .*test_bad"):
        next(rows)
    with pytest.raises(RuntimeError, match="no test marked gpu"):
        list(suite_rows(tmp_path / "nowhere"))


def test_without_pytest_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (row,) = suite_rows()
    assert "pytest is missing" in row.note


def test_the_architecture_that_stands_in_for_the_bundled_model_is_its_own() -> None:
    assert inspect_checkpoint(bundled_model_path()).config == BUNDLED


def test_a_checkout_without_the_weights_takes_random_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("masam_core.catalog.bundled.resources", lambda: [])
    subject = Run(torch.device("cpu")).bundled()
    assert "random weights" in subject.name
    assert subject.build().config == BUNDLED


def test_the_script_tells_its_sections() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "Testing.gpu.check", "--help"],
        cwd=check.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(name in done.stdout for name in check.SECTIONS)
