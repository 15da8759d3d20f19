"""The queue and its folder."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from masam_core.batch.queue import DONE, FAILED, PENDING, RUNNING, BatchQueue, safe_name
from masam_core.errors import ConfigError

ROW = {"image": "a", "lesion": "=1+1", "volume_ml": 1.25}


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "measurements.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_cases_go_from_pending_to_done_or_failed(tmp_path: Path) -> None:
    queue = BatchQueue(["a", "b", "c"], tmp_path)
    assert queue.next() == "a"
    queue.start("a")
    assert queue.cases["a"].status == RUNNING
    assert queue.next() == "b"
    queue.finish("a", [ROW], "note")
    queue.start("b")
    queue.fail("b", "broken; file")
    assert [row[1] for row in queue.table()] == [DONE, FAILED, PENDING]
    assert queue.summary() == "1 done, 1 failed, 1 not run."
    rows = table(tmp_path)
    assert [(r["case"], r["status"]) for r in rows] == [("a", DONE), ("b", FAILED), ("c", PENDING)]
    assert rows[0]["lesion"] == "'=1+1"
    assert float(rows[0]["volume_ml"]) == 1.25
    assert rows[1]["messages"] == "broken; file"
    assert "Failed: broken; file" in (tmp_path / "logs" / "b.log").read_text()


def test_a_run_is_gone_on_with_after_a_power_cut(tmp_path: Path) -> None:
    queue = BatchQueue(["a", "b", "c"], tmp_path, {"quality": "fast"})
    queue.start("a")
    queue.finish("a", [ROW])
    queue.start("b")
    again = BatchQueue(["a", "b", "c", "new"], tmp_path, {"quality": "fast"})
    assert [row[1] for row in again.table()] == [DONE, PENDING, PENDING, PENDING]
    assert again.cases["a"].rows == [ROW]


def test_cancel_puts_the_running_case_back(tmp_path: Path) -> None:
    queue = BatchQueue(["a"], tmp_path)
    queue.start("a")
    queue.cancel()
    assert queue.next() == "a"


def test_failed_cases_are_run_again_only_when_asked(tmp_path: Path) -> None:
    queue = BatchQueue(["a"], tmp_path)
    queue.start("a")
    queue.fail("a", "x")
    again = BatchQueue(["a"], tmp_path)
    assert again.next() is None
    again.retry_failed()
    assert again.next() == "a"


def test_other_settings_are_not_mixed_into_a_folder(tmp_path: Path) -> None:
    BatchQueue(["a"], tmp_path, {"quality": "fast", "margin_mm": 0})
    with pytest.raises(ConfigError, match=r"other settings \(quality\)"):
        BatchQueue(["a"], tmp_path, {"quality": "best", "margin_mm": 0})
    assert BatchQueue(["a"], tmp_path, {"quality": "best"}, fresh=True).next() == "a"


def test_a_damaged_state_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "batch.json").write_text("{")
    with pytest.raises(ConfigError, match="damaged"):
        BatchQueue(["a"], tmp_path)
    (tmp_path / "batch.json").write_text(json.dumps({"cases": [], "settings": {}}))
    with pytest.raises(ConfigError, match="damaged"):
        BatchQueue(["a"], tmp_path)


def test_two_cases_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="named a"):
        BatchQueue(["a", "b", "a"])


def test_without_a_folder_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    queue = BatchQueue(["a"])
    queue.start("a")
    queue.finish("a", [ROW])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a/b:c", "a_b_c"),
        ("CON", "_CON"),
        ("lpt1.x", "_lpt1.x"),
        ("end. ", "end"),
        ("...", "_"),
        ("München 1", "München 1"),
    ],
)
def test_names_are_safe_on_every_system(name: str, safe: str) -> None:
    assert safe_name(name) == safe
