"""Results of a batch whose masks were changed afterwards."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.batch.cases import find_cases
from masam_core.batch.run import open_queue, run_batch
from masam_core.batch.spec import BatchSpec
from masam_core.collect.run import collect
from masam_core.data.reading import read_cases
from masam_core.image.volume import read_labels
from masam_core.spreadsheet import read_table
from Testing.core.batch.test_run import Quick


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Three images with two boxes each, for a batch."""
    images = tmp_path / "images"
    images.mkdir()
    for number in range(3):
        values = np.random.default_rng(number).integers(0, 500, (8, 20, 20)).astype(np.int16)
        labels = np.zeros_like(values)
        labels[2:5, 3:9, 4:10] = 1
        labels[4:7, 12:17, 11:16] = 2
        for name, array in ((f"{number}", values), (f"{number}_label", labels)):
            sitk.WriteImage(sitk.GetImageFromArray(array), str(images / f"{name}.nii.gz"))
    return images


def run(images: Path, out: Path, ending: str) -> None:
    spec = BatchSpec(images, out, format=ending)
    cases, _ = find_cases(images, None, out)
    queue = open_queue(cases, spec)
    assert run_batch(cases, queue, Quick(), spec, *3 * [lambda *_: None])  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", [".nii.gz", ".seg.nrrd"])
def test_only_the_lesion_that_was_changed_after_the_batch_is_taken(
    results: Path, tmp_path: Path, ending: str
) -> None:
    out = tmp_path / "out"
    run(results, out, ending)
    assert not collect([out], tmp_path / "data").counts
    path = out / f"1{ending}"
    if ending == ".nii.gz":
        mask = sitk.ReadImage(str(path))
        array = sitk.GetArrayFromImage(mask)
        array[3, 12:15, 11] = 2
        changed = sitk.GetImageFromArray(array)
        changed.CopyInformation(mask)
        sitk.WriteImage(changed, str(path))
        expected = array == 2
    else:
        header, _, packed = path.read_bytes().partition(b"\n\n")
        array = np.frombuffer(gzip.decompress(packed), np.uint8).reshape(8, 20, 20).copy()
        array[3, 12:15, 11] = 2
        path.write_bytes(header + b"\n\n" + gzip.compress(array.tobytes()))
        expected = array == 2
    found = collect([out], tmp_path / "data")
    assert found.counts == {"added": 1}
    assert len(found.left_out) == 5
    (case,) = read_cases(tmp_path / "data")
    assert np.array_equal(read_labels(case.label)[0] > 0, expected)
    (row,) = read_table(tmp_path / "data" / "index.csv")
    assert (row["corrected"], row["origin"], row["model"]) == ("touched up", "batch", "quick")
    assert (tmp_path / "data" / row["prompts"]).is_file()
    everything = collect([out], tmp_path / "data", everything=True)
    assert everything.counts == {"known": 1, "added": 5}
    assert everything.patients == 3


def test_cases_without_image_or_mask_are_named(results: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(results, out, ".nii.gz")
    (results / "0.nii.gz").unlink()
    (out / "1.nii.gz").unlink()
    found = collect([out], tmp_path / "data", everything=True)
    assert found.counts == {"added": 2}
    assert [each.why for each in found.left_out] == [
        "its image is not where it was any more",
        "its mask is not there any more",
    ]


def test_a_lesion_that_a_label_image_cut_is_no_work_of_a_hand(
    results: Path, tmp_path: Path
) -> None:
    out, data = tmp_path / "out", tmp_path / "data"
    run(results, out, ".nii.gz")
    for path in (out / ".masam").glob("*.json"):
        kept = json.loads(path.read_text("utf-8"))
        state = kept["state"]
        name = state["rows"][1]["lesion"]
        state["message"] = f"'{name}' shares 4 voxels with 'other'; a label image can hold one."
        state["rows"][1]["voxels"] += 4
        path.write_text(json.dumps(kept), "utf-8")
    found = collect([out], data)
    assert found.lesions == 0
    assert sum("overlaps another lesion" in each.why for each in found.left_out) == 3


def test_a_folder_that_cannot_be_looked_into_is_passed_over(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "all").mkdir()
    run(results, tmp_path / "all" / "out", ".seg.nrrd")
    (tmp_path / "all" / "closed").mkdir()
    listed = Path.iterdir

    def guarded(path: Path) -> Iterator[Path]:
        if path.name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", guarded)
    assert collect([tmp_path / "all"], tmp_path / "data", True).lesions == 6
