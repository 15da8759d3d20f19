"""Whole images on the command line: every class or some, one image or a folder of them."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from masam_core.lesion.organs import term_of
from masam_core.model.abilities import NONE
from masam_core.model.checkpoint import save_model
from masam_core.model.masam import MASAM
from Testing.core import tiny
from Testing.core.cli.conftest import Masam

NAMES = ("liver", "spleen", "left kidney")


def heads(model: MASAM) -> list[Any]:
    """What makes each class's mask: background, liver, spleen, left kidney."""
    return list(model.mask_decoder.output_hypernetworks_mlps.each())


@pytest.fixture(scope="module", autouse=True)
def _tiny() -> Iterator[None]:
    with tiny.known():
        yield


@pytest.fixture(scope="module")
def automatic_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A random model of three organs, of which it finds all but the spleen wherever it looks; its
    backbone is known."""
    with tiny.known():
        model = tiny.build_shaken(5, name="organs", num_classes=3, class_names=NAMES)
        with torch.no_grad():
            # The spleen's logit is the mean of its neighbours': it is never the greatest.
            lasts = [list(mlp.layers.each())[-1] for mlp in heads(model)]
            for last in lasts:
                last.weight.zero_()
            lasts[2].bias.copy_((lasts[1].bias + lasts[3].bias) / 2)
        model.prompting = NONE
        path = tmp_path_factory.mktemp("model") / "organs.safetensors"
        save_model(model, path)
        yield path


def segment(masam: Masam, image: Path, out: Path, model: Path, *more: str) -> Any:
    words = ("segment", image, "-o", out, "--automatic", "--model", model, "--device", "cpu")
    return masam(*words, "--quality", "fast", "--json", *more)


def test_each_class_has_its_name_term_and_colour_in_slicers_file(
    masam: Masam, image: Path, automatic_model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "o.seg.nrrd"
    result = segment(masam, image, out, automatic_model)
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert [one["name"] for one in document["lesions"]] == list(NAMES)
    found = [one["name"] for one in document["lesions"] if one["voxels"]]
    assert found == ["liver", "left kidney"]
    assert document["messages"] == ["Not found: spleen."]
    for one in document["lesions"]:
        assert one["confidence"] is None
        assert ("never checked" in " ".join(one["messages"])) == bool(one["voxels"])
    header = sitk.ReadImage(str(out))
    for number, name in enumerate(found):
        assert header.GetMetaData(f"Segment{number}_Name") == name
        assert f"TerminologyEntry:{term_of(name).entry}|" in header.GetMetaData(
            f"Segment{number}_Tags"
        )
        color = [float(c) for c in header.GetMetaData(f"Segment{number}_Color").split()]
        assert color == pytest.approx(term_of(name).color, abs=1e-5)
    assert not header.HasMetaDataKey(f"Segment{len(found)}_Name")


def test_a_model_that_nobody_checked_tells_no_confidence(
    masam: Masam, image: Path, automatic_model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "o.nii.gz"
    words = ("segment", image, "-o", out, "--automatic", "--model", automatic_model)
    result = masam(*words, "--device", "cpu", "--quality", "fast", "--overlay", tmp_path / "o.png")
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert said.count("not known") == 2 + 1  # both that were found, and why
    assert said.count("never checked on patients that it had not learned from") == 1
    assert "%" not in said


def test_some_classes_are_what_they_are_among_all(
    masam: Masam, image: Path, automatic_model: Path, tmp_path: Path
) -> None:
    whole = segment(masam, image, tmp_path / "all.nii.gz", automatic_model)
    named = {one["name"]: one for one in json.loads(whole.stdout)["lesions"]}
    chosen = next(name for name, one in named.items() if one["voxels"])
    some = segment(masam, image, tmp_path / "one.nii.gz", automatic_model, "--class", chosen)
    assert some.exit_code == 0, some.output
    labels = [
        sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / f"{n}.nii.gz")))
        for n in ("all", "one")
    ]
    assert np.array_equal(labels[0] == named[chosen]["value"], labels[1] == 1)

    refused = segment(masam, image, tmp_path / "x.nii.gz", automatic_model, "--class", "heart")
    assert refused.exit_code != 0
    assert "knows no 'heart'; it knows liver, spleen, left kidney" in refused.stderr
    assert not (tmp_path / "x.nii.gz").exists()
    words = ("segment", image, "-o", tmp_path / "x.nii.gz", "--box", "1 5 1 5 1 5")
    refused = masam(*words, "--class", "liver")
    assert "--automatic" in refused.stderr


def test_a_folder_needs_no_boxes_and_the_table_has_a_row_a_class(
    masam: Masam, image: Path, automatic_model: Path, tmp_path: Path
) -> None:
    folder, out = tmp_path / "scans", tmp_path / "results"
    folder.mkdir()
    for name in ("a", "b"):
        shutil.copy(image, folder / f"{name}.nii.gz")
    shutil.copy(image, folder / "a_label.nii.gz")  # told from images, and left alone
    words = ("batch", folder, "-o", out, "--model", automatic_model, "--device", "cpu")
    listed = masam(*words, "--dry-run")
    assert listed.stdout.count(".nii.gz") == 2
    result = masam(*words, "--quality", "fast", "--class", "liver", "--class", "kidney")
    assert result.exit_code == 0, result.output
    assert "takes no boxes" in result.stderr
    with (out / "measurements.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [(row["image"], row["lesion"]) for row in rows] == [
        (case, name) for case in ("a", "b") for name in ("liver", "left kidney")
    ]
    assert {row["confidence"] for row in rows} == {""}
    assert all("The confidence is not known" in row["messages"] for row in rows)
    assert {path.name for path in out.glob("*.seg.nrrd")} == {"a.seg.nrrd", "b.seg.nrrd"}
    again = masam(*words, "--quality", "fast", "--class", "liver")
    assert "classes" in again.output  # run again, since that has changed

    refused = masam(*words, "--class", "heart")
    assert refused.exit_code != 0
    assert "knows no 'heart'" in refused.stderr
    needs = masam("batch", folder, "-o", tmp_path / "other", "--automatic")
    assert "needs boxes" in needs.stderr


def test_a_list_of_images_needs_no_column_of_boxes(
    masam: Masam, image: Path, automatic_model: Path, tmp_path: Path
) -> None:
    listing = tmp_path / "list.csv"
    listing.write_text(f"image,name\n{image},knee\n", encoding="utf-8")
    words = ("batch", listing, "-o", tmp_path / "out", "--model", automatic_model)
    result = masam(*words, "--device", "cpu", "--quality", "fast", "--json")
    assert result.exit_code == 0, result.output
    assert [case["case"] for case in json.loads(result.stdout)["cases"]] == ["knee"]


def test_a_file_says_what_its_classes_stand_for(masam: Masam, automatic_model: Path) -> None:
    facts = json.loads(masam("info", automatic_model, "--json").stdout)
    assert facts["prompting"] == "none"
    assert facts["classes"] == {
        "liver": "SCT 10200004 Liver",
        "spleen": "SCT 78961009 Spleen",
        "left kidney": "SCT 64033007 Kidney, Left",
    }
    assert "SCT 64033007 Kidney, Left" in masam("info", automatic_model).stdout.replace("\n", " ")
