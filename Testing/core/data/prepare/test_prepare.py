"""`masam prepare`: the owners' folders in, the folder that train and evaluate read out."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from masam_core.data.prepare.endovis18 import CLASSES
from masam_core.data.prepare.registry import DATASETS, dataset
from masam_core.data.prepare.run import Options, prepare
from masam_core.data.reading import read_cases
from masam_core.errors import ConfigError, WriteError
from Testing.core.data.prepare import miniatures


def splits(path: Path) -> Counter[str]:
    return Counter(case.split for case in read_cases(path))


def array(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


@pytest.fixture(scope="module")
def btcv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return miniatures.btcv(tmp_path_factory.mktemp("btcv"))


def test_btcv_has_the_papers_six_test_cases_and_its_images_stay_byte_for_byte(
    btcv: Path, tmp_path: Path
) -> None:
    done = prepare("btcv", btcv, tmp_path / "data")
    cases = read_cases(tmp_path / "data")
    assert splits(tmp_path / "data") == {"train": 24, "test": 6}
    assert [c.name for c in cases if c.split == "test"] == [f"btcv00{n}" for n in range(35, 41)]
    assert {c.modality for c in cases} == {"CT"}
    source = btcv / "Training" / "img" / "img0007.nii.gz"
    assert (tmp_path / "data/btcv0007/image.nii.gz").read_bytes() == source.read_bytes()
    label = sitk.ReadImage(str(tmp_path / "data/btcv0007/label.nii.gz"))
    image = sitk.ReadImage(str(source))
    assert np.allclose(label.GetDirection(), image.GetDirection())
    assert np.allclose(label.GetOrigin(), image.GetOrigin(), atol=1e-4)
    assert np.allclose(label.GetSpacing(), image.GetSpacing())
    own = array(btcv / "Training" / "label" / "label0007.nii.gz")
    assert np.array_equal(sitk.GetArrayFromImage(label), own)
    assert label.GetPixelIDTypeAsString() == "8-bit unsigned integer"
    about = (tmp_path / "data/ABOUT.md").read_text()
    assert dataset("btcv").citation in about
    assert "24 train, 6 test" in about
    assert done.kept == 0


def test_a_second_run_writes_only_what_the_first_did_not_finish(btcv: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    prepare("btcv", btcv, data)
    untouched = data / "btcv0001" / "image.nii.gz"
    before = untouched.stat().st_mtime_ns
    (data / "btcv0002" / "source.json").unlink()  # as of a run killed before the case was whole
    (data / "btcv0002" / "label.nii.gz").unlink()
    done = prepare("btcv", btcv, data)
    assert done.kept == 29
    assert untouched.stat().st_mtime_ns == before
    assert array(data / "btcv0002" / "label.nii.gz").max() == 13


def test_what_is_missing_or_wrong_is_told_all_at_once_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    source = miniatures.btcv(tmp_path)
    training = source / "Training"
    (training / "img" / "img0003.nii.gz").unlink()
    with pytest.raises(ConfigError, match="not complete") as refused:
        prepare("btcv", source, tmp_path / "data")
    assert "img0003.nii.gz" in str(refused.value)
    assert "the image of label0003.nii.gz" in str(refused.value)

    whole = (training / "img" / "img0004.nii.gz").read_bytes()
    (training / "img" / "img0004.nii.gz").write_bytes(whole[:-40])
    strange = array(training / "label" / "label0005.nii.gz")
    strange[0, 0, 0] = 99
    miniatures.write_volume(training / "label" / "label0005.nii.gz", strange)
    coarse = np.ones((3, 16, 16), np.uint8)
    miniatures.write_volume(training / "label" / "label0006.nii.gz", coarse, (0.8, 0.8, 6.0))
    empty = np.zeros(miniatures.SHAPE, np.uint8)
    miniatures.write_volume(training / "label" / "label0007.nii.gz", empty)
    image, _ = miniatures.pair(range(1, 14), 3)
    miniatures.write_volume(training / "img" / "img0003.nii.gz", image)
    with pytest.raises(ConfigError, match="Nothing was written") as refused:
        prepare("btcv", source, tmp_path / "data")
    told = str(refused.value)
    assert "img0004.nii.gz is damaged or was not downloaded whole" in told
    assert "label0005.nii.gz holds the label values [99]" in told
    assert "label0006.nii.gz is not on the image's grid" in told
    assert "label0007.nii.gz holds no labelled voxel" in told
    assert not (tmp_path / "data").exists()

    done = prepare("btcv", source, tmp_path / "data", Options(partial=True))
    assert len(done.cases) == 26
    assert "label0005.nii.gz" in (tmp_path / "data/ABOUT.md").read_text()


def test_a_label_elsewhere_in_space_is_refused_unless_the_image_is_to_count(
    tmp_path: Path,
) -> None:
    source = miniatures.btcv(tmp_path)
    _, labels = miniatures.pair(range(1, 14), 8)
    moved = source / "Training" / "label" / "label0008.nii.gz"
    miniatures.write_volume(moved, labels, origin=(0.0, 3.3, 7.0))
    with pytest.raises(ConfigError, match=r"label0008.*another place in space.*--image-geometry"):
        prepare("btcv", source, tmp_path / "data")
    prepare("btcv", source, tmp_path / "data", Options(image_geometry=True))
    written = sitk.ReadImage(str(tmp_path / "data/btcv0008/label.nii.gz"))
    assert np.allclose(written.GetOrigin(), (120.0, 110.0, -50.0), atol=1e-4)
    assert "lie where the image does" in (tmp_path / "data/ABOUT.md").read_text()


def test_patients_held_out_are_training_patients_and_the_same_everywhere(
    btcv: Path, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        prepare("btcv", btcv, tmp_path / name, Options(validation=0.25))
    first, second = (read_cases(tmp_path / n) for n in ("a", "b"))
    assert [(c.name, c.split) for c in first] == [(c.name, c.split) for c in second]
    counts = splits(tmp_path / "a")
    assert counts["test"] == 6
    assert counts["train"] + counts["val"] == 24
    assert 0 < counts["val"] < 14


def test_ones_own_split_must_name_every_case(btcv: Path, tmp_path: Path) -> None:
    own = tmp_path / "splits.csv"
    names = [f"btcv{n:04d}" for n in (*range(1, 11), *range(21, 41))]
    own.write_text("case,split\n" + "".join(f"{n},train\n" for n in names[:-1]))
    with pytest.raises(ConfigError, match="no split for 1 cases, the first btcv0040"):
        prepare("btcv", btcv, tmp_path / "data", Options(splits=own))
    own.write_text(own.read_text() + "btcv0040,holdout\n")
    with pytest.raises(ConfigError, match="'holdout'; expected one of train, val, test"):
        prepare("btcv", btcv, tmp_path / "data", Options(splits=own))
    own.write_text(own.read_text().replace("holdout", "val"))
    prepare("btcv", btcv, tmp_path / "data", Options(splits=own))
    assert splits(tmp_path / "data") == {"train": 29, "val": 1}


def test_a_folder_with_other_files_or_in_the_source_is_refused(btcv: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="holds other files already"):
        prepare("btcv", btcv, tmp_path)
    with pytest.raises(ConfigError, match="is the source itself"):
        prepare("btcv", btcv, btcv)
    with pytest.raises(ConfigError, match=r"(?s)is not what was expected.*img and label"):
        prepare("btcv", tmp_path, tmp_path / "data")
    with pytest.raises(ConfigError, match="expected one of btcv, prostate, endovis18"):
        prepare("btvc", btcv, tmp_path / "data")


def test_prostate_zones_are_one_gland_and_each_protocol_has_its_list(tmp_path: Path) -> None:
    source = miniatures.prostate(tmp_path / "sites")
    plain = source / "UCL" / "Case01.nii"
    plain.write_bytes(gzip.decompress((source / "UCL" / "Case01.nii.gz").read_bytes()))
    (source / "UCL" / "Case01.nii.gz").unlink()
    for site in ("BMC", "I2CVB", "BIDMC"):  # fewer files, for speed
        shutil.rmtree(source / site)
    with pytest.raises(ConfigError, match="the folder of site B"):
        prepare("prostate", source, tmp_path / "data")
    prepare("prostate", source, tmp_path / "data", Options(partial=True))
    assert splits(tmp_path / "data") == {"train": 43, "test": 12}
    own = array(source / "RUNMC" / "Case03_Segmentation.nii.gz")
    assert own.max() == 2
    assert np.array_equal(array(tmp_path / "data/siteA_03/label.nii.gz"), own > 0)
    written = tmp_path / "data/siteD_01/image.nii.gz"
    assert gzip.decompress(written.read_bytes()) == plain.read_bytes()
    single = read_cases(tmp_path / "data" / "site-D.csv")
    assert [c.name for c in single if c.split == "test"] == ["siteD_01", "siteD_32", "siteD_34"]
    assert len(single) == 13
    left_out = read_cases(tmp_path / "data" / "without-D.csv")
    assert {c.name for c in left_out if c.split == "test"} == {c.name for c in single}
    assert Counter(c.split for c in left_out) == {"train": 42, "test": 13}
    assert not (tmp_path / "data" / "site-B.csv").exists()


def test_sites_of_the_other_naming_are_found_and_a_missing_one_is_named(tmp_path: Path) -> None:
    source = miniatures.prostate(tmp_path / "sites")
    (source / "I2CVB").rename(source / "HCRUDB")
    (source / "HK").rename(source / "siteF")
    (source / "BMC").rename(source / "prostateB")
    (source / "UCL" / "Case32.nii.gz").unlink()
    with pytest.raises(ConfigError) as refused:
        prepare("prostate", source, tmp_path / "data")
    assert "UCL/Case32.nii.gz, a test case" in str(refused.value)
    assert "site C" not in str(refused.value)
    assert "site F" not in str(refused.value)
    assert "site B" not in str(refused.value)


@pytest.fixture(scope="module")
def endovis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return miniatures.endovis18(tmp_path_factory.mktemp("endovis"), frames=3)


def test_endovis_colours_become_the_challenges_classes(endovis: Path, tmp_path: Path) -> None:
    assert [(v, n, list(c)) for v, (n, c) in CLASSES.items()] == [
        (e["classid"], e["name"], e["color"]) for e in miniatures.ENDOVIS_LABELS
    ]
    prepare("endovis18", endovis, tmp_path / "data")
    assert splits(tmp_path / "data") == {"train": 15, "test": 4}
    case = next(c for c in read_cases(tmp_path / "data") if c.name == "test03")
    assert (case.image.is_dir(), case.label.is_dir(), case.modality) == (True, True, "video")
    source = endovis / "Test" / "seq_3"
    for name in ("frame000.png", "frame002.png"):
        copied, own = case.image / name, source / "left_frames" / name
        assert copied.read_bytes() == own.read_bytes()
        picture = Image.open(case.label / name)
        assert picture.mode == "P"
        shown = np.asarray(picture.convert("RGB"))
        assert np.array_equal(shown, np.asarray(Image.open(source / "labels" / name))[..., :3])
        assert set(np.unique(np.asarray(picture))) == {0, 1, 4, 10}
    labels = json.loads((tmp_path / "data/labels.json").read_text())
    # A second run in a folder of the source is not led astray by what the first one wrote there.
    inside = endovis / "prepared"
    assert prepare("endovis18", endovis, inside).kept == 0
    assert prepare("endovis18", endovis, inside).kept == 19
    shutil.rmtree(inside)
    assert labels[3] == {"value": 4, "name": "kidney-parenchyma", "color": [255, 55, 0]}


def test_a_colour_of_no_class_and_a_frame_of_another_size_are_named(tmp_path: Path) -> None:
    source = miniatures.endovis18(tmp_path / "endovis", frames=2)
    label = source / "Test" / "seq_1" / "labels" / "frame001.png"
    Image.new("RGB", (40, 32), (9, 9, 9)).save(label)
    frame = source / "Test" / "seq_2" / "left_frames" / "frame001.png"
    Image.new("RGB", (30, 32)).save(frame)
    (source / "Test" / "seq_4" / "labels" / "frame000.png").unlink()
    with pytest.raises(ConfigError, match=r"the label of frame000\.png"):
        prepare("endovis18", source, tmp_path / "data")
    done = prepare("endovis18", source, tmp_path / "data", Options(partial=True))
    told = "\n".join(done.notes)
    assert "100.0% of the pixels have a colour that stands for no class" in told
    assert "frame001.png has 30 x 32 pixels" in told
    assert {c.name for c in done.cases if c.split == "test"} == {"test03", "test04"}


def test_the_decathlon_is_split_by_patient_and_says_so(tmp_path: Path) -> None:
    source = miniatures.msd_pancreas(tmp_path)
    found = dataset("msd-pancreas").survey(source)
    counts = Counter(c.split for c in found.cases)
    assert (len(found.cases), found.missing) == (281, [])
    assert 0.12 < counts["test"] / 281 < 0.28
    miniatures.keep(source, [f"pancreas_{n:03d}" for n in range(1, 13)])
    with pytest.raises(ConfigError, match="269 of the 281 images"):
        prepare("msd-pancreas", source, tmp_path / "data")
    prepare("msd-pancreas", source, tmp_path / "data", Options(partial=True))
    assert {c.name: c.split for c in read_cases(tmp_path / "data")} == {
        c.name: c.split for c in found.cases[:12]
    }
    assert "a fifth of the patients" in (tmp_path / "data/ABOUT.md").read_text()


def test_amos_tells_ct_from_mr_by_number(tmp_path: Path) -> None:
    source = miniatures.amos22(tmp_path)
    found = dataset("amos22").survey(source.parent)
    assert found.missing == []
    assert Counter((c.split, c.modality) for c in found.cases) == {
        ("train", "CT"): 200,
        ("train", "MR"): 40,
        ("test", "CT"): 100,
        ("test", "MR"): 20,
    }
    miniatures.keep(source, ["amos_0001", "amos_0507", "amos_0201", "amos_0547", "amos_0548"])
    prepare("amos22", source.parent, tmp_path / "data", Options(partial=True))
    assert splits(tmp_path / "data") == {"train": 2, "test": 3}
    mr = read_cases(tmp_path / "data" / "mr.csv")
    assert {(c.name, c.modality) for c in mr} == {
        ("amos0507", "MR"),
        ("amos0547", "MR"),
        ("amos0548", "MR"),
    }


def test_a_full_disk_leaves_the_case_unfinished(
    btcv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfileobj", full)
        with pytest.raises(WriteError, match="disk is full"):
            prepare("btcv", btcv, tmp_path / "data")
    assert not (tmp_path / "data/index.csv").exists()
    assert prepare("btcv", btcv, tmp_path / "data").kept == 0


def test_every_data_set_says_where_it_comes_from_and_how_it_is_split() -> None:
    for known in DATASETS:
        assert known.offered.startswith("http")
        assert all((known.licence, known.citation, known.size, known.split, known.expects))
