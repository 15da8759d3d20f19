"""Which boxes belong to which image."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masam_core.batch.case import BatchCase
from masam_core.batch.cases import find_cases
from masam_core.batch.pairing import longest_owner
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


ROI = json.dumps({"markups": [{"type": "ROI"}]})


def slices(folder: Path, count: int = 2) -> None:
    """Files that begin as DICOM slices do, named by their number alone."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / str(number)).write_bytes(bytes(128) + b"DICM")


def found(folder: Path, **options: Path) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Case to its image and boxes, as paths in the folder; and the notes."""
    cases, notes = find_cases(folder, **options)
    shown = {
        case.name: tuple(p.relative_to(folder).as_posix() for p in (case.image, *case.boxes))
        for case in cases
    }
    return shown, notes


def test_a_series_may_lie_beside_its_boxes_or_below_them(tmp_path: Path) -> None:
    slices(tmp_path / "P1")
    slices(tmp_path / "P2" / "ct")
    slices(tmp_path / "P3" / "study" / "series")
    slices(tmp_path / "P4" / "ct")
    slices(tmp_path / "P5" / "s" / "ct")
    slices(tmp_path / "P5" / "s" / "mr")
    slices(tmp_path / "P6")
    touch(tmp_path, "P1/a.mrk.json", "P1/b.mrk.json", "P2/box.mrk.json", "P3/study/label.nii.gz")
    touch(tmp_path, "P4/rois/box.mrk.json", "P5/ct_1.mrk.json", "P5/mr.mrk.json", "P6.mrk.json")
    cases, notes = found(tmp_path)
    assert notes == []
    assert cases == {
        "P1": ("P1", "P1/a.mrk.json", "P1/b.mrk.json"),
        "P2": ("P2/ct", "P2/box.mrk.json"),
        "P3_study": ("P3/study/series", "P3/study/label.nii.gz"),
        "P4": ("P4/ct", "P4/rois/box.mrk.json"),
        "P5_s_ct": ("P5/s/ct", "P5/ct_1.mrk.json"),
        "P5_s_mr": ("P5/s/mr", "P5/mr.mrk.json"),
        "P6": ("P6", "P6.mrk.json"),
    }


def test_two_images_in_a_folder_are_told_apart_by_name_or_told(tmp_path: Path) -> None:
    touch(tmp_path, "P1/t1.nii.gz", "P1/t2.nii.gz", "P1/t1.mrk.json", "P1/t2_label.nii.gz")
    touch(tmp_path, "P2/t1.nii.gz", "P2/t2.nii.gz", "P2/box.mrk.json")
    touch(tmp_path, "P3/image.nii.gz", "P3/other.nii.gz", "P3/box.mrk.json")
    slices(tmp_path / "P4" / "ct")
    slices(tmp_path / "P4" / "mr")
    touch(tmp_path, "P4/box.mrk.json")
    cases, notes = found(tmp_path)
    assert cases == {
        "P1_t1": ("P1/t1.nii.gz", "P1/t1.mrk.json"),
        "P1_t2": ("P1/t2.nii.gz", "P1/t2_label.nii.gz"),
        "P3_image": ("P3/image.nii.gz", "P3/box.mrk.json"),
    }
    left_out = "left out, since several images could be meant ({}). Name it like one."
    assert notes == [
        "P2/t1.nii.gz: no box was found for it.",
        "P2/t2.nii.gz: no box was found for it.",
        "P3/other.nii.gz: no box was found for it.",
        "P4/ct: no box was found for it.",
        "P4/mr: no box was found for it.",
        "P2/box.mrk.json: " + left_out.format("P2/t1.nii.gz, P2/t2.nii.gz"),
        "P4/box.mrk.json: " + left_out.format("P4/ct, P4/mr"),
    ]


def test_the_folder_of_one_patient_is_a_case(tmp_path: Path) -> None:
    slices(tmp_path / "one" / "ct")
    touch(tmp_path, "one/box.mrk.json")
    cases, notes = found(tmp_path / "one")
    assert cases == {"ct": ("ct", "box.mrk.json")}
    assert notes == ["box.mrk.json: taken for ct, the only image."]
    slices(tmp_path / "flat")
    touch(tmp_path, "flat/label.nrrd")
    assert found(tmp_path / "flat")[0] == {"flat": (".", "label.nrrd")}
    # Of many cases, a box of another name is that of a case that is not there.
    touch(tmp_path, "many/a.nii.gz", "many/a.mrk.json", "many/b.mrk.json")
    cases, notes = found(tmp_path / "many")
    assert cases == {"a": ("a.nii.gz", "a.mrk.json")}
    assert notes == ["b.mrk.json: no image was found for it."]


def test_boxes_named_like_a_file_of_frames_belong_to_it(tmp_path: Path) -> None:
    touch(tmp_path, "a.dcm", "b.dcm", "a.mrk.json", "b.mrk.json")
    assert found(tmp_path)[0] == {"a": ("a.dcm", "a.mrk.json"), "b": ("b.dcm", "b.mrk.json")}


def test_names_of_nnunet_are_understood(tmp_path: Path) -> None:
    touch(tmp_path, "a_0000.nii.gz", "a_0001.nii.gz", "a.nii.gz")
    touch(tmp_path, "b_0000.nii.gz", "b.mrk.json", "c_0000.nii.gz", "c_0000.mrk.json")
    touch(tmp_path, "d_0000.nii.gz", "d_left.mrk.json", "e_0001.nii.gz", "e_0002.nii.gz")
    touch(tmp_path, "f_0000.nii.gz", "f_0001.nii.gz", "f_seg.nii.gz", "f_0001.mrk.json")
    cases, notes = found(tmp_path)
    assert cases == {
        "a": ("a_0000.nii.gz", "a.nii.gz"),
        "b": ("b_0000.nii.gz", "b.mrk.json"),
        "c_0000": ("c_0000.nii.gz", "c_0000.mrk.json"),
        "d": ("d_0000.nii.gz", "d_left.mrk.json"),
        "f": ("f_0000.nii.gz", "f_seg.nii.gz"),
        "f_0001": ("f_0001.nii.gz", "f_0001.mrk.json"),
    }
    assert notes == [
        "e_0001.nii.gz: no box was found for it.",
        "e_0002.nii.gz: no box was found for it.",
        "a_0001.nii.gz: left out, a_0000.nii.gz is taken in its place.",
    ]


def test_a_data_set_of_nnunet_is_understood(tmp_path: Path) -> None:
    data = tmp_path / "Dataset007"
    touch(data, "dataset.json", "imagesTr/a_0000.nii.gz", "imagesTr/b_0000.nii.gz")
    touch(data, "labelsTr/a.nii.gz", "labelsTr/x.nii.gz", "imagesTs/t_0000.nii.gz")
    cases, notes = found(data)
    assert cases == {"imagesTr_a": ("imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz")}
    assert notes == [
        "imagesTr/b_0000.nii.gz: no box was found for it.",
        "imagesTs/t_0000.nii.gz: no box was found for it.",
        "labelsTr/x.nii.gz: no image was found for it.",
    ]
    cases, _ = found(data, labels=data / "labelsTr")
    assert cases == {"imagesTr_a": ("imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz")}
    assert paired(data / "imagesTr", labels=data / "labelsTr") == {"a": ("a.nii.gz",)}


def test_labels_apart_fit_sub_folders_by_name_and_the_rest_is_told(tmp_path: Path) -> None:
    slices(tmp_path / "in" / "P1" / "ct")
    touch(tmp_path, "in/P2/image.nii.gz", "labels/P1.nii.gz", "labels/P2_seg.nrrd")
    touch(tmp_path, "labels/P9.nii.gz")
    cases, notes = find_cases(tmp_path / "in", tmp_path / "labels")
    assert [(c.name, c.boxes[0].name) for c in cases] == [
        ("P1_ct", "P1.nii.gz"),
        ("P2", "P2_seg.nrrd"),
    ]
    assert notes == ["labels/P9.nii.gz: no image was found for it."]


def test_json_files_are_boxes_if_slicer_has_written_them(tmp_path: Path) -> None:
    touch(tmp_path, "a.nii.gz", "b.nii.gz")
    (tmp_path / "a.json").write_text("\ufeff" + ROI, "utf-8")
    (tmp_path / "b.json").write_text('{"EchoTime": 0.1}')  # what a converter says of an image
    cases, notes = found(tmp_path)
    assert cases == {"a": ("a.nii.gz", "a.json")}
    assert notes == ["b.nii.gz: no box was found for it."]


def test_what_belongs_to_an_image_or_a_system_is_none(tmp_path: Path) -> None:
    touch(tmp_path, "a.mhd", "a.raw", "a.mrk.json", "a_label.mhd", "a_label.zraw")
    touch(tmp_path, "b.hdr", "b.img", "b.mrk.json", "._a.mhd", "._a.mrk.json", ".DS_Store")
    touch(tmp_path, "__MACOSX/._a.mhd", "__MACOSX/a.nii.gz", "__MACOSX/a.mrk.json")
    touch(tmp_path, "P1/._image.nii.gz", "P1/image.nii.gz", "P1/._b.mrk.json", "P1/b.mrk.json")
    (tmp_path / "a.raw").write_bytes(b"\x08\x00\x05\x00" + bytes(300))  # as some DICOM begins
    cases, notes = found(tmp_path)
    assert cases == {
        "a": ("a.mhd", "a.mrk.json"),
        "b": ("b.hdr", "b.mrk.json"),
        "P1": ("P1/image.nii.gz", "P1/b.mrk.json"),
    }
    assert notes == []


def test_accents_written_in_two_ways_are_one_name(tmp_path: Path) -> None:
    one, other = "Sch\u00e4del", "Scha\u0308del"
    touch(tmp_path, f"{one}.nii.gz", f"{other}.mrk.json")
    (case,), notes = find_cases(tmp_path)
    assert (case.name, notes) == (one, [])


def test_folders_that_lead_back_or_can_not_be_opened_end_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "P1/image.nii.gz", "P1/b.mrk.json", "locked/x.nii.gz")
    try:
        (tmp_path / "P1" / "back").symlink_to(tmp_path, target_is_directory=True)
    except OSError:
        pytest.skip("No links here")
    touch(tmp_path, "/".join("12345678") + "/9/deep.nii.gz")
    iterdir = Path.iterdir

    def guarded(path: Path) -> Iterator[Path]:
        if path.name == "locked":
            raise PermissionError(13, "Permission denied")
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", guarded)
    cases, notes = found(tmp_path)
    assert list(cases) == ["P1"]
    assert notes == [
        "1/2/3/4/5/6/7/8/9: it lies too deep, or after too many folders.",
        "locked: it can't be opened (Permission denied).",
    ]


def test_many_images_without_a_box_are_counted(tmp_path: Path) -> None:
    touch(tmp_path, "a.nii.gz", "a.mrk.json", *(f"x{n}.nii.gz" for n in range(30)))
    _, notes = find_cases(tmp_path)
    assert len(notes) == 21
    assert notes[-1] == "10 more images: no box was found for them."


def test_names_that_systems_confuse_are_told_apart(tmp_path: Path) -> None:
    touch(tmp_path, "x/p1.nii.gz", "x/p1.nrrd", "x/p1.mrk.json")
    cases, notes = found(tmp_path)
    assert list(cases) == ["p1.nii.gz", "p1.nrrd"]
    assert "2 cases would all be called" in notes[-1]


def test_lists_in_whichever_way_a_spreadsheet_has_written_them(tmp_path: Path) -> None:
    touch(tmp_path, "a;b.mrk.json", "d1/image.nii", "d2/image.nii")
    path = tmp_path / "cases.csv"
    path.write_text(
        'sep=;\nimage;boxes;name\nd1/image.nii;"a;b.mrk.json";\n'
        'd2/image.nii;a1.mrk.json|a2.mrk.json;\nc.nii;"a1.mrk.json;a2.mrk.json";"Schädel"\n',
        "utf-8-sig",
    )
    several = tuple(tmp_path / f"a{n}.mrk.json" for n in (1, 2))
    expected = [
        BatchCase("d1_image", tmp_path / "d1/image.nii", (tmp_path / "a;b.mrk.json",)),
        BatchCase("d2_image", tmp_path / "d2/image.nii", several),
        BatchCase("Schädel", tmp_path / "c.nii", several),
    ]
    assert find_cases(path)[0] == expected
    text = path.read_text("utf-8-sig")
    for encoding in ("utf-16", "cp1252"):  # Excel's "Unicode text" and its plain CSV
        path.write_text(text, encoding)
        assert find_cases(path)[0] == expected


@given(
    st.text("ab._-", min_size=1, max_size=6),
    st.sets(st.text("ab._-", min_size=1, max_size=4), max_size=8),
)
def test_the_owner_is_the_longest_name_that_a_box_begins_with(box: str, images: set[str]) -> None:
    fitting = [
        name
        for name in images
        if box == name or (box.startswith(name) and box[len(name)] in "._- ")
    ]
    assert longest_owner(box, images) == max(fitting, key=len, default=None)
