"""Shards of a batch: a partition by name, several processes in one folder, one table."""

from __future__ import annotations

import csv
import hashlib
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masam_core.batch.case import BatchCase
from masam_core.batch.cases import find_cases
from masam_core.batch.driver import Batch, open_batch
from masam_core.batch.lock import FolderLock
from masam_core.batch.merging import merge
from masam_core.batch.names import file_key
from masam_core.batch.queue import lock_folder
from masam_core.batch.run import open_queue
from masam_core.batch.shard_record import all_ended, read_counts
from masam_core.batch.shards import Shard, ShardLock, shard_of
from masam_core.batch.spec import BatchSpec
from masam_core.batch.states import state_folder
from masam_core.errors import ConfigError, SegmentationError
from masam_core.inference.options import SegmentOptions
from Testing.core.batch.test_run import Quick, folder, run

__all__ = ["folder"]  # the fixture

HOLDS = """
import sys
from pathlib import Path
from masam_core.batch.shards import Shard, ShardLock
lock = ShardLock(Path(sys.argv[1]), Shard.read(sys.argv[2]))
print("held", flush=True)
sys.stdin.read()
"""


def rows_of(out: Path) -> list[dict[str, str]]:
    with (out / "measurements.csv").open(encoding="utf-8-sig", newline="") as file:
        return sorted(csv.DictReader(file), key=lambda row: row["case"])


def run_shard(folder: Path, out: Path, shard: str, engine: Quick, monkeypatch: Any) -> Batch:
    part = Shard.read(shard)
    cases = part.of(find_cases(folder)[0])
    spec = BatchSpec(folder, out)
    batch = Batch(spec, cases, open_queue(cases, spec, part), [], part)
    monkeypatch.setattr("masam_core.batch.driver.open_segmenter", lambda *_: _Open(engine))
    batch.run(lambda *_: None, lambda *_: None, lambda: False)
    return batch


class _Open:
    def __init__(self, engine: Quick) -> None:
        self._engine = engine

    def __enter__(self) -> Quick:
        return self._engine

    def __exit__(self, *_: object) -> None:
        pass


@given(st.lists(st.text(min_size=1), unique_by=file_key, max_size=30), st.integers(1, 9))
def test_each_case_is_in_one_shard_whatever_comes_beside_it(names: list[str], count: int) -> None:
    cases = [BatchCase(name, Path(name.encode().hex())) for name in names]
    parts = [Shard(number + 1, count).of(cases) for number in range(count)]
    assert sorted(case.name for part in parts for case in part) == sorted(names)
    again = [Shard(number + 1, count).of(cases[::-2]) for number in range(count)]
    for part, less in zip(parts, again, strict=True):
        assert set(less) == set(part) & set(cases[::-2])


def test_the_partition_is_the_one_that_is_stated() -> None:
    stated = int(hashlib.sha256(b"case 7").hexdigest()[:16], 16) % 20 + 1
    assert shard_of("Case 7", 20) == shard_of("case 7", 20) == stated
    sizes = [0] * 20
    for number in range(20_000):
        sizes[shard_of(f"patient{number:05}", 20) - 1] += 1
    assert min(sizes) > 850  # binomial: 1000, and four standard deviations are 123
    assert max(sizes) < 1150


@pytest.mark.parametrize("words", ["", "3", "0/4", "5/4", "1/0", "a/b", "-1/4", "1/99999"])
def test_another_word_for_a_shard_is_refused(words: str) -> None:
    with pytest.raises(ConfigError, match="expected i/n"):
        Shard.read(words)


