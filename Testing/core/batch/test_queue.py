"""The queue and its folder."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from masam_core.batch.queue import BatchQueue
from masam_core.batch.states import DONE, FAILED, PENDING, RUNNING, safe_name
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
    assert not (tmp_path / "measurements.csv").exists()  # the table comes at the end
    queue.write_table()
    rows = table(tmp_path)
    assert [(r["case"], r["status"]) for r in rows] == [("a", DONE), ("b", FAILED), ("c", PENDING)]
    assert rows[0]["lesion"] == "'=1+1"
    assert float(rows[0]["volume_ml"]) == 1.25
    assert rows[1]["messages"] == "broken; file"
    assert "Failed: broken; file" in (tmp_path / "logs" / "b.log").read_text()


def test_a_run_is_gone_on_with_after_a_power_cut(tmp_path: Path) -> None:
    queue = BatchQueue(["a", "b", "c"], tmp_path)
    queue.start("a")
    queue.finish("a", [ROW])
    queue.start("b")
    again = BatchQueue(["a", "b", "c", "new"], tmp_path)
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


def test_a_case_made_of_something_else_waits_again_and_says_why(tmp_path: Path) -> None:
    made = {"quality": "fast", "margin_mm": 0}
    queue = BatchQueue(["a", "b"], tmp_path, {"a": made, "b": made})
    for name in ("a", "b"):
        queue.start(name)
        queue.finish(name, [ROW])
    other = {"quality": "best", "margin_mm": 2}
    again = BatchQueue(["a", "b"], tmp_path, {"a": made, "b": other})
    assert [row[1] for row in again.table()] == [DONE, PENDING]
    assert again.notes == ["b will be run again: quality and margin_mm have changed."]
    assert "margin_mm" in again.cases["b"].message
    # Not before it is run is the old result forgotten.
    same = BatchQueue(["a", "b"], tmp_path, {"a": made, "b": made})
    assert (same.next(), same.notes) == (None, [])


def test_a_folder_begun_anew_forgets_all_cases(tmp_path: Path) -> None:
    queue = BatchQueue(["a", "gone"], tmp_path)
    for name in ("a", "gone"):
        queue.start(name)
        queue.finish(name, [ROW])
    assert BatchQueue(["a"], tmp_path, fresh=True).next() == "a"
    assert BatchQueue(["a", "gone"], tmp_path).count(DONE) == 0


def test_two_writers_keep_both_their_cases(tmp_path: Path) -> None:
    one, two = BatchQueue(["a", "b"], tmp_path), BatchQueue(["a", "b"], tmp_path)
    one.start("a")
    two.start("b")
    two.finish("b", [ROW])
    one.finish("a", [ROW])
    assert BatchQueue(["a", "b"], tmp_path).count(DONE) == 2
    one.write_table()  # of what two has done, as well
    assert [(r["case"], r["status"]) for r in table(tmp_path)] == [("a", DONE), ("b", DONE)]
    assert one.take_over("b")
    assert one.cases["b"].rows == [ROW]
    assert not two.take_over("b")  # its own


def test_a_damaged_state_is_one_case_that_is_run_again(tmp_path: Path) -> None:
    queue = BatchQueue(["a", "b"], tmp_path)
    for name in ("a", "b"):
        queue.start(name)
        queue.finish(name, [ROW])
    for text in ("{", "[]", "{}", '{"case": "b", "state": {}}', '{"case": "a", "state": {"x": 1}}'):
        (tmp_path / ".masam" / "a.json").write_text(text)
        again = BatchQueue(["a", "b"], tmp_path)
        assert again.next() == "a"
        assert again.count(DONE) == 1
        (note,) = again.notes
        assert "a.json is damaged" in note


def test_a_folder_of_an_earlier_version_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "batch.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"earlier version .*batch\.json.* --fresh|anew"):
        BatchQueue(["a"], tmp_path)
    assert BatchQueue(["a"], tmp_path, fresh=True).next() == "a"


def test_a_queue_that_can_not_be_gone_on_with_leaves_the_states_alone(tmp_path: Path) -> None:
    queue = BatchQueue(["a"], tmp_path)
    queue.start("a")
    queue.finish("a", [ROW])
    other = BatchQueue(["a"], tmp_path, resumable=False)
    assert other.next() == "a"
    other.start("a")
    other.fail("a", "x")
    assert BatchQueue(["a"], tmp_path).count(DONE) == 1


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
    queue.write_table()
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
