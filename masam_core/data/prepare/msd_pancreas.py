"""Medical Segmentation Decathlon, Task07: portal venous CT with pancreas (1) and tumour (2)."""

from __future__ import annotations

from pathlib import Path

from masam_core.data.prepare.dataset import Dataset, Found, Survey, listed, paired
from masam_core.data.splits import split_of

CASES = 281
TEST_SHARE = 0.2


def survey(source: Path) -> Survey:
    """Find ``imagesTr`` and ``labelsTr`` in the task's folder, or in one that holds it."""
    found = Survey()
    tries = (source, source / "Task07_Pancreas")
    folder = next((f for f in tries if (f / "imagesTr").is_dir()), None)
    if folder is None:
        found.missing.append("the folders imagesTr and labelsTr")
        return found
    images = {p.name.split(".")[0]: p for p in listed(folder / "imagesTr", "*.nii.gz")}
    labels = {p.name.split(".")[0]: p for p in listed(folder / "labelsTr", "*.nii.gz")}
    if len(images) < CASES:
        found.missing.append(f"{CASES - len(images)} of the {CASES} images")
    for key, image, label in paired(images, labels, found):
        split = "test" if split_of(key, TEST_SHARE) == "val" else "train"
        found.cases.append(Found(key, key, "CT", split, image, label))
    return found


DATASET = Dataset(
    name="msd-pancreas",
    title="Medical Segmentation Decathlon, Task07 Pancreas",
    what="281 portal venous CT, pancreas and tumour",
    offered="http://medicaldecathlon.com",
    size="about 11.5 GB",
    licence="CC BY-SA 4.0.",
    said="On http://medicaldecathlon.com (checked).",
    citation=(
        "Antonelli M, Reinke A, Bakas S, et al. The Medical Segmentation Decathlon. Nature "
        "Communications 13, 2022, 4128."
    ),
    expects="Task07_Pancreas with imagesTr and labelsTr",
    classes={1: "pancreas", 2: "pancreas tumour"},
    survey=survey,
    split=(
        "Without the authors' file: a fifth of the patients, chosen by a hash of their names, are "
        "the test cases. --splits takes the authors' file (preprocessing/split_pancreas.pkl in "
        "their repository), or a list with any other split."
    ),
)
