"""The queue and its folder."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from masam_core.batch.queue import BatchQueue
from masam_core.batch.states import DONE, FAILED, PENDING, RUNNING
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


def test_results_of_another_input_stay_in_the_table(tmp_path: Path) -> None:
    first = BatchQueue(["a", "b"], tmp_path, sources={"a": "/one/a.nii", "b": "/one/b.nii"})
    first.start("a")
    first.finish("a", [ROW, ROW])
    first.start("b")  # and its process is killed
    second = BatchQueue(["0"], tmp_path, sources={"0": "/two/0.nii"})
    assert second.notes == [
        f"{tmp_path} also holds 2 cases that this input has not; kept, also in the table."
    ]
    second.start("0")
    second.finish("0", [ROW])
    second.write_table()
    assert [(r["case"], r["status"]) for r in table(tmp_path)] == [
        ("0", DONE),
        ("a", DONE),
        ("a", DONE),
        ("b", PENDING),
    ]


def test_another_image_of_the_same_name_is_refused_and_the_same_one_moved_is_not(
    tmp_path: Path,
) -> None:
    made = {"a": {"image": [1, 100, 5, "content"]}}
    queue = BatchQueue(["a"], tmp_path, made, sources={"a": "/one/a.nii"})
    queue.start("a")
    queue.finish("a", [ROW])
    other = {"a": {"image": [1, 100, 5, "something else"]}}
    boxes = {"a": {**made["a"], "boxes": "of another reader"}}
    for seen in (other, {"a": {"image": None}}, boxes):
        with pytest.raises(ConfigError, match=r"'a' is of /one/a\.nii.*another folder"):
            BatchQueue(["a"], tmp_path, seen, sources={"a": "/two/a.nii"})
    assert BatchQueue(["a"], tmp_path, made, sources={"a": "/moved/a.nii"}).count(DONE) == 1
    copied = {"a": {"image": [1, 100, 9, "content"]}}
    again = BatchQueue(["a"], tmp_path, copied, sources={"a": "/copied/a.nii"})
    assert again.notes == ["a will be run again: the image has changed."]
    # Asked for in words, it is begun anew.
    anew = BatchQueue(["a"], tmp_path, other, fresh=True, sources={"a": "/two/a.nii"})
    assert anew.next() == "a"


def test_names_that_a_system_takes_for_one_file_are_not_taken_for_one_case(
    tmp_path: Path,
) -> None:
    queue = BatchQueue(["a"], tmp_path, sources={"a": "/one/a.nii"})
    queue.start("a")
    queue.finish("a", [ROW])
    # As Windows and macOS would find it.
    (tmp_path / ".masam" / "a.json").rename(tmp_path / ".masam" / "A.json")
    with pytest.raises(ConfigError, match="with the same names: 'A'"):
        BatchQueue(["A"], tmp_path, sources={"A": "/two/A.nii"})


def test_begun_anew_the_cases_of_another_input_stay(tmp_path: Path) -> None:
    other = tmp_path / "b.nii"
    other.touch()
    queue = BatchQueue(["a", "b"], tmp_path, sources={"a": "/one/a.nii", "b": str(other)})
    for name in ("a", "b"):
        queue.start(name)
        queue.finish(name, [ROW])
    BatchQueue(["c"], tmp_path, fresh=True, sources={"c": "/one/c.nii"}).write_table()
    assert [r["case"] for r in table(tmp_path)] == ["c", "b"]  # a's image is not there any more


def test_a_table_that_no_batch_has_written_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "measurements.csv").write_text("mine")
    with pytest.raises(ConfigError, match=r"measurements\.csv that no batch has written"):
        BatchQueue(["a"], tmp_path)
    assert (tmp_path / "measurements.csv").read_text() == "mine"


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


def test_loaded_volumes_replace_no_results_of_files(tmp_path: Path) -> None:
    queue = BatchQueue(["a"], tmp_path, sources={"a": "/one/a.nii"})
    queue.start("a")
    queue.finish("a", [ROW])
    with pytest.raises(ConfigError, match=r"'a' is of /one/a\.nii"):
        BatchQueue(["a"], tmp_path, resumable=False)
    for _ in range(2):  # nothing can be gone on with, and nothing stands in the way of another run
        other = BatchQueue(["b"], tmp_path, resumable=False)
        assert other.next() == "b"
        other.start("b")
        other.fail("b", "x")
        other.write_table()
    assert [(r["case"], r["status"]) for r in table(tmp_path)] == [("b", FAILED), ("a", DONE)]
    assert BatchQueue(["a"], tmp_path, sources={"a": "/one/a.nii"}).count(DONE) == 1


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
