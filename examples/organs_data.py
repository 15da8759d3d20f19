"""Make data sets of a few public volumes with organs, to try automatic segmentation on.

    python examples/organs_data.py SOURCE OUT

SOURCE holds a folder a case with image.nii.gz and label.nii.gz: totalseg_ct, totalseg_mr and
totalseg_aorta_ct (TotalSegmentator's test files, whose masks are a model's), and two prostates,
prostate_us_biopsy0001_t2 and pcampmri00001_adc_zones (TCIA). OUT/organs and OUT/prostate are then
data sets for `masam train` and `masam evaluate`: every list trains on some patients and tests on
others. OUT/NAME/same-place/LIST holds the least that a model must beat: the training patients'
masks, put at the same place of the held-out image.
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from masam_core.atomic import write_text

Values = Mapping[str, tuple[int, ...]]

# TotalSegmentator numbers CT and MR differently (its class maps "total" and "total_mr").
CT: Values = {
    "spleen": (1,),
    "right kidney": (2,),
    "left kidney": (3,),
    "gallbladder": (4,),
    "liver": (5,),
    "stomach": (6,),
    "pancreas": (7,),
    "right adrenal gland": (8,),
    "left adrenal gland": (9,),
    "aorta": (52,),
    "inferior vena cava": (63,),
    "portal and splenic vein": (64,),
    "vertebrae": tuple(range(26, 51)),
    "spinal cord": (79,),
}
MR: Values = {
    **{name: CT[name] for name in list(CT)[:9]},
    "aorta": (23,),
    "inferior vena cava": (24,),
    "portal and splenic vein": (25,),
    "vertebrae": (19,),
    "spinal cord": (21,),
}
# Of each data set: its cases with modality and label values, and its lists with who is trained on.
Cases = Mapping[str, tuple[str, Values]]
SETS: Mapping[str, tuple[Cases, Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]]] = {
    "organs": (
        {
            "totalseg_ct": ("CT", CT),
            "totalseg_mr": ("MR", MR),
            "totalseg_aorta_ct": ("CT", {"aorta": (1,)}),
        },
        {
            "ct-to-mr": (("totalseg_ct",), ("totalseg_mr",)),
            "mr-to-ct": (("totalseg_mr",), ("totalseg_ct",)),
            "both-to-aorta": (("totalseg_ct", "totalseg_mr"), ("totalseg_aorta_ct",)),
        },
    ),
    "prostate": (
        {
            "prostate_us_biopsy0001_t2": ("MR", {"prostate": (1,)}),
            "pcampmri00001_adc_zones": ("MR", {"prostate": (1, 2)}),
        },
        {
            "t2-to-adc": (("prostate_us_biopsy0001_t2",), ("pcampmri00001_adc_zones",)),
            "adc-to-t2": (("pcampmri00001_adc_zones",), ("prostate_us_biopsy0001_t2",)),
        },
    ),
}


def main(source: Path, out: Path) -> None:
    """Write both data sets, and say what they are."""
    for name, (cases, lists) in SETS.items():
        folder = out / name
        classes = list(next(iter(cases.values()))[1])
        for case, (_, values) in cases.items():
            write_case(source / case, folder / case, classes, values)
        labels = [{"value": n, "name": c} for n, c in enumerate(classes, start=1)]
        write_text(folder / "labels.json", json.dumps(labels, indent=1) + "\n")
        for title, (train, test) in lists.items():
            write_list(folder / f"{title}.csv", cases, train, test)
            place = folder / "same-place" / title
            place.mkdir(parents=True, exist_ok=True)
            for case in test:
                sitk.WriteImage(same_place(folder, train, case), place / f"{case}.nii.gz", True)
        print(f"{folder}: {len(classes)} classes, {len(cases)} patients, lists {', '.join(lists)}")


def write_case(source: Path, folder: Path, classes: list[str], values: Values) -> None:
    """Copy the image; write the labels with the numbers of ``classes``, from 1."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / "image.nii.gz", folder / "image.nii.gz")
    label = sitk.ReadImage(source / "label.nii.gz")
    array = sitk.GetArrayViewFromImage(label)
    numbered = np.zeros(array.shape, dtype=np.uint8)
    for number, name in enumerate(classes, start=1):
        numbered[np.isin(array, values.get(name, ()))] = number
    written = sitk.GetImageFromArray(numbered)
    written.CopyInformation(label)
    sitk.WriteImage(written, folder / "label.nii.gz", True)


def write_list(path: Path, cases: Cases, train: tuple[str, ...], test: tuple[str, ...]) -> None:
    """A case list: every case is a patient of its own."""
    splits = {**dict.fromkeys(train, "train"), **dict.fromkeys(test, "test")}
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("case", "patient", "split", "modality"))
        rows.writerows((case, case, split, cases[case][0]) for case, split in splits.items())


def same_place(folder: Path, train: tuple[str, ...], case: str) -> sitk.Image:
    """The first training patient's labels, its image's middle laid on the held-out one's."""
    target = sitk.ReadImage(folder / case / "image.nii.gz")
    label = sitk.ReadImage(folder / train[0] / "label.nii.gz")
    shift = np.subtract(middle(label), middle(target))
    move = sitk.TranslationTransform(3, shift.tolist())
    return sitk.Resample(label, target, move, sitk.sitkNearestNeighbor, 0, sitk.sitkUInt8)


def middle(image: sitk.Image) -> tuple[float, ...]:
    """The middle of an image, LPS in mm."""
    point: tuple[float, ...] = image.TransformContinuousIndexToPhysicalPoint(
        [(n - 1) / 2 for n in image.GetSize()]
    )
    return point


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
