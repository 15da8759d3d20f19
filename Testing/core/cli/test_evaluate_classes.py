"""`masam evaluate` class by class: masks of other programs, maps, the paper's tables."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from masam_core.data.prepare.run import Options, prepare
from masam_core.image.volume import read_labels
from Testing.core.cli.conftest import Masam
from Testing.core.data.prepare import miniatures

pytest.importorskip("scipy")
pytest.importorskip("monai")


@pytest.fixture
def btcv(tmp_path: Path) -> Path:
    source = miniatures.btcv(tmp_path / "owner", (1, 35, 36, 37))
    prepare("btcv", source, tmp_path / "data", Options(partial=True))
    return tmp_path / "data"


def masks(data: Path, folder: Path, names: dict[str, str], change: int | None = None) -> Path:
    """Another program's masks, of label images like the experts'; one class may be left out."""
    folder.mkdir()
    for case, name in names.items():
        image = sitk.ReadImage(str(data / case / "label.nii.gz"))
        labels = sitk.GetArrayFromImage(image)
        if change is not None:
            labels[labels == change] = 0
        made = sitk.GetImageFromArray(labels)
        made.CopyInformation(image)
        sitk.WriteImage(made, str(folder / f"{name}.nii.gz"))
    return folder


OWN = {f"btcv00{n}": f"btcv00{n}" for n in (35, 36, 37)}
OWNERS = {f"btcv00{n}": f"img00{n}" for n in (35, 36, 37)}  # as nnU-Net calls what it was given


def test_masks_of_two_programs_stand_in_one_table(masam: Masam, btcv: Path, tmp_path: Path) -> None:
    masks(btcv, tmp_path / "whole", OWNERS)
    masks(btcv, tmp_path / "lacking", OWN, change=4)
    files = [tmp_path / f"table.{ending}" for ending in ("md", "tex", "csv")]
    words = [w for f in files for w in ("--table", f)]
    given = ["--predictions", f"nnU-Net={tmp_path / 'whole'}"]
    given += ["--predictions", f"U_Net={tmp_path / 'lacking'}"]
    done = masam(
        "evaluate", btcv, "--split", "test", "--model", "none", "--map", "btcv",
        *given, *words, "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    # Without a model nothing says how the adrenal glands are read: the map's first reading counts.
    assert found["classes"][-1] == "adrenal glands"
    assert len(found["classes"]) == 12
    dices = {s["lesion"]: s["dice"] for s in found["scores"]["U_Net"] if s["case"] == "btcv0036"}
    assert dices == {n: 0.0 if n == 4 else 1.0 for n in range(1, 13)}


def test_names_of_the_data_set_are_the_classes_where_no_model_has_any(
    masam: Masam, btcv: Path, tmp_path: Path
) -> None:
    masks(btcv, tmp_path / "whole", OWNERS)
    masks(btcv, tmp_path / "lacking", OWN, change=4)
    files = [tmp_path / f"table.{ending}" for ending in ("md", "tex", "csv")]
    words = [w for f in files for w in ("--table", f)]
    done = masam(
        "evaluate", btcv, "--split", "test", "--model", "none",
        "--predictions", f"nnU-Net={tmp_path / 'whole'}",
        "--predictions", f"U_Net={tmp_path / 'lacking'}",
        *words, "--csv", tmp_path / "lines.csv",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert "Dice (%)" in done.stdout
    with files[2].open(newline="") as file:
        rows = {tuple(row[:2]): row[2:] for row in csv.reader(file)}
    head = rows["table", "method"]
    assert head[:4] == ["spleen", "right kidney", "left kidney", "gallbladder"]
    assert head[-1] == "mean"
    assert rows["Dice (%)", "nnU-Net"] == ["100.0"] * 14
    expected = ["100.0"] * 3 + ["0.0"] + ["100.0"] * 9 + [f"{1200 / 13:.1f}"]
    assert rows["Dice (%)", "U_Net"] == expected
    assert rows["HD95 (mm)", "U_Net"][3] == ""
    markdown = files[0].read_text()
    assert "| U\\_Net" not in markdown
    assert "**100.0**" in markdown
    assert "empty: 3 of U_Net" in markdown
    latex = files[1].read_text()
    assert r"U\_Net & \textbf{100.0}" in latex
    assert latex.count(r"\begin{tabular}{l" + 14 * "r" + "}") == 2
    assert r"Dice (\%)" in latex
    with (tmp_path / "lines.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 2 * 3 * 13


def test_another_programs_numbers_have_a_map_of_their_own(masam: Masam, tmp_path: Path) -> None:
    source = miniatures.amos22(tmp_path / "owner")
    miniatures.keep(source, ["amos_0201", "amos_0547"])
    prepare("amos22", source, tmp_path / "data", Options(partial=True))
    folder = tmp_path / "predicted"
    folder.mkdir()
    to_btcv = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, 8: 8, 9: 9, 10: 11, 11: 12, 12: 13}
    for number in ("0201", "0547"):
        image = sitk.ReadImage(str(tmp_path / "data" / f"amos{number}" / "label.nii.gz"))
        labels = sitk.GetArrayFromImage(image)
        numbers = np.zeros_like(labels)
        for amos, own in to_btcv.items():
            numbers[labels == amos] = own
        made = sitk.GetImageFromArray(numbers)
        made.CopyInformation(image)
        sitk.WriteImage(made, str(folder / f"amos_{number}.nii.gz"))
    classes = tmp_path / "twelve.yaml"
    classes.write_text("liver: [6]\npancreas: [10]\nadrenal glands: [11, 12]\nveins: []\n")
    own = tmp_path / "own.yaml"
    own.write_text("liver: [6]\npancreas: [11]\nadrenal glands: [12, 13]\nveins: [10]\n")
    done = masam(
        "evaluate", tmp_path / "data", "--split", "all", "--model", "none", "--map", classes,
        "--predictions", f"nnU-Net={folder}", "--predictions-map", own,
        "--table", tmp_path / "t.csv", "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    scores = json.loads(done.stdout)["scores"]["nnU-Net"]
    assert {(s["case"], s["lesion"]) for s in scores} == {
        (f"amos{n}", c) for n in ("0201", "0547") for c in (1, 2, 3)
    }
    assert all(s["dice"] == 1 for s in scores)
    table = (tmp_path / "t.csv").read_text()
    assert "amos CT,amos MR" in table  # by source, as two modalities are there


def test_videos_have_the_challenges_mean(masam: Masam, tmp_path: Path) -> None:
    source = miniatures.endovis18(tmp_path / "owner", frames=2)
    prepare("endovis18", source, tmp_path / "data")
    folder = tmp_path / "frames"
    for case in ("test01", "test02", "test03", "test04"):
        (folder / case).mkdir(parents=True)
        for name in ("frame000.png", "frame001.png"):
            classes = np.asarray(Image.open(tmp_path / "data" / case / "label" / name)).copy()
            classes[classes == 10] = 0  # the intestine is never found
            Image.fromarray(classes).save(folder / case / name)
    done = masam(
        "evaluate", tmp_path / "data", "--split", "test", "--model", "none", "--json",
        "--predictions", f"ours={folder}", "--table", tmp_path / "t.md",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    label = np.asarray(Image.open(tmp_path / "data" / "test01" / "label" / "frame000.png"))
    counts = {v: int((label == v).sum()) for v in (0, 1, 4, 10)}
    # Shaft and kidney 1, intestine 0, background its own pixels over those and the intestine's.
    expected = (2 + counts[0] / (counts[0] + counts[10])) / 4
    assert found["frame_iou"]["ours"][0] == pytest.approx(expected)
    assert len(found["frame_iou"]["ours"]) == 8
    assert "mIoU of the challenge" in (tmp_path / "t.md").read_text()
    (folder / "test02" / "frame001.png").unlink()
    refused = masam(
        "evaluate", tmp_path / "data", "--split", "test", "--model", "none",
        "--predictions", f"ours={folder}",
    )  # fmt: skip
    assert refused.exit_code == 1
    assert "lacks the frame frame001" in refused.stderr


def test_what_does_not_fit_is_told_before_the_work(
    masam: Masam, btcv: Path, tmp_path: Path
) -> None:
    masks(btcv, tmp_path / "part", {"btcv0035": "btcv0035"})
    cases: list[tuple[list[object], str]] = [
        (["--predictions", f"x={tmp_path / 'part'}"], "no mask of 2 of the 3 cases (btcv0036"),
        (["--predictions", "part"], "expected NAME=FOLDER"),
        (["--table", tmp_path / "t.doc"], "none is given"),
        (["--map", "btcv", "--interactive"], "goes with --automatic"),
    ]
    for words, message in cases:
        refused = masam("evaluate", btcv, "--split", "test", "--model", "none", *words)
        assert refused.exit_code == 1
        assert message in refused.stderr, refused.stderr


def test_grids_that_differ_are_refused(masam: Masam, btcv: Path, tmp_path: Path) -> None:
    masks(btcv, tmp_path / "p", OWN)
    labels, _ = read_labels(btcv / "btcv0036" / "label.nii.gz")
    miniatures.write_volume(tmp_path / "p" / "btcv0036.nii.gz", labels.astype(np.uint8), (1, 1, 1))
    refused = masam(
        "evaluate", btcv, "--split", "test", "--model", "none",
        "--predictions", f"x={tmp_path / 'p'}",
    )  # fmt: skip
    assert refused.exit_code == 1
    assert "btcv0036.nii.gz is not on the image's grid" in refused.stderr
