"""Scenes in, a data set out: what is taken, under which names, and nothing twice."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.collect.run import Collected, collect
from masam_core.data.reading import read_cases
from masam_core.errors import ConfigError
from masam_core.image.volume import read_labels, read_volume
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.corrections import Correction
from masam_core.prompts.record import PromptRecord
from masam_core.prompts.tags import to_tag
from masam_core.spreadsheet import read_table
from Testing.core.collect.making import ball, geometry, image, lesion, write_scene

A, B = ball(4, 8, 8, 4.5), ball(6, 15, 12, 3.5)
LARGER = ball(4, 8, 8, 5.5)


def rows(data: Path) -> list[dict[str, str]]:
    return read_table(data / "index.csv")


def reasons(found: Collected) -> list[str]:
    return [each.why for each in found.left_out]


@pytest.mark.parametrize("name", ["scene.mrb", "scene.mrml"])
def test_what_was_put_right_is_taken_voxel_for_voxel_and_the_rest_is_named(
    tmp_path: Path, name: str
) -> None:
    overlapping = ball(4, 10, 8, 4.5)  # another layer
    path = write_scene(
        tmp_path / name,
        [
            lesion("as it came", B),
            lesion("locked", A, MASAM_Locked="1"),
            lesion("touched", LARGER, made=A),
            lesion("confirmed", overlapping, MASAM_Corrected="1"),
            lesion("completed in Slicer", B, Segmentation_Status="completed"),
        ],
    )
    found = collect([path], tmp_path / "data")
    assert found.counts == {"added": 4}
    (left,) = found.left_out
    assert "'as it came'" in left.what
    assert "neither locked, nor touched up, nor confirmed" in left.why
    cases, table = read_cases(tmp_path / "data"), rows(tmp_path / "data")
    why = [row["corrected"] for row in table]
    assert why == ["locked", "touched up", "corrected or confirmed", "locked"]
    for case, expected in zip(cases, (A, LARGER, overlapping, B), strict=True):
        labels, grid = read_labels(case.label)
        assert np.array_equal(labels > 0, expected)
        assert grid.same_grid(geometry(), 1e-3)
        assert np.array_equal(read_volume(case.image).array, image())
    assert len({case.image for case in cases}) == 1  # the image is there once
    assert {row["kind"] for row in table} == {"Mass"}
    assert {row["model"] for row in table} == {"small"}
    assert {row["licence"] for row in table} == {"unknown"}
    assert {row["origin"] for row in table} == {"saved scene"}


def test_a_segmentation_on_a_part_of_the_grid_lies_where_it_belongs(tmp_path: Path) -> None:
    """Slicer saves the extent that its segments take, not the whole image's."""
    crop = (slice(1, 9), slice(2, 20), slice(3, 18))
    path = write_scene(tmp_path / "s.mrb", [lesion("a", A, MASAM_Locked="1")], crop=crop)
    collect([path], tmp_path / "data")
    (case,) = read_cases(tmp_path / "data")
    assert np.array_equal(read_labels(case.label)[0] > 0, A)
    (row,) = rows(tmp_path / "data")
    assert row["corrected"] == "locked"  # on the image's grid it is the mask that was made


def test_all_takes_the_others_too_and_a_second_time_adds_nothing(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "s.mrb", [lesion("a", A), lesion("b", B, MASAM_Locked="1")])
    data = tmp_path / "data"
    assert collect([path], data).counts == {"added": 1}
    before = (data / "index.csv").read_bytes()
    again = collect([path], data)
    assert again.counts == {"known": 1}
    assert (data / "index.csv").read_bytes() == before
    assert collect([path], data, everything=True).counts == {"added": 1, "known": 1}
    assert [row["corrected"] for row in rows(data)] == ["locked", ""]


def test_a_mask_that_was_put_right_again_is_renewed_in_its_place(tmp_path: Path) -> None:
    data, path = tmp_path / "data", tmp_path / "s.mrb"
    collect([write_scene(path, [lesion("a", A, MASAM_Locked="1")])], data)
    first = rows(data)
    found = collect([write_scene(path, [lesion("a", LARGER, made=A)])], data)
    assert found.counts == {"renewed": 1}
    second = rows(data)
    assert [row["case"] for row in second] == [row["case"] for row in first]
    (case,) = read_cases(data)
    assert np.array_equal(read_labels(case.label)[0] > 0, LARGER)


