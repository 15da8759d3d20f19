"""Case lists: what is read, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from masam_core.data.case_lists import read_cases, read_index, split_of
from masam_core.errors import ConfigError


def test_an_index_lists_its_cases(data: Path) -> None:
    cases = read_index(data)
    assert [(c.name, c.patient, c.split) for c in cases] == [
        ("ball0", "p0", "train"),
        ("ball1", "p1", "train"),
        ("ball2", "p2", "val"),
    ]
    assert read_index(data / "index.csv") == cases


def test_a_patient_in_two_splits_is_refused(data: Path) -> None:
    index = data / "index.csv"
    index.write_text(index.read_text().replace("ball2,p2", "ball2,p0"))
    with pytest.raises(ConfigError, match="p0 is in both train and val"):
        read_index(data)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("case,split\na,train\n", "lacks the column"),
        ("", "lacks the column"),
        ("case,patient,split\nghost,p,train\n", "is missing"),
    ],
)
def test_broken_lists_are_refused(data: Path, text: str, message: str) -> None:
    (data / "index.csv").write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_index(data)


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no case list"):
        read_index(tmp_path)


def test_rows_without_split_are_split_by_patient(data: Path) -> None:
    (data / "index.csv").write_text(
        "case,patient,split\nball0,anna,\nball1,anna,\nball2,bert,train\n"
    )
    cases = read_cases(data)
    assert cases[0].split == cases[1].split == split_of("anna")
    assert cases[2].split == "train"


def test_the_split_of_a_patient_is_fixed_and_its_share_is_right() -> None:
    splits = [split_of(f"patient {n}") for n in range(2000)]
    assert splits == [split_of(f"patient {n}") for n in range(2000)]
    assert splits.count("val") / 2000 == pytest.approx(0.2, abs=0.03)
    assert set(splits) == {"train", "val"}


def test_a_json_list_is_read_like_the_csv(data: Path) -> None:
    rows = [
        {"case": f"ball{n}", "patient": f"p{n}", "modality": "MR", "split": s}
        for n, s in enumerate(("train", "train", "val"))
    ]
    (data / "cases.json").write_text(json.dumps(rows))
    assert read_cases(data / "cases.json") == read_index(data)


@pytest.mark.parametrize(("word", "modality"), [("CT", "CT"), ("MRI", "MR"), ("T2", "MR")])
def test_the_decathlons_layout_is_read(data: Path, word: str, modality: str) -> None:
    (data / "index.csv").unlink()
    pairs = [
        {"image": f"./ball{n}/image.nii.gz", "label": f"./ball{n}/label.nii.gz"} for n in range(3)
    ]
    listed = {"modality": {"0": word}, "labels": {"0": "background"}, "training": pairs}
    (data / "dataset.json").write_text(json.dumps(listed))
    # The three images have one name, so they would be one patient: give them their own.
    for n in range(3):
        for kind in ("image", "label"):
            (data / f"ball{n}" / f"{kind}.nii.gz").rename(data / f"{kind}{n}.nii.gz")
            pairs[n][kind] = f"./{kind}{n}.nii.gz"
    (data / "dataset.json").write_text(json.dumps(listed))
    cases = read_cases(data)
    assert [c.name for c in cases] == ["image0", "image1", "image2"]
    assert {c.modality for c in cases} == {modality}
    assert [c.split for c in cases] == [split_of(c.patient) for c in cases]
    assert cases[1].label == data / "label1.nii.gz"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "as JSON"),
        ("7", "no case list"),
        ('{"training": []}', "no training pairs"),
        ('{"training": [{"image": "a"}]}', "lacks 'image' or 'label'"),
        ('{"training": [{"image": "a.nii", "label": "b.nii"}]}', "is missing"),
        ("[]", "lacks the column"),
    ],
)
def test_broken_json_lists_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_cases(tmp_path)
