"""Case lists: what is read, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from masam_core.data import reading
from masam_core.data.cases import Case
from masam_core.data.layouts.registry import LAYOUTS
from masam_core.data.reading import read_cases
from masam_core.data.splits import split_of
from masam_core.errors import ConfigError


def test_an_index_lists_its_cases(data: Path) -> None:
    cases = read_cases(data)
    assert [(c.name, c.patient, c.split) for c in cases] == [
        ("ball0", "p0", "train"),
        ("ball1", "p1", "train"),
        ("ball2", "p2", "val"),
    ]
    assert read_cases(data / "index.csv") == cases


def test_a_patient_in_two_splits_is_refused(data: Path) -> None:
    index = data / "index.csv"
    index.write_text(index.read_text().replace("ball2,p2", "ball2,p0"))
    with pytest.raises(ConfigError, match="p0 is in both train and val"):
        read_cases(data)


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
        read_cases(data)


def test_a_missing_list_is_named_and_every_layout_said(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone.csv"):
        with pytest.raises(ConfigError, match="no case list") as refused:
            read_cases(path)
        assert str(path) in str(refused.value)
        assert all(layout.LOOKS_LIKE in str(refused.value) for layout in LAYOUTS)


def test_a_list_with_the_columns_is_read_by_any_name_and_from_excel(data: Path) -> None:
    cases = read_cases(data)
    for name in ("cases.txt", "cases.CSV"):
        text = (data / "index.csv").read_text(encoding="utf-8")
        (data / name).write_text(text, encoding="utf-8-sig")
        assert read_cases(data / name) == cases
    (data / "notes.txt").write_text("nothing of the kind")
    with pytest.raises(ConfigError, match="no case list"):
        read_cases(data / "notes.txt")


def test_an_index_wins_over_a_decathlon_list_in_the_same_folder(data: Path) -> None:
    cases = read_cases(data)
    (data / "dataset.json").write_text('{"training": []}')
    assert read_cases(data) == cases


def one_folder_a_patient(patients: dict[str, list[str]]) -> SimpleNamespace:
    """A made-up layout: PATIENT/SCAN_image.nii.gz and PATIENT/SCAN_label.nii.gz."""

    def read(path: Path) -> list[Case]:
        return [
            Case(scan, patient, "MR", split_of(patient), path / f"{scan}_i", path / f"{scan}_l")
            for patient, scans in patients.items()
            for scan in scans
        ]

    return SimpleNamespace(
        LOOKS_LIKE="a folder of patients",
        recognise=lambda path: path.is_dir() and (path / "patients").is_dir(),
        read=read,
    )


def test_a_new_layout_is_one_more_entry_of_the_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_up = one_folder_a_patient({"anna": ["a1", "a2"], "bert": ["b1"]})
    monkeypatch.setattr(reading, "LAYOUTS", (*LAYOUTS, made_up))
    with pytest.raises(ConfigError, match="a folder of patients"):
        read_cases(tmp_path)
    (tmp_path / "patients").mkdir()
    with pytest.raises(ConfigError, match="a1_i is missing"):  # what holds for each layout
        read_cases(tmp_path)
    for scan in ("a1", "a2", "b1"):
        for kind in "il":
            (tmp_path / f"{scan}_{kind}").touch()
    cases = read_cases(tmp_path)
    assert [(c.name, c.patient) for c in cases] == [("a1", "anna"), ("a2", "anna"), ("b1", "bert")]


def test_a_row_without_case_or_patient_is_named(data: Path) -> None:
    (data / "index.csv").write_text("case,patient,split\nball0,p0,train\nball1,,val\n")
    with pytest.raises(ConfigError, match="row 2: case and patient"):
        read_cases(data)


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
    assert read_cases(data / "cases.json") == read_cases(data)


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
