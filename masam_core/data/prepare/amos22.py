"""AMOS 2022: abdominal CT and MR with 15 organs; numbers from 500 on are MR."""

from __future__ import annotations

import re
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
    "pancreas",
    "right adrenal gland",
    "left adrenal gland",
    "duodenum",
    "bladder",
    "prostate or uterus",
)
COUNTS = {("Tr", "CT"): 200, ("Tr", "MR"): 40, ("Va", "CT"): 100, ("Va", "MR"): 20}
FIRST_MR = 500  # readme.md of the release: "id numbers less than 500 belong to CT data"
NUMBER = re.compile(r"amos_(\d+)\.nii\.gz$")
SPLITS = {"Tr": "train", "Va": "test"}


def survey(source: Path) -> Survey:
    """Find ``imagesTr``, ``labelsTr``, ``imagesVa`` and ``labelsVa``."""
    found = Survey()
    tries = (source, source / "amos22", source / "amos")
    folder = next((f for f in tries if (f / "imagesTr").is_dir()), None)
    if folder is None:
        found.missing.append("the folders imagesTr, labelsTr, imagesVa and labelsVa")
        return found
    counts = dict.fromkeys(COUNTS, 0)
    for part, split in SPLITS.items():
        images, labels = (
            {m[1]: p for p in listed(folder / f"{kind}{part}", "*.nii.gz") if (m := _number(p))}
            for kind in ("images", "labels")
        )
        for key, image, label in paired(images, labels, found):
            modality = "CT" if int(key) < FIRST_MR else "MR"
            counts[part, modality] += 1
            name = f"amos{key}"
            found.cases.append(Found(name, name, modality, split, image, label))
    for (part, modality), wanted in COUNTS.items():
        lacking = wanted - counts[part, modality]
        if lacking > 0:
            found.missing.append(f"{lacking} of the {wanted} {modality} in images{part}")
    return found


def _number(path: Path) -> re.Match[str] | None:
    return NUMBER.match(path.name)


DATASET = Dataset(
    name="amos22",
    title="AMOS 2022, abdominal multi-organ benchmark",
    what="300 CT and 60 MR with labels, 15 organs",
    offered="https://zenodo.org/records/7262581 (by way of https://amos22.grand-challenge.org)",
    size="about 24 GB, unchecked",
    licence="CC BY 4.0 as the download says; CC BY-NC as the page of its paper says.",
    said=(
        "In the record on Zenodo (checked on copies that quote it, such as "
        "https://huggingface.co/datasets/YongchengYAO/AMOS22-Lite), and on "
        "https://openreview.net/forum?id=Vk4-HUnkEak (checked). Where it matters, ask the owner."
    ),
    citation=(
        "Ji Y, Bai H, Ge C, et al. AMOS: a large-scale abdominal multi-organ benchmark for "
        "versatile medical image segmentation. NeurIPS 2022, datasets and benchmarks."
    ),
    expects="amos22 with imagesTr, labelsTr, imagesVa and labelsVa",
    classes=dict(enumerate(ORGANS, 1)),
    survey=survey,
    split=(
        "The owner's: training cases train, validation cases are the test cases. Zero-shot on all "
        "of them: --split all. ct.csv and mr.csv list one modality each."
    ),
    lists={
        "ct.csv": lambda case: case.split if case.modality == "CT" else None,
        "mr.csv": lambda case: case.split if case.modality == "MR" else None,
    },
)
