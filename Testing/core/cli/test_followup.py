"""`masam followup` from the words typed to the tables: a proposal, a review, a confirmation."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from typer.testing import CliRunner

from masam_core.cli.main import app
from masam_core.export.seg_nrrd import Segment, write_seg_nrrd
from masam_core.followup.masks import TRACKING, read_masks
from masam_core.followup.study import in_order, read_study, require_one_patient
from masam_core.image.volume import Volume, read_volume
from masam_core.lesion.terminology import lesion_color
from Testing.core.followup.phantoms import (
    GEOMETRY,
    TURNED,
    Ball,
    Motion,
    Threshold,
    inside,
    masks,
    study,
)
from Testing.core.image.formats.dicom.making import series

from .conftest import Masam

LIVER, LUNG = Ball((-20.0, 5.0, 0.0), 9.0), Ball((25.0, -10.0, 25.0), 7.5)
NOW = [Ball(LIVER.center, 12.0)]  # the other has vanished


class Known(Threshold):
    """A segmenter whose answers are known, in place of the model."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()

    def close(self) -> None:
        """Nothing to give back."""


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("masam_core.inference.segmenter.Segmenter", Known)


def write(path: Path, volume: Volume) -> Path:
    """An image file."""
    image = sitk.GetImageFromArray(np.rint(volume.array).astype(np.int16))
    volume.geometry.apply_to_sitk(image)
    sitk.WriteImage(image, str(path))
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two studies as files, and the first one's lesions as a Slicer segmentation."""
    folder = tmp_path_factory.mktemp("patient")
    segments = [
        Segment(mask.name, mask.mask, mask.offset_kji, lesion_color(n), tags={TRACKING: f"1.2.{n}"})
        for n, mask in enumerate(masks([LIVER, LUNG], names=("liver", "lung")))
    ]
    write_seg_nrrd(folder / "first.seg.nrrd", segments, GEOMETRY)
    return {
        "one": write(folder / "one.nii.gz", study([LIVER, LUNG]).volume),
        "two": write(folder / "two.nii.gz", study(NOW, TURNED, seed=2).volume),
        "lesions": folder / "first.seg.nrrd",
    }


