"""BTCV: 30 abdominal CT with 13 organs ("Beyond the Cranial Vault", MICCAI 2015).

``RawData/Training/img/img0001.nii.gz`` and ``RawData/Training/label/label0001.nii.gz``; the numbers
are 1 to 10 and 21 to 40.
"""

from __future__ import annotations

from pathlib import Path

from masam_core.data.prepare.dataset import Dataset, Found, Survey, listed, paired

ORGANS = (
    "spleen",
    "right kidney",
    "left kidney",
    "gallbladder",
    "oesophagus",
    "liver",
    "stomach",
    "aorta",
    "inferior vena cava",
    "portal and splenic vein",
    "pancreas",
    "right adrenal gland",
    "left adrenal gland",
)
NUMBERS = (*range(1, 11), *range(21, 41))
TEST = range(35, 41)  # dataset_split.md of the authors' repository


def survey(source: Path) -> Survey:
    """Find the 30 cases in ``RawData``, ``RawData/Training``, or the folder above."""
    found = Survey()
    tries = (source, source / "Training", source / "RawData" / "Training")
    folder = next((f for f in tries if (f / "img").is_dir() and (f / "label").is_dir()), None)
    if folder is None:
        found.missing.append("the folders img and label")
        return found
    images = {p.name[3:7]: p for p in listed(folder / "img", "img[0-9]*.nii.gz")}
    labels = {p.name[5:9]: p for p in listed(folder / "label", "label[0-9]*.nii.gz")}
    for number in NUMBERS:
        if f"{number:04d}" not in images:
            found.missing.append(f"img{number:04d}.nii.gz")
    for key, image, label in paired(images, labels, found):
        split = "test" if int(key) in TEST else "train"
        found.cases.append(Found(f"btcv{key}", f"btcv{key}", "CT", split, image, label))
    return found


DATASET = Dataset(
    name="btcv",
    title="Multi-Atlas Labeling Beyond the Cranial Vault, abdomen",
    what="30 abdominal CT, 13 organs",
    offered="https://www.synapse.org/#!Synapse:syn3193805 (registration)",
    size="about 1.5 GB",
    licence="Terms of the challenge on Synapse, agreed to at registration.",
    said=(
        "On Synapse, after registration; unchecked. A copy names CC BY 4.0 "
        "(https://huggingface.co/datasets/Live12/btcv). The size is that of packed copies."
    ),
    citation=(
        "Landman B, Xu Z, Iglesias J, Styner M, Langerak T, Klein A. MICCAI multi-atlas labeling "
        "beyond the cranial vault: workshop and challenge, 2015. doi:10.7303/syn3193805"
    ),
    expects="RawData/Training with img/imgNNNN.nii.gz and label/labelNNNN.nii.gz",
    classes=dict(enumerate(ORGANS, 1)),
    survey=survey,
    split="As in MA-SAM: 0035 to 0040 are the test cases, the other 24 train.",
)
