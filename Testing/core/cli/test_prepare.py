"""`masam prepare` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

from Testing.core.cli.conftest import Masam
from Testing.core.data.prepare import miniatures


def test_the_list_names_owner_and_size(masam: Masam) -> None:
    shown = masam("prepare", "--list")
    assert shown.exit_code == 0
    assert "btcv" in shown.stdout
    listed = json.loads(masam("prepare", "--list", "--json").stdout)
    assert [d["name"] for d in listed] == [
        "btcv",
        "prostate",
        "endovis18",
        "msd-pancreas",
        "amos22",
    ]
    assert all(d["offered"] and d["size"] and d["citation"] for d in listed)


def test_a_folder_is_prepared_and_what_was_left_out_is_told(masam: Masam, tmp_path: Path) -> None:
    source = miniatures.btcv(tmp_path, (1, 2, 35))
    refused = masam("prepare", "btcv", source, "-o", tmp_path / "data")
    assert refused.exit_code == 1
    assert "img0003.nii.gz" in refused.stderr
    assert not (tmp_path / "data").exists()
    done = masam("prepare", "btcv", source, "-o", tmp_path / "data", "--partial", "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["cases"] == {"train": 2, "val": 0, "test": 1}
    assert len(found["notes"]) == 27
    again = masam("prepare", "btcv", source, "-o", tmp_path / "data", "--partial")
    assert "3 cases (2 train, 1 test)" in again.stdout
    assert "3 were there already" in again.stdout


def test_half_a_command_is_told_what_is_expected(masam: Masam, tmp_path: Path) -> None:
    refused = masam("prepare", "btcv", tmp_path)
    assert refused.exit_code == 1
    assert "masam prepare NAME SOURCE --out DATA" in refused.stderr
