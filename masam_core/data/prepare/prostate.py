"""Prostate T2 MR of six sites, as Liu et al. release them (MICCAI 2020, SAML).

A folder a site with ``Case00.nii.gz`` and ``Case00_segmentation.nii.gz`` (two sites write
``_Segmentation``). Some labels tell zones apart (1, 2): together they are the prostate.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from masam_core.data.prepare.dataset import Dataset, Found, Survey, listed, paired

# The letters of the papers, folder, cases, and MA-SAM's test cases (dataset_split.md of the
# authors' repository).
SITES: dict[str, tuple[str, int, tuple[int, ...]]] = {
    "A": ("RUNMC", 30, (3, 8, 12, 15, 18, 26)),
    "B": ("BMC", 30, (3, 8, 12, 15, 18, 26)),
    "C": ("I2CVB", 19, (3, 8, 13, 15)),
    "D": ("UCL", 13, (1, 32, 34)),
    "E": ("BIDMC", 12, (0, 4, 9)),
    "F": ("HK", 12, (38, 41, 46)),
}
OTHER_NAMES = {"HCRUDB": "C"}
NAME = re.compile(r"case(\d+)(_segmentation)?\.nii(\.gz)?$", re.IGNORECASE)


def survey(source: Path) -> Survey:
    """Find each site's folder, by the hospital's name or as ``siteA``, ``prostateA`` or ``A``."""
    found = Survey()
    folders = {_short(p.name): p for p in _folders(source)}
    for letter, (name, count, test) in SITES.items():
        others = [other for other, of in OTHER_NAMES.items() if of == letter]
        folder = next((folders[n] for n in (name, letter, *others) if n in folders), None)
        if folder is None:
            found.missing.append(f"the folder of site {letter} ({name})")
            continue
        images: dict[str, Path] = {}
        labels: dict[str, Path] = {}
        for path in listed(folder, "*"):
            match = NAME.match(path.name)
            if match:
                (labels if match[2] else images)[f"{int(match[1]):02d}"] = path
        pairs = paired(images, labels, found)
        if len(pairs) < count:
            found.missing.append(f"{count - len(pairs)} of the {count} cases of {folder.name}")
        for number in test:
            if f"{number:02d}" not in images:
                found.missing.append(f"{folder.name}/Case{number:02d}.nii.gz, a test case")
        for key, image, label in pairs:
            split = "test" if int(key) in test else "train"
            case = f"site{letter}_{key}"
            found.cases.append(Found(case, case, "MR", split, image, label, letter))
    return found


def _folders(source: Path) -> list[Path]:
    return [p for p in sorted(source.glob("*")) if p.is_dir()] if source.is_dir() else []


def _short(name: str) -> str:
    upper = name.upper()
    for word in ("SITE", "PROSTATE"):
        upper = upper.removeprefix(word).lstrip("_- ")
    return upper


def _single(letter: str) -> Callable[[Found], str | None]:
    return lambda case: case.split if case.site == letter else None


def _left_out(letter: str) -> Callable[[Found], str | None]:
    def split(case: Found) -> str | None:
        if case.site == letter:
            return "test"
        # Who trains elsewhere need not be held back from it.
        return "train" if case.split == "test" else case.split

    return split


DATASET = Dataset(
    name="prostate",
    title="Multi-site data set for prostate MRI segmentation (NCI-ISBI 2013, I2CVB, PROMISE12)",
    what="116 T2 MR of six sites A to F, prostate",
    offered="https://liuquande.github.io/SAML/",
    size="about 0.5 GB, unchecked",
    licence="Terms of NCI-ISBI 2013, I2CVB and PROMISE12.",
    said=(
        "On the pages of the three sources and of the release; unchecked. A copy says no more than "
        "'attribution' (https://huggingface.co/datasets/MedOtter/BIDMC)."
    ),
    citation=(
        "Liu Q, Dou Q, Heng PA. Shape-aware meta-learning for generalizing prostate MRI "
        "segmentation to unseen domains. MICCAI 2020. Bloch N et al., NCI-ISBI 2013 challenge, "
        "2015. Lemaitre G et al., Comput Biol Med 60, 2015 (I2CVB). Litjens G et al., Med Image "
        "Anal 18, 2014 (PROMISE12)."
    ),
    expects="folders RUNMC, BMC, I2CVB, UCL, BIDMC and HK with CaseNN.nii.gz and its segmentation",
    classes={1: "prostate"},
    survey=survey,
    split=(
        "As in MA-SAM: index.csv has every site's own test cases. site-X.csv is one site alone "
        "with those; without-X.csv trains on the five others and tests on all of site X."
    ),
    merged={2: 1},
    lists={
        **{f"site-{letter}.csv": _single(letter) for letter in SITES},
        **{f"without-{letter}.csv": _left_out(letter) for letter in SITES},
    },
)
