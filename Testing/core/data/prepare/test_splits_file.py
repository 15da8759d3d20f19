"""Splits of one's own: what authors publish, and what is no list of names."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from masam_core.data.prepare import splits_file
from masam_core.data.prepare.run import Options, prepare
from masam_core.data.prepare.splits_file import read_splits
from masam_core.data.reading import read_cases
from masam_core.errors import ConfigError
from Testing.core.data.prepare import miniatures

WANTED = {"pancreas_001": "train", "pancreas_004": "train", "pancreas_005": "test"}


def pickled(path: Path, content: Any, protocol: int = pickle.HIGHEST_PROTOCOL) -> Path:
    path.write_bytes(pickle.dumps(content, protocol))
    return path


def pair(name: str) -> tuple[str, str]:
    return f"/imagesTr/{name}.nii.gz", f"/labelsTr/{name}.nii.gz"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "content",
    [
        {
            0: {"train": {0: pair("pancreas_001"), 7: pair("pancreas_004")}, "val": {},
                "test": {2: pair("pancreas_005")}},
            1: {"train": {0: pair("pancreas_005")}, "test": {2: pair("pancreas_001")}},
        },
        [{"train": ["pancreas_001.nii.gz", "pancreas_004"], "test": ("x\\pancreas_005.nii",)}],
        {"train": {"pancreas_001": 3, "pancreas_004": 4}, "test": {"pancreas_005"}},
    ],
    ids=["folds of pairs of paths", "lists of names", "names as keys"],
)  # fmt: skip
def test_the_authors_lists_are_read_in_any_nesting(
    tmp_path: Path, content: Any, protocol: int
) -> None:
    assert read_splits(pickled(tmp_path / "split.pkl", content, protocol)) == WANTED


def test_nothing_in_a_pickle_is_run(tmp_path: Path) -> None:
    class Harmful:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "ran"),)

    with pytest.raises(ConfigError, match=r"split\.pkl.*mkdir, where names alone are expected"):
        read_splits(pickled(tmp_path / "split.pkl", {"train": [Harmful()], "test": []}))
    assert not (tmp_path / "ran").exists()


def test_what_is_no_list_of_names_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "split.pkl"
    with pytest.raises(ConfigError, match="where names alone are expected"):
        read_splits(pickled(file, {"train": np.arange(3), "test": []}))
    with pytest.raises(ConfigError, match="no lists below the words train and test"):
        read_splits(pickled(file, ["pancreas_001"]))
    with pytest.raises(ConfigError, match="pancreas_001 in both train and test"):
        read_splits(pickled(file, {"train": ["pancreas_001"], "test": ["pancreas_001"]}))
    around: list[Any] = []
    around.append(around)
    with pytest.raises(ConfigError, match="no lists below"):
        read_splits(pickled(file, around))
    for damaged in (b"", b"\x80", file.read_bytes()[:-3], b"case,split\n"):
        file.write_bytes(damaged)
        with pytest.raises(ConfigError, match=r"split\.pkl can't be read as a pickled list"):
            read_splits(file)
    with pytest.raises(ConfigError, match="can't be read"):
        read_splits(tmp_path / "gone.pkl")
    monkeypatch.setattr(splits_file, "MOST_BYTES", 10)
    with pytest.raises(ConfigError, match="no list of names"):
        read_splits(pickled(file, {"train": ["pancreas_001"], "test": []}))


def test_the_pancreas_is_divided_as_the_authors_did(tmp_path: Path) -> None:
    source = miniatures.msd_pancreas(tmp_path / "Task07_Pancreas", count=3)
    names = sorted(p.name.split(".")[0] for p in (source / "imagesTr").glob("pancreas_*"))
    content = {0: {"train": dict(enumerate(map(pair, names[:2]))), "test": {0: pair(names[2])}}}
    own = pickled(tmp_path / "split_pancreas.pkl", content)
    prepare("msd-pancreas", source, tmp_path / "data", Options(splits=own, partial=True))
    divided = {case.name: case.split for case in read_cases(tmp_path / "data")}
    assert divided == {names[0]: "train", names[1]: "train", names[2]: "test"}