def test_a_copy_with_the_same_mask_is_known_and_one_with_another_is_refused_in_words(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    collect([write_scene(tmp_path / "s.mrb", [lesion("a", A, MASAM_Locked="1")])], data)
    copy = write_scene(tmp_path / "copy.mrb", [lesion("a", A, MASAM_Locked="1")])
    assert collect([copy], data).counts == {"known": 1}
    other = write_scene(tmp_path / "other.mrb", [lesion("a", LARGER, MASAM_Locked="1")])
    found = collect([other], data)
    assert not found.counts
    assert "another file holds the same lesion with another mask" in reasons(found)[0]
    (case,) = read_cases(data)
    assert np.array_equal(read_labels(case.label)[0] > 0, A)


def test_names_say_nothing_of_the_patient_and_are_the_same_for_the_same_one(
    tmp_path: Path, own_key: Path
) -> None:
    data = tmp_path / "data"
    grid = geometry()
    record = PromptRecord(
        BoxPrompt.from_voxels(2, 14, 3, 13, 2, 6, name="Doe's liver"),
        (Correction("point", grid.lps_from_ijk([(8, 8, 4)])),),  # type: ignore[arg-type]
    )
    prompts = to_tag(record.to_dict(grid))
    for number in range(3):
        segment = lesion("Doe, John", A, MASAM_Locked="1", MASAM_Prompts=prompts)
        who = "PID-4711" if number < 2 else "PID-4712"
        write_scene(tmp_path / f"Doe{number}.mrb", [segment], image(number), who)
    found = collect([tmp_path], data)
    assert found.counts == {"added": 3}
    assert found.alone == 0
    table = rows(data)
    assert len({row["patient"] for row in table}) == 2
    for file in data.rglob("*"):
        assert "doe" not in file.name.lower()
        assert "471" not in file.name
        if file.suffix in (".csv", ".json", ".txt"):
            text = file.read_text("utf-8")
            assert "Doe" not in text
            assert "4711" not in text
            assert str(tmp_path) not in text
        elif file.is_file():
            picture = sitk.ReadImage(str(file))
            assert not any("Doe" in picture.GetMetaData(k) for k in picture.GetMetaDataKeys())
    kept = json.loads((data / table[0]["prompts"]).read_text("utf-8"))
    again = PromptRecord.from_dict(kept, grid)
    assert again.name == ""
    assert np.allclose(again.first.corners_ijk, record.first.corners_ijk, atol=1e-4)  # type: ignore[union-attr]
    assert [c.positive for c in again.corrections] == [True]
    assert table[0]["box"] == "2.00 14.00 3.00 13.00 2.00 6.00"
    key = own_key / "collecting.key"
    assert key.stat().st_mode & 0o077 == 0
    key.write_text("0" * 64 + "\n")
    with pytest.raises(ConfigError, match="the same patient would get two names"):
        collect([tmp_path], data)


def test_patients_are_held_out_whole_and_never_change_sides(tmp_path: Path) -> None:
    data, scenes = tmp_path / "data", tmp_path / "scenes"
    sides: dict[str, str] = {}
    for count in (1, 2, 5, 12):
        scenes.mkdir(exist_ok=True)
        for number in range(count):
            segments = [lesion("a", A, MASAM_Locked="1"), lesion("b", B, MASAM_Locked="1")]
            path = scenes / f"{number}.mrml" / f"{number}.mrml"
            path.parent.mkdir(exist_ok=True)
            write_scene(path, segments, image(number), f"patient {number}")
        found = collect([scenes], data, seed=3)
        now = {row["patient"]: row["split"] for row in rows(data)}
        assert {name: now[name] for name in sides} == sides
        sides = now
        assert found.patients == len(sides) == count
        assert len(rows(data)) == 2 * count
        held = sum(split == "val" for split in sides.values())
        assert held == found.held_out == {1: 0, 2: 1, 5: 1, 12: 3}[count]
    read_cases(data)  # no patient in two splits
    with pytest.raises(ConfigError, match="with another seed"):
        collect([scenes], data, seed=4)


def test_a_box_that_reaches_out_of_the_image_ends_with_it(tmp_path: Path) -> None:
    """A cell that begins with a minus sign would be written with an apostrophe before it."""
    record = PromptRecord(BoxPrompt.from_voxels(-3, 14, 3, 40, 2, 6))
    prompts = to_tag(record.to_dict(geometry()))
    path = write_scene(
        tmp_path / "s.mrb", [lesion("a", A, MASAM_Locked="1", MASAM_Prompts=prompts)]
    )
    collect([path], tmp_path / "data")
    (row,) = rows(tmp_path / "data")
    assert row["box"] == "0.00 14.00 3.00 23.00 2.00 6.00"


def test_images_of_one_scene_and_copies_of_one_image_are_one_patients(tmp_path: Path) -> None:
    segments = [lesion("a", A, MASAM_Locked="1")]
    write_scene(tmp_path / "first.mrb", segments)
    write_scene(tmp_path / "second.mrb", [lesion("b", B, MASAM_Locked="1")], patient="X1")
    write_scene(tmp_path / "third.mrb", segments, image(7))
    found = collect([tmp_path], tmp_path / "data")
    table = rows(tmp_path / "data")
    assert [row["image"] for row in table[:2]] == [table[0]["image"]] * 2
    assert len({row["patient"] for row in table}) == 2
    assert found.alone == 2
    assert "the patient's ID is not known" in found.summary


def test_the_same_voxels_at_another_place_are_another_image_of_the_same_patient(
    tmp_path: Path,
) -> None:
    write_scene(tmp_path / "1.mrb", [lesion("a", A, MASAM_Locked="1")])
    write_scene(tmp_path / "2.mrb", [lesion("b", B, MASAM_Locked="1")], shift=7.0)
    collect([tmp_path], tmp_path / "data")
    table = rows(tmp_path / "data")
    assert len({row["image"] for row in table}) == 2
    assert len({row["patient"] for row in table}) == 1
    for case, shift in zip(read_cases(tmp_path / "data"), (0.0, 7.0), strict=True):
        assert read_volume(case.image).geometry.same_grid(geometry(shift), 1e-3)
        assert read_labels(case.label)[1].same_grid(geometry(shift), 1e-3)


def test_a_folder_of_something_else_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    scene = write_scene(tmp_path / "s.mrb", [lesion("a", A, MASAM_Locked="1")])
    data = tmp_path / "data"
    data.mkdir()
    (data / "index.csv").write_text("case,patient,split\n")
    with pytest.raises(ConfigError, match="'masam collect' has not written"):
        collect([scene], data)
    assert [file.name for file in data.iterdir()] == ["index.csv"]
    with pytest.raises(ConfigError, match="does not exist"):
        collect([tmp_path / "gone.mrb"], tmp_path / "new")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="holds nothing to collect from"):
        collect([tmp_path / "empty"], tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_what_is_damaged_or_does_not_belong_is_left_out_with_the_reason(tmp_path: Path) -> None:
    segments = [lesion("a", A, MASAM_Locked="1")]
    write_scene(tmp_path / "1.mrb", segments, volume={"references": "storage:VS;transform:T1;"})
    (tmp_path / "2.mrb").write_bytes(b"PK\x03\x04 no zip")
    (tmp_path / "3.mrml").write_text('<!DOCTYPE a [<!ENTITY b "c">]><MRML>&b;</MRML>')
    (tmp_path / "4.mrml").write_text("<html></html>")
    beside = tmp_path / "5"
    beside.mkdir()
    write_scene(beside / "5.mrml", segments)
    (beside / "Data" / "a scan.nrrd").unlink()
    beside = tmp_path / "6"
    beside.mkdir()
    write_scene(beside / "6.mrml", segments)
    file = beside / "Data" / "s.seg.nrrd"
    file.write_bytes(file.read_bytes()[:-40])
    write_scene(tmp_path / "7.mrb", [lesion("empty", np.zeros_like(A), made=A)], image(7))
    write_scene(tmp_path / "8.mrb", segments, image(8))
    found = collect([tmp_path], tmp_path / "data")
    assert found.counts == {"added": 1}
    words = sorted((each.what.split(",")[0].split(".")[0], each.why) for each in found.left_out)
    expected = {
        "1": "different transforms",
        "2": "can't be unpacked",
        "3": "declares entities",
        "4": "no scene of Slicer",
        "5": "is not there",
        "6": "incomplete",
        "7": "its mask is empty",
    }
    assert len(words) == len(expected)
    for (name, why), (number, part) in zip(words, expected.items(), strict=True):
        assert name == number
        assert part in why
        assert "/tmp" not in why.replace(str(tmp_path), "")


def test_what_was_gathered_before_a_stop_stays(tmp_path: Path) -> None:
    for number in range(3):
        write_scene(
            tmp_path / f"{number}.mrb",
            [lesion("a", A, MASAM_Locked="1")],
            image(number),
            f"{number}",
        )

    def stop(fraction: float, words: str) -> None:
        if fraction > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collect([tmp_path], tmp_path / "data", progress=stop)
    assert len(rows(tmp_path / "data")) == 2
    assert collect([tmp_path], tmp_path / "data").counts == {"known": 2, "added": 1}