@pytest.fixture(scope="module")
def proposal(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a proposal, made once."""
    out = tmp_path_factory.mktemp("proposal") / "out"

    def masam(*words: object) -> Any:
        return CliRunner().invoke(app, [str(word) for word in words])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("masam_core.inference.segmenter.Segmenter", Known)
        done = run(masam, files, out)
    assert done.exit_code == 0, done.stderr
    return out


@pytest.fixture
def proposed(proposal: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(proposal, tmp_path / "out"))


def run(masam: Masam, files: dict[str, Path], out: Path, *more: object) -> Any:
    words = ("followup", files["one"], files["two"], "--lesions", files["lesions"], "-o", out)
    dates = ("--date", "2024-01-10", "--date", "2024-04-09", "--rigid", "--modality", "CT")
    return masam(*words, *dates, *more)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def change(path: Path, edit: Callable[[dict[str, str]], None]) -> None:
    """Change a table as a spreadsheet does."""
    found = rows(path)
    for row in found:
        edit(row)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(found[0]))
        writer.writeheader()
        writer.writerows(found)


def test_a_proposal_holds_masks_tables_and_a_report(proposed: Path, files: dict[str, Path]) -> None:
    names = {path.name for path in proposed.iterdir()}
    tables = {f"followup{ending}" for ending in (".csv", ".md", ".json", ".html")}
    assert names == tables | {
        "study1.seg.nrrd",
        "study2.seg.nrrd",
        "review.csv",
        "lesions.csv",
        "plan.json",
    }
    found = json.loads((proposed / "followup.json").read_text("utf-8"))
    liver, gone = found["findings"][1], found["findings"][3]
    assert (liver["lesion"], liver["state"], liver["found_by"]) == (
        "liver",
        "measured",
        "carried over",
    )
    assert liver["longest_diameter_mm"] == pytest.approx(24, abs=3)
    assert gone["state"] == "absent"
    assert found["to_be_confirmed"] == 2
    # (12 / 9)^3 is 2.37 times the volume in 90 days: 72 days.
    assert liver["doubling_days"] == pytest.approx(72, abs=12)
    (mask,) = read_masks(proposed / "study2.seg.nrrd", read_volume(files["two"]))
    assert (mask.name, mask.tracking_uid) == ("liver", "1.2.0")
    truth = inside(NOW[0], TURNED)
    whole = mask.on(truth.shape)
    assert 2 * (whole & truth).sum() / (whole.sum() + truth.sum()) > 0.95


def test_tables_say_the_same_in_every_form(proposed: Path) -> None:
    found = json.loads((proposed / "followup.json").read_text("utf-8"))
    table = rows(proposed / "followup.csv")
    assert [row["lesion"] for row in table] == ["liver", "liver", "lung", "lung"]
    assert [float(r["volume_ml"]) for r in table if r["volume_ml"]] == [
        f["volume_ml"] for f in found["findings"] if f["volume_ml"] is not None
    ]
    words = (proposed / "followup.md").read_text("utf-8")
    page = (proposed / "followup.html").read_text("utf-8")
    for text in (words, page):
        assert "2 findings wait for a person to confirm" in text
        assert f"{found['findings'][1]['volume_ml']:.2f}" in text
        assert found["studies"][1]["response"] in text
        assert "Eisenhauer" in text
    assert "http" not in re.sub(r"data:image/png;base64,[^\"]+", "", page)  # needs nothing else
    assert "data:image/png;base64,iVBOR" in page


def test_the_studies_are_not_written_over_by_accident(
    proposed: Path, files: dict[str, Path], masam: Masam
) -> None:
    before = (proposed / "study2.seg.nrrd").read_bytes()
    again = run(masam, files, proposed)
    assert again.exit_code == 1
    assert "--confirm" in again.stderr
    assert (proposed / "study2.seg.nrrd").read_bytes() == before


def test_what_is_uncertain_must_be_answered_before_it_is_confirmed(
    proposed: Path, masam: Masam
) -> None:
    done = masam("followup", "-o", proposed, "--confirm")
    assert done.exit_code == 1
    assert "'lung' in study 2 needs a look" in done.stderr
    assert "review.csv, line 5" in done.stderr

    def yes(row: dict[str, str]) -> None:
        row["accept"] = "yes" if row["look_at_it"] else ""

    change(proposed / "review.csv", yes)
    done = masam("followup", "-o", proposed, "--confirm", "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["to_be_confirmed"] == 0
    assert all(finding["confirmed"] for finding in found["findings"])
    assert "Confirmed." in (proposed / "followup.md").read_text("utf-8")


def test_tables_and_masks_that_were_changed_count(
    proposed: Path, files: dict[str, Path], masam: Masam
) -> None:
    """The lesion is renamed, is a node and no target; its mask is put right, and one is added."""
    change(
        proposed / "lesions.csv",
        lambda row: (
            row.update(lesion="Liver S7", organ="liver", target="yes")
            if row["lesion_number"] == "1"
            else row.update(target="no")
        ),
    )
    change(
        proposed / "review.csv",
        lambda row: row.update(state="not assessed") if row["look_at_it"] else None,
    )
    smaller = Ball(LIVER.center, 6.0)
    new = Ball((10.0, 20.0, -30.0), 8.0)
    segments = [
        Segment(name, inside(ball, TURNED), (0, 0, 0), lesion_color(0), tags=tags)
        for name, ball, tags in (("liver", smaller, {TRACKING: "1.2.0"}), ("bone", new, {}))
    ]
    write_seg_nrrd(proposed / "study2.seg.nrrd", segments, GEOMETRY)
    done = masam("followup", "-o", proposed, "--confirm", "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    by = {(f["lesion"], f["study"]): f for f in found["findings"]}
    assert by["Liver S7", 2]["longest_diameter_mm"] == pytest.approx(12, abs=3)
    assert (by["Liver S7", 2]["organ"], by["Liver S7", 2]["target"]) == ("liver", True)
    assert (by["lung", 2]["state"], by["lung", 2]["target"]) == ("not assessed", False)
    assert by["bone", 2]["state"] == "measured"
    second = found["studies"][1]
    assert (second["response"], second["new_lesions"]) == ("PD", ["bone"])
    # And once more, since confirming writes what can be confirmed again.
    again = masam("followup", "-o", proposed, "--confirm", "--json")
    assert again.exit_code == 0, again.stderr
    assert json.loads(again.stdout)["studies"] == found["studies"]


def test_studies_that_are_no_dicom_are_refused_as_such(proposed: Path, masam: Masam) -> None:
    pytest.importorskip("highdicom")
    change(proposed / "review.csv", lambda row: row.update(accept="yes"))
    done = masam("followup", "-o", proposed, "--confirm", "--dicom")
    assert done.exit_code == 1
    assert "--dicom: study 2" in done.stderr
    assert "no DICOM series" in done.stderr


def test_a_refused_finding_is_not_assessed(proposed: Path, masam: Masam) -> None:
    change(
        proposed / "review.csv", lambda row: row.update(accept="no" if row["study"] == "2" else "")
    )
    done = masam("followup", "-o", proposed, "--confirm", "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert {f["state"] for f in found["findings"] if f["study"] == 2} == {"not assessed"}
    assert found["studies"][1]["response"] == "NE"


def test_a_mask_that_is_gone_must_be_explained(proposed: Path, masam: Masam) -> None:
    change(proposed / "review.csv", lambda row: row.update(accept="yes"))
    write_seg_nrrd(proposed / "study2.seg.nrrd", [], GEOMETRY)
    done = masam("followup", "-o", proposed, "--confirm")
    assert done.exit_code == 1
    assert "no mask of 'liver' any more" in done.stderr


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("state", "larger", "the state is 'larger'"),
        ("accept", "maybe", "expected yes, no or nothing"),
        ("lesion_number", "9", "no lesion number '9'"),
        ("study", "7", "no study '7'"),
    ],
)
def test_a_slip_in_a_table_is_named(
    proposed: Path, masam: Masam, column: str, value: str, words: str
) -> None:
    change(proposed / "review.csv", lambda row: row.update({"accept": "yes", column: value}))
    done = masam("followup", "-o", proposed, "--confirm")
    assert done.exit_code == 1
    assert words in done.stderr


def test_words_that_make_no_sense_are_refused(
    files: dict[str, Path], masam: Masam, tmp_path: Path
) -> None:
    out = tmp_path / "o"
    one = masam("followup", files["one"], "--lesions", files["lesions"], "-o", out)
    assert "at least two studies; received 1" in one.stderr
    none = masam("followup", files["one"], files["two"], "-o", out)
    assert "--lesions FILE" in none.stderr
    wrong = run(masam, files, out, "--lesions", f"3={files['lesions']}")
    assert "there are 2 studies" in wrong.stderr
    day = masam(
        "followup",
        files["one"],
        files["two"],
        "--lesions",
        files["lesions"],
        "--date",
        "May",
        "-o",
        out,
    )
    assert "YYYY-MM-DD" in day.stderr
    empty = masam("followup", "-o", tmp_path / "nothing", "--confirm")
    assert "holds no follow-up" in empty.stderr
    assert not (out / "plan.json").exists()


def test_dates_and_patients_come_from_dicom_and_are_not_shown(tmp_path: Path) -> None:
    paths = [
        series(tmp_path / name, PatientID=who, StudyDate=day)
        for name, who, day in (("a", "P-1", "20240501"), ("b", "P-1", "20240101"), ("c", "P-2", ""))
    ]
    a, b, c = (read_study(path) for path in paths)
    assert [str(each.date) for each in (a, b, c)] == ["2024-05-01", "2024-01-01", "None"]
    assert in_order([a, b])[0] == [1, 0]
    assert "order of their dates" in in_order([a, b])[1][0]
    assert in_order([a, c])[0] == [0, 1]
    assert "no date" in in_order([a, c])[1][0]
    require_one_patient([a, b])
    with pytest.raises(Exception, match="2 different patient IDs") as error:
        require_one_patient([a, b, c])
    assert "P-1" not in str(error.value)
    require_one_patient([a, b, c], sure=True)


def test_segments_that_overlap_and_label_images_are_read(tmp_path: Path) -> None:
    from masam_core.prompts.per import Per

    volume = study([LIVER, LUNG]).volume
    two = [inside(LIVER), inside(Ball(LIVER.center, 5.0))]
    segments = [Segment(f"s{n}", m, (0, 0, 0), lesion_color(n)) for n, m in enumerate(two)]
    write_seg_nrrd(tmp_path / "two.seg.nrrd", segments, GEOMETRY)
    found = read_masks(tmp_path / "two.seg.nrrd", volume)
    assert [mask.voxels for mask in found] == [int(m.sum()) for m in two]
    labels = inside(LIVER).astype(np.uint8) | inside(LUNG).astype(np.uint8)
    image = sitk.GetImageFromArray(labels)
    GEOMETRY.apply_to_sitk(image)
    sitk.WriteImage(image, str(tmp_path / "labels.nii.gz"))
    assert len(read_masks(tmp_path / "labels.nii.gz", volume)) == 2
    assert len(read_masks(tmp_path / "labels.nii.gz", volume, Per.LABEL)) == 1


def test_three_studies_in_wrong_order_with_prompts_for_the_first(
    files: dict[str, Path], masam: Masam, tmp_path: Path
) -> None:
    from masam_core.prompts.roi import write_roi

    roi = tmp_path / "liver.mrk.json"
    write_roi(roi, LIVER.center, (20.0, 20.0, 20.0), name="liver")
    third = write(
        tmp_path / "three.nii.gz", study([Ball(LIVER.center, 13.0)], Motion(), seed=5).volume
    )
    days = ("--date", "2024-04-09", "--date", "2024-01-10", "--date", "2024-08-01")
    done = masam(
        *("followup", files["two"], files["one"], third, "--lesions", f"2={roi}", *days),
        *("-o", tmp_path / "out", "--rigid", "--modality", "CT", "--json"),
    )
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert [s["image"] for s in found["studies"]] == ["one", "two", "three"]
    sizes = [f["volume_ml"] for f in found["findings"]]
    assert sizes == sorted(sizes)
    assert any("order of their dates" in note for note in found["notes"])
