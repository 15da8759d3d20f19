"""`masam segment` from the words typed to the files written.

At a threshold near 0 the random model's mask is the whole box, so what must come out is known.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.image.geometry import Geometry
from masam_core.inference.segmenter import Segmenter
from masam_core.prompts.roi import write_roi

from .conftest import Masam

FIRST = (3, 8, 2, 9, 1, 4)
SECOND = (12, 20, 10, 17, 6, 9)


def whole(model: Path, *more: object) -> tuple[object, ...]:
    return ("--model", model, "--threshold", "0.05", "--keep", "all", "--quality", "fast", *more)


def filled(box: tuple[int, ...], shape: tuple[int, int, int]) -> np.ndarray:
    i0, i1, j0, j1, k0, k1 = box
    mask = np.zeros(shape, dtype=bool)
    mask[k0 : k1 + 1, j0 : j1 + 1, i0 : i1 + 1] = True
    return mask


def read(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def files(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def test_boxes_are_numbered_in_the_order_given(
    masam: Masam, tiny_model: Path, image: Path, out: Path, geometry: Geometry
) -> None:
    target = out / "mask.nii.gz"
    boxes = ("--box", *SECOND, "--box", *FIRST)
    result = masam("segment", image, "-o", target, *boxes, *whole(tiny_model))
    assert result.exit_code == 0, result.output
    labels = read(target)
    assert np.array_equal(labels == 1, filled(SECOND, geometry.shape))
    assert np.array_equal(labels == 2, filled(FIRST, geometry.shape))
    written = sitk.ReadImage(str(target))
    assert np.allclose(written.GetOrigin(), geometry.origin)
    assert np.allclose(written.GetSpacing(), geometry.spacing)
    assert files(out) == ["mask.nii.gz"]
    assert "lesion 1" in result.stdout
    assert "mask.nii.gz" in result.stdout.replace("\n", "")


@pytest.mark.parametrize("typed", ["3 8 2 9 1 4", "3,8,2,9,1,4"])
def test_a_box_may_also_be_one_word(
    masam: Masam, tiny_model: Path, image: Path, out: Path, geometry: Geometry, typed: str
) -> None:
    target = out / "mask.mha"
    result = masam("segment", image, "-o", target, "--box", typed, *whole(tiny_model))
    assert result.exit_code == 0, result.output
    assert np.array_equal(read(target) > 0, filled(FIRST, geometry.shape))


def test_roi_files_give_one_named_lesion_each(
    masam: Masam, tiny_model: Path, image: Path, out: Path, geometry: Geometry
) -> None:
    options: list[object] = []
    for name, (i0, i1, j0, j1, k0, k1) in (("Node", SECOND), ("Mass", FIRST)):
        centre = geometry.lps_from_ijk(np.array([[(i0 + i1) / 2, (j0 + j1) / 2, (k0 + k1) / 2]]))[0]
        size = np.array([i1 - i0 + 1, j1 - j0 + 1, k1 - k0 + 1]) * geometry.spacing
        roi = out.parent / f"{name}.mrk.json"
        write_roi(roi, centre, size, name=name)
        options += ["--roi", roi]
    target = out / "mask.seg.nrrd"
    result = masam("segment", image, "-o", target, *options, *whole(tiny_model))
    assert result.exit_code == 0, result.output
    header = target.read_bytes().split(b"\n\n")[0].decode()
    assert "Segment0_Name:=Node" in header
    assert "Segment1_Name:=Mass" in header
    labels = read(target)
    assert np.array_equal(
        labels > 0, filled(SECOND, geometry.shape) | filled(FIRST, geometry.shape)
    )


def test_the_boxes_of_a_label_image_come_back(
    masam: Masam, tiny_model: Path, image: Path, out: Path, geometry: Geometry
) -> None:
    labels = np.zeros(geometry.shape, dtype=np.uint8)
    labels[filled(FIRST, geometry.shape)] = 5
    labels[filled(SECOND, geometry.shape)] = 5
    given = sitk.GetImageFromArray(labels)
    geometry.apply_to_sitk(given)
    path = out.parent / "labels.nrrd"
    sitk.WriteImage(given, str(path))
    target = out / "mask.nrrd"
    ask = ("segment", image, "-o", target, "--boxes-from", path, *whole(tiny_model))
    result = masam(*ask)
    assert result.exit_code == 0, result.output
    assert np.array_equal(read(target) > 0, labels > 0)
    assert read(target).max() == 2
    assert masam(*ask, "--per", "label").exit_code == 0
    assert np.array_equal(read(target) > 0, filled((3, 20, 2, 17, 1, 9), geometry.shape))


def test_labels_on_another_grid_are_refused(
    masam: Masam, tiny_model: Path, image: Path, out: Path
) -> None:
    path = out.parent / "labels.nii.gz"
    sitk.WriteImage(sitk.GetImageFromArray(np.ones((4, 4, 4), np.uint8)), str(path))
    result = masam("segment", image, "-o", out / "m.nrrd", "--boxes-from", path)
    assert result.exit_code == 1
    assert "grid" in result.stderr


def test_further_files_are_written(
    masam: Masam, tiny_model: Path, image: Path, out: Path, geometry: Geometry
) -> None:
    more = ("--overlay", out / "p.png", "--measurements", out / "m.csv")
    more = (*more, "--probability", out / "p.nii.gz")
    result = masam(
        "segment", image, "-o", out / "m.seg.nrrd", "--box", *FIRST, *whole(tiny_model, *more)
    )
    assert result.exit_code == 0, result.output
    assert (out / "p.png").read_bytes().startswith(b"\x89PNG")
    probability = read(out / "p.nii.gz")
    assert probability.shape == geometry.shape
    assert (probability[~filled(FIRST, geometry.shape)] == 0).all()
    assert 0 < probability.max() <= 1
    (row,) = csv.DictReader((out / "m.csv").read_text("utf-8-sig").splitlines())
    assert row["image"] == "knee"
    assert float(row["volume_ml"]) == pytest.approx(6 * 8 * 4 * 2.5 / 1000)


@pytest.mark.parametrize(("letter", "number"), [("i", 0), ("j", 1), ("K", 2)])
def test_the_axis_across_the_slices_can_be_chosen(
    masam: Masam, tiny_model: Path, image: Path, out: Path, letter: str, number: int
) -> None:
    more = whole(tiny_model, "--slice-axis", letter, "--json", "--measurements", out / "m.csv")
    result = masam("segment", image, "-o", out / "m.nrrd", "--box", *FIRST, *more)
    assert result.exit_code == 0, result.output
    (lesion,) = json.loads(result.stdout)["lesions"]
    assert lesion["diameter_axis"] == number
    (row,) = csv.DictReader((out / "m.csv").read_text("utf-8-sig").splitlines())
    assert row["diameter_axis"] == letter.lower()


@pytest.mark.parametrize(
    ("modality", "asked", "plane"),
    [("CT", "auto", "axial"), ("MR", "coronal", "coronal"), ("CT", "sagittal", "sagittal")],
)
def test_the_plane_of_the_diameters_is_named_wherever_they_stand(
    masam: Masam, tiny_model: Path, image: Path, out: Path, modality: str, asked: str, plane: str
) -> None:
    more = ("--modality", modality, "--diameter-plane", asked, "--slice-axis", "i")
    further = ("--measurements", out / "m.csv")
    command = ("segment", image, "-o", out / "m.seg.nrrd", "--box", *FIRST, *further)
    shown = masam(*command, *whole(tiny_model, *more))
    assert shown.exit_code == 0, shown.output
    (row,) = csv.DictReader((out / "m.csv").read_text("utf-8-sig").splitlines())
    assert row["diameter_plane"] == plane
    numbers = [float(row[f"{name}_diameter_mm"]) for name in ("longest", "perpendicular")]
    assert f"{numbers[0]:.1f} x {numbers[1]:.1f} {plane}" in shown.stdout
    header = (out / "m.seg.nrrd").read_bytes().split(b"\n\n")[0].decode()
    (tags,) = [line for line in header.splitlines() if line.startswith("Segment0_Tags:=")]
    (told,) = [tag for tag in tags.split("|") if tag.startswith("MASAM.Measurements:")]
    assert json.loads(told.partition(":")[2])["diameter_plane"] == plane
    result = masam(*command, *whole(tiny_model, *more, "--json"))
    (lesion,) = json.loads(result.stdout)["lesions"]
    assert lesion["diameter_plane"] == plane


def test_a_plane_that_is_none_is_refused(
    masam: Masam, tiny_model: Path, image: Path, out: Path
) -> None:
    more = whole(tiny_model, "--diameter-plane", "transverse")
    result = masam("segment", image, "-o", out / "m.nrrd", "--box", *FIRST, *more)
    assert result.exit_code == 2
    assert "sagittal" in result.stderr
    assert files(out) == []


def test_an_axis_that_is_none_is_refused(
    masam: Masam, tiny_model: Path, image: Path, out: Path
) -> None:
    more = whole(tiny_model, "--slice-axis", "z")
    result = masam("segment", image, "-o", out / "m.nrrd", "--box", *FIRST, *more)
    assert result.exit_code == 1
    assert "'z'; expected i, j or k" in result.stderr
    assert files(out) == []


@pytest.mark.parametrize(("modality", "unit"), [("CT", "HU"), ("MR", "")])
def test_the_modality_that_was_given_names_the_unit(
    masam: Masam, tiny_model: Path, image: Path, out: Path, modality: str, unit: str
) -> None:
    more = whole(tiny_model, "--modality", modality, "--measurements", out / "m.csv")
    result = masam("segment", image, "-o", out / "m.nrrd", "--box", *FIRST, *more)
    assert result.exit_code == 0, result.output
    (row,) = csv.DictReader((out / "m.csv").read_text("utf-8-sig").splitlines())
    assert row["intensity_unit"] == unit


def test_json_is_one_document_and_nothing_else(
    masam: Masam, tiny_model: Path, image: Path, out: Path
) -> None:
    result = masam(
        "segment", image, "-o", out / "m.nrrd", "--box", *FIRST, "--json", *whole(tiny_model)
    )
    document = json.loads(result.stdout)
    (lesion,) = document["lesions"]
    assert document["model"] == "tiny"
    assert lesion["voxels"] == 6 * 8 * 4
    assert lesion["bounding_box_ijk"] == list(FIRST)
    assert result.stderr == ""


def test_the_margin_is_the_only_way_out_of_the_box(
    masam: Masam, tiny_model: Path, image: Path, out: Path, geometry: Geometry
) -> None:
    target = out / "m.nrrd"
    result = masam(
        "segment", image, "-o", target, "--box", *FIRST, *whole(tiny_model, "--margin", 2.1)
    )
    assert result.exit_code == 0, result.output
    # from the box's faces: voxel centres 0.5 and 1.5 mm away in-plane, 1.25 mm away across
    assert np.array_equal(read(target) > 0, filled((1, 10, 0, 11, 0, 5), geometry.shape))


def test_a_clipped_box_is_told(masam: Masam, tiny_model: Path, image: Path, out: Path) -> None:
    box = ("--box", -4, 8, 2, 9, 1, 4)
    result = masam("segment", image, "-o", out / "m.nrrd", *box, *whole(tiny_model))
    assert result.exit_code == 0, result.output
    assert "cut off" in result.stdout.replace("\n", " ")
    assert "4.0 mm at its right side" in result.stdout.replace("\n", " ")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "exactly one way"),
        (("--box", *FIRST, "--roi", "r.mrk.json"), "exactly one way"),
        (("--box", "1 2 3"), "six whole numbers"),
        (("--box", 8, 3, 2, 9, 1, 4), "runs backwards"),
        (("--box", 30, 35, 2, 9, 1, 4), "outside the volume"),
        (("--roi", "nothing.mrk.json"), "nothing.mrk.json"),
        (("--roi", "nothing.txt"), "'nothing.txt' is no file of prompts that is known"),
        (("--boxes-from", "nothing.nii.gz"), "nothing.nii.gz"),
        (("--box", *FIRST, "--threshold", 1.5), "1.5"),
        (("--box", *FIRST, "--margin", -7), "The margin is -7 mm; expected 0 to 50 mm"),
        (("--box", *FIRST, "--smooth", 11), "The smoothing is 11 mm; expected 0 to 10 mm"),
        (("--box", *FIRST, "--model", "sam-vit-x"), "sam-vit-x"),
        (("--box", *FIRST, "--device", "abacus"), "abacus"),
        (("--box", *FIRST, "--precision", "int1"), "int1"),
        (("--box", *FIRST, "--overlay", "p.jpeg"), ".png"),
        (("--box", *FIRST, "--measurements", "m.xlsx"), ".csv"),
        (("--box", *FIRST, "--probability", "p.seg.nrrd"), "p.seg.nrrd"),
        (("--box", *FIRST, "--overlay", "nowhere/p.png"), "nowhere"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line_and_nothing_is_written(
    masam: Masam,
    tiny_model: Path,
    image: Path,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[object, ...],
    words: str,
) -> None:
    monkeypatch.chdir(out)
    model = () if "--model" in options else ("--model", tiny_model)
    result = masam("segment", image, "-o", "mask.nii.gz", *options, *model)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert words in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""
    assert files(out) == []


@pytest.mark.parametrize(
    ("option", "word", "known"),
    [
        ("--quality", "superb", ("fast", "balanced", "best")),
        ("--keep", "some", ("centre", "largest", "all")),
        ("--per", "voxel", ("component", "label")),
    ],
)
def test_another_word_is_wrong_usage_and_says_which_are_known(
    masam: Masam, image: Path, out: Path, option: str, word: str, known: tuple[str, ...]
) -> None:
    result = masam("segment", image, "-o", out / "mask.nii.gz", "--box", *FIRST, option, word)
    assert result.exit_code == 2
    for expected in (option, word, *known):
        assert expected in result.stderr
    assert files(out) == []


@pytest.mark.parametrize(
    "name", ["mask.png", "mask", "mask.nii.gz.txt", ".nii.gz", "nowhere/mask.nii.gz"]
)
def test_an_output_that_cannot_be_is_refused_before_the_work(
    masam: Masam, image: Path, out: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Segmenter, "segment", _never)
    result = masam("segment", image, "-o", out / name, "--box", *FIRST)
    assert result.exit_code == 1
    assert ".seg.nrrd" in result.stderr or "does not exist" in result.stderr


def test_inputs_are_never_overwritten(masam: Masam, image: Path, out: Path) -> None:
    before = image.read_bytes()
    roundabout = image.parent / ".." / image.parent.name / image.name
    result = masam("segment", image, "-o", roundabout, "--box", *FIRST)
    assert result.exit_code == 1
    assert "is an input" in result.stderr
    labels = ("-o", out / "l.nrrd", "--boxes-from", out / "l.nrrd")
    assert "is an input" in masam("segment", image, *labels).stderr
    two = ("-o", out / "a.nrrd", "--probability", out / "a.nrrd")
    assert masam("segment", image, *two, "--box", *FIRST).exit_code == 1
    assert image.read_bytes() == before


def test_a_missing_image_is_named(masam: Masam, tiny_model: Path, out: Path) -> None:
    result = masam("segment", "gone.nii.gz", "-o", out / "m.nrrd", "--box", *FIRST)
    assert result.exit_code == 1
    assert "gone.nii.gz" in result.stderr


@pytest.mark.parametrize("where", ["computing", "writing"])
def test_ctrl_c_leaves_no_file_and_says_130(
    masam: Masam,
    tiny_model: Path,
    image: Path,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    def interrupt(image: Any, path: str, **_: Any) -> None:
        Path(path).write_bytes(b"half a file")
        raise KeyboardInterrupt

    if where == "writing":
        monkeypatch.setattr(sitk, "WriteImage", interrupt)
    else:
        monkeypatch.setattr(Segmenter, "segment", _interrupted)
    result = masam("segment", image, "-o", out / "m.nrrd", "--box", *FIRST, *whole(tiny_model))
    assert result.exit_code == 130
    assert files(out) == []


def test_a_fault_of_ours_is_one_line_unless_asked(
    masam: Masam, image: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("masam_core.image.volume.read_volume", _faulty)
    ask = ("segment", image, "-o", out / "m.nrrd", "--box", *FIRST)
    result = masam(*ask)
    assert result.exit_code == 1
    assert "ZeroDivisionError" in result.stderr
    assert "MASAM_DEBUG=1" in result.stderr
    monkeypatch.setenv("MASAM_DEBUG", "1")
    assert isinstance(masam(*ask).exception, ZeroDivisionError)


def _never(*_: Any, **__: Any) -> None:
    raise AssertionError("the work has begun")


def _interrupted(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def _faulty(*_: Any, **__: Any) -> None:
    raise ZeroDivisionError("division by zero")


@pytest.mark.parametrize("name", ["OUT.NII.GZ", "Out.Nrrd", "OUT.MHA", "OUT.SEG.NRRD"])
def test_endings_are_taken_in_capitals(
    masam: Masam, tiny_model: Path, image: Path, out: Path, name: str, geometry: Geometry
) -> None:
    result = masam("segment", image, "-o", out / name, "--box", *FIRST, *whole(tiny_model))
    assert result.exit_code == 0, result.output
    plain = out / name.lower()
    (out / name).rename(plain)
    assert (read(plain) == filled(FIRST, geometry.shape)).all()


@pytest.mark.parametrize(
    ("option", "name"),
    [("-o", "m.nrrd"), ("--probability", "p.mha"), ("--overlay", "p.png"), ("--measurements", "")],
)
def test_an_output_that_cannot_be_written_is_told_before_the_work(
    masam: Masam, image: Path, out: Path, option: str, name: str
) -> None:
    bad = out / "file" / (name or "t.csv")
    (out / "file").touch()
    given = {"-o": out / "good.nrrd"} | {option: bad}
    words = [word for pair in given.items() for word in pair]
    # A model that is none would be told, too, were it looked for first.
    result = masam("segment", image, *words, "--box", *FIRST, "--model", "none.safetensors")
    assert result.exit_code == 1
    assert f"{bad.name}' was not written: " in result.stderr
    assert files(out) == ["file"]