def test_shards_give_the_table_of_one_run_whichever_ends_last(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(folder, tmp_path / "one", Quick())
    out = tmp_path / "out"
    seen: list[str] = []
    for number in (2, 3, 1):
        engine = Quick()
        batch = run_shard(folder, out, f"{number}/3", engine, monkeypatch)
        assert (batch.merged is not None) == (number == 1)
        assert (out / "measurements.csv").exists() == (number == 1)
        seen += engine.seen
        log = (out / "logs" / "shards" / f"{number}-of-3.log").read_text()
        assert log.count("running") == len(batch.cases)
        assert "Ended: " in log
    assert sorted(seen) == ["a", "bug", "memory", "y", "z"]  # broken can't be read
    assert rows_of(out) == rows_of(tmp_path / "one")
    report = (out / "report.txt").read_text()
    assert "6 cases: 3 done, 3 failed." in report
    assert "bug: Something unforeseen" in report


def test_a_shard_that_was_stopped_is_gone_on_with_and_the_table_waits_for_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    first = Quick(stop_at="y")
    run_shard(folder, out, "1/1", first, monkeypatch)
    assert not all_ended(out, 1)
    merged = merge(out, [case.name for case in find_cases(folder)[0]])
    assert merged.summary == "1 done, 3 failed, 2 not run."
    assert [row["case"] for row in rows_of(out) if row["status"] == "pending"] == ["y", "z"]
    second = Quick()
    batch = run_shard(folder, out, "1/1", second, monkeypatch)
    assert second.seen == ["y", "z"]
    assert batch.merged is not None
    assert batch.merged.summary == "3 done, 3 failed."
    assert [counts and counts.done for counts in read_counts(out, 1)] == [3]


def test_who_works_on_the_same_cases_is_refused_and_other_shards_are_not(tmp_path: Path) -> None:
    states = state_folder(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(states), "1/4"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == b"held"
        ShardLock(states, Shard(2, 4)).release()
        with pytest.raises(ConfigError, match=f"shard 1/4 into .*process {other.pid}"):
            ShardLock(states, Shard(1, 4))
        with pytest.raises(ConfigError, match=r"Shard 1/4 is being worked on .*take 4 shards"):
            ShardLock(states, Shard(1, 5))
        with pytest.raises(ConfigError, match=r"Shard 1/4 of a batch is writing"):
            lock_folder(tmp_path)
        other.kill()
    taken_over = ShardLock(states, Shard(1, 4))
    assert "was ended from outside" in taken_over.note
    taken_over.release()
    whole = lock_folder(tmp_path)
    with pytest.raises(ConfigError, match="without shards is writing"):
        ShardLock(states, Shard(1, 4))
    whole.release()
    ShardLock(states, Shard(3, 5)).release()


def test_a_look_at_a_lock_keeps_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from masam_core.batch import lock

    first = FolderLock(tmp_path)
    monkeypatch.setattr(lock.time, "sleep", lambda _: first.release())  # the look is over
    FolderLock(tmp_path).release()


def test_begun_anew_a_shard_forgets_its_own_cases_alone(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    for number in (1, 2):
        run_shard(folder, out, f"{number}/2", Quick(), monkeypatch)
    part = Shard(1, 2)
    cases = part.of(find_cases(folder)[0])
    queue = open_queue(cases, BatchSpec(folder, out, fresh=True), part)
    assert queue.count("pending") == len(cases) > 0
    queue.release()
    assert merge(out).counts["pending"] == len(cases) < sum(merge(out).counts.values()) == 6
    # A job that takes it up does not begin anew, and the masks of before are no one else's.
    again = open_queue(cases, BatchSpec(folder, out), part)
    assert again.count("pending") == len(cases)
    again.release()


def test_where_cases_came_or_settings_changed_the_other_shards_have_not_ended(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Quick()
    monkeypatch.setattr("masam_core.batch.driver.open_segmenter", lambda *_: _Open(engine))
    spec = BatchSpec(folder, tmp_path / "out", worker=("nobody",))

    def ends_all(number: int, spec: BatchSpec) -> bool:
        batch = open_batch(spec, Shard(number, 2))
        assert batch.run(lambda *_: None, lambda *_: None, lambda: False)
        return batch.merged is not None

    assert [ends_all(1, spec), ends_all(2, spec)] == [False, True]
    assert ends_all(1, replace(spec, retry_failed=True))
    other = replace(spec, segment=SegmentOptions(threshold=0.7))
    assert [ends_all(1, other), ends_all(2, other)] == [False, True]
    for end in (".nii.gz", "_label.nii.gz"):
        shutil.copy(folder / f"a{end}", folder / f"new{end}")
    assert [ends_all(2, other), ends_all(1, other)] == [False, True]
    assert {row["case"] for row in rows_of(spec.out)} == {
        case.name for case in find_cases(folder)[0]
    }


def test_a_report_that_no_batch_has_written_stays(tmp_path: Path) -> None:
    state_folder(tmp_path)
    report = tmp_path / "report.txt"
    report.write_text("My own words.")
    with pytest.raises(SegmentationError, match=r"report.txt is there already, and no batch"):
        merge(tmp_path)
    assert report.read_text() == "My own words."
    report.unlink()
    merge(tmp_path)
    merge(tmp_path)  # its own is replaced
    assert report.read_text().startswith("MASAM ")
