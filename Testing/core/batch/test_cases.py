"""Which boxes belong to which image."""

from __future__ import annotations

from pathlib import Path

import pytest

from masam_core.batch.cases import BatchCase, find_cases
from masam_core.errors import ConfigError


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def paired(folder: Path, **options: Path) -> dict[str, tuple[str, ...]]:
    cases, _ = find_cases(folder, **options)
    return {c.name: tuple(p.name for p in c.boxes) for c in cases}


def test_a_box_belongs_to_the_image_with_the_longest_fitting_name(tmp_path: Path) -> None:
    touch(tmp_path, "case1.nii.gz", "case1_b.nii.gz", "case10.nrrd")
    touch(tmp_path, "case1.mrk.json", "case1-liver.mrk.json", "case1_b.1.mrk.json")
    touch(tmp_path, "case10 left.mrk.json", "case10_right.mrk.json")
    assert paired(tmp_path) == {
        "case1": ("case1-liver.mrk.json", "case1.mrk.json"),
        "case1_b": ("case1_b.1.mrk.json",),
        "case10": ("case10 left.mrk.json", "case10_right.mrk.json"),
    }


def test_label_images_give_boxes_where_there_are_no_rois(tmp_path: Path) -> None:
    touch(tmp_path, "a.nii.gz", "a_label.nii.gz", "b.mha", "b.seg.nrrd", "c.nii", "c_mask.nii")
    touch(tmp_path, "c.mrk.json")
    assert paired(tmp_path) == {
        "a": ("a_label.nii.gz",),
        "b": ("b.seg.nrrd",),
        "c": ("c.mrk.json",),
    }


def test_labels_may_lie_in_a_folder_of_their_own(tmp_path: Path) -> None:
    touch(tmp_path, "a.nii.gz", "b.nii.gz", "masks/a.nii.gz", "masks/b_seg.nii.gz")
    assert paired(tmp_path, labels=tmp_path / "masks") == {
        "a": ("a.nii.gz",),
        "b": ("b_seg.nii.gz",),
    }


def test_sub_folders_are_cases_and_results_are_not(tmp_path: Path) -> None:
    touch(tmp_path, "p1/image.nii.gz", "p1/label.nii.gz", "p2/t1.nrrd", "p2/tumour.mrk.json")
    touch(tmp_path, "p3/dicom/1.dcm", "p3/box.mrk.json", "old/batch.json", "old/x.nii.gz")
    touch(tmp_path, "new/.masam/x.json", "new/x.nii.gz", "new/x.mrk.json")
    touch(tmp_path, "out/p1.nii.gz", "notes/readme.txt")
    cases, _ = find_cases(tmp_path, out=tmp_path / "out")
    assert [c.name for c in cases] == ["p1", "p2", "p3"]
    assert cases[2].image == tmp_path / "p3" / "dicom"


def test_what_has_no_partner_is_told(tmp_path: Path) -> None:
    touch(tmp_path, "a.nii.gz", "a.mrk.json", "lonely.nii.gz", "lost.mrk.json")
    cases, notes = find_cases(tmp_path)
    assert [c.name for c in cases] == ["a"]
    assert notes == [
        "lonely.nii.gz: no box was found for it.",
        "lost.mrk.json: no image was found for it.",
    ]


@pytest.mark.parametrize("names", [[], ["a.nii.gz"], ["a.mrk.json"], ["a.txt"]])
def test_a_folder_without_a_case_says_what_was_expected(tmp_path: Path, names: list[str]) -> None:
    touch(tmp_path, *names)
    with pytest.raises(ConfigError, match=r"NAME\.mrk\.json"):
        find_cases(tmp_path)
    with pytest.raises(ConfigError, match="no folder"):
        find_cases(tmp_path / "gone")


def test_a_list_names_images_and_boxes(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_text("image,boxes,name\nd/a.nii.gz,a1.mrk.json; a2.mrk.json,\nb.nii,b_l.nii,B one\n")
    cases, _ = find_cases(path)
    assert cases == [
        BatchCase(
            "a", tmp_path / "d/a.nii.gz", (tmp_path / "a1.mrk.json", tmp_path / "a2.mrk.json")
        ),
        BatchCase("B one", tmp_path / "b.nii", (tmp_path / "b_l.nii",)),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "columns image and boxes"),
        ("image\na.nii\n", "columns image and boxes"),
        ("image,boxes\na.nii,\n", "line 2"),
        ("image,boxes\na.nii,a.mrk.json;l.nii\n", "one label image"),
        ("image,boxes\na.nii,k.nii;l.nii\n", "one label image"),
        ("image,boxes\na.nii,a.txt\n", "a.txt is no file of boxes"),
    ],
)
def test_a_list_that_is_none_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "cases.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match=says):
        find_cases(path)
