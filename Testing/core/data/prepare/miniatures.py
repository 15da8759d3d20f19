"""Miniatures of the public data sets, in their owners' own file layout.

Names, label values, colour codes and NIfTI headers are those of the releases; voxels are few and
noise around a few bright balls.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from PIL import Image

# As nibabel writes RAS+ volumes: first axis to the patient's left, second to the front.
RAS_DIRECTION = (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0)
SHAPE = (6, 16, 16)

# labels.json of EndoVis 2018, written down here once more on purpose.
ENDOVIS_LABELS = [
    {"name": "background-tissue", "color": [0, 0, 0], "classid": 0},
    {"name": "instrument-shaft", "color": [0, 255, 0], "classid": 1},
    {"name": "instrument-clasper", "color": [0, 255, 255], "classid": 2},
    {"name": "instrument-wrist", "color": [125, 255, 12], "classid": 3},
    {"name": "kidney-parenchyma", "color": [255, 55, 0], "classid": 4},
    {"name": "covered-kidney", "color": [24, 55, 125], "classid": 5},
    {"name": "thread", "color": [187, 155, 25], "classid": 6},
    {"name": "clamps", "color": [0, 255, 125], "classid": 7},
    {"name": "suturing-needle", "color": [255, 255, 125], "classid": 8},
    {"name": "suction-instrument", "color": [123, 15, 175], "classid": 9},
    {"name": "small-intestine", "color": [124, 155, 5], "classid": 10},
    {"name": "ultrasound-probe", "color": [12, 255, 141], "classid": 11},
]


def keep(folder: Path, names: Sequence[str]) -> None:
    """Remove every file below a folder that is none of these cases'."""
    for path in sorted(folder.rglob("*.nii.gz")):
        if path.name.split(".")[0] not in names:
            path.unlink()


def linked(first: Path, path: Path) -> None:
    """The same file under another name: hundreds of volumes at the price of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.link(first, path)


def write_volume(
    path: Path,
    array: NDArray[np.generic],
    spacing: Sequence[float] = (0.8, 0.8, 3.0),
    origin: Sequence[float] = (120.0, 110.0, -50.0),
) -> None:
    """A NIfTI file of an array KJI, in RAS+ order as the releases have it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    image.SetDirection(RAS_DIRECTION)
    sitk.WriteImage(image, str(path))


def pair(
    values: Iterable[int], seed: int, shape: tuple[int, int, int] = SHAPE, ct: bool = True
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Image and label KJI: each value a block of its own brightness, on three slices or more."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, dtype=np.uint8)
    values = list(values)
    side = int(np.ceil(np.sqrt(len(values))))
    step = shape[1] // side
    for number, value in enumerate(values):
        row, column = divmod(number, side)
        labels[1:5, row * step : (row + 1) * step - 1, column * step : (column + 1) * step - 1] = (
            value
        )
    base = -50.0 if ct else 300.0
    image = base + 12.0 * labels + rng.normal(0, 4, shape)
    if ct:
        image[:, 0, 0] = -1024
    return image.astype(np.int16), labels


def btcv(root: Path, numbers: Iterable[int] = (*range(1, 11), *range(21, 41))) -> Path:
    """``RawData/Training``; float label values as nibabel stores them."""
    folder = root / "RawData" / "Training"
    for number in numbers:
        image, labels = pair(range(1, 14), number)
        write_volume(folder / "img" / f"img{number:04d}.nii.gz", image)
        write_volume(folder / "label" / f"label{number:04d}.nii.gz", labels.astype(np.float64))
    return root / "RawData"


PROSTATE = {
    "RUNMC": ("_Segmentation", range(30)),
    "BMC": ("_Segmentation", range(30)),
    "I2CVB": ("_segmentation", range(19)),
    "UCL": ("_segmentation", (1, *range(26, 38))),
    "BIDMC": ("_segmentation", (0, *range(2, 13))),  # the release has no Case01
    "HK": ("_segmentation", range(38, 50)),
}


def prostate(root: Path, only: Sequence[str] = tuple(PROSTATE)) -> Path:
    """A folder a site; zones 1 and 2 in the first two."""
    for site in only:
        ending, numbers = PROSTATE[site]
        zones = (1, 2) if site in ("RUNMC", "BMC") else (1,)
        for number in numbers:
            image, labels = pair(zones, number, ct=False)
            folder = root / site
            write_volume(folder / f"Case{number:02d}.nii.gz", image, (0.6, 0.6, 3.6))
            write_volume(
                folder / f"Case{number:02d}{ending}.nii.gz",
                labels.astype(np.float32),
                (0.6, 0.6, 3.6),
            )
    return root


def endovis18(root: Path, frames: int = 6, size: tuple[int, int] = (40, 32)) -> Path:
    """Four releases with 15 sequences, and the test set with four."""
    releases = {
        "Train/miccai_challenge_2018_release_1": (1, 2, 3, 4),
        "Train/miccai_challenge_release_2": (5, 6, 7, 9),
        "Train/miccai_challenge_release_3": (10, 11, 12),
        "Train/miccai_challenge_release_4": (13, 14, 15, 16),
        "Test": (1, 2, 3, 4),
    }
    for release, numbers in releases.items():
        for number in numbers:
            _sequence(root / release / f"seq_{number}", frames, size, number)
        if release != "Test":
            (root / release / "labels.json").write_text(json.dumps(ENDOVIS_LABELS))
    return root


def _sequence(folder: Path, frames: int, size: tuple[int, int], seed: int) -> None:
    """Frames in which an instrument moves over a kidney; right frames and calibration beside."""
    rng = np.random.default_rng(seed)
    for part in ("left_frames", "right_frames", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "camera_calibration.txt").write_text("Camera-0-F: 1.0 1.0\n")
    columns, rows = size
    for number in range(frames):
        classes = np.zeros((rows, columns), dtype=np.int64)
        classes[rows // 2 :, : columns // 2] = 4
        classes[: rows // 2, columns // 2 :] = 10
        classes[4:12, 2 + number : 14 + number] = 1
        colours = np.array([entry["color"] for entry in ENDOVIS_LABELS], dtype=np.uint8)[classes]
        frame = np.clip(0.5 * colours + 60 + rng.normal(0, 6, colours.shape), 0, 255)
        name = f"frame{number:03d}.png"
        Image.fromarray(frame.astype(np.uint8)).save(folder / "left_frames" / name)
        Image.fromarray(frame.astype(np.uint8)).save(folder / "right_frames" / name)
        alpha = np.full((rows, columns, 1), 255, dtype=np.uint8)
        Image.fromarray(np.concatenate([colours, alpha], axis=-1)).save(folder / "labels" / name)


def msd_pancreas(root: Path, count: int = 281) -> Path:
    """``Task07_Pancreas`` with dataset.json and macOS's companions."""
    folder = root / "Task07_Pancreas"
    names = [f"pancreas_{number:03d}" for number in range(1, count + 1)]
    image, labels = pair((1, 2), 7)
    write_volume(root / "image.nii.gz", image)
    write_volume(root / "label.nii.gz", labels)
    for name in names:
        linked(root / "image.nii.gz", folder / "imagesTr" / f"{name}.nii.gz")
        linked(root / "label.nii.gz", folder / "labelsTr" / f"{name}.nii.gz")
        (folder / "imagesTr" / f"._{name}.nii.gz").write_bytes(b"\0\5\x16\7")
    listed = {
        "name": "Pancreas",
        "licence": "CC-BY-SA 4.0",
        "modality": {"0": "CT"},
        "labels": {"0": "background", "1": "pancreas", "2": "cancer"},
        "numTraining": count,
        "training": [
            {"image": f"./imagesTr/{n}.nii.gz", "label": f"./labelsTr/{n}.nii.gz"} for n in names
        ],
        "test": [],
    }
    (folder / "dataset.json").write_text(json.dumps(listed))
    return folder


def amos22(root: Path) -> Path:
    """``amos22``: 200 CT and 40 MR to train, 100 CT and 20 MR to validate."""
    folder = root / "amos22"
    for modality in ("ct", "mr"):
        image, labels = pair(range(1, 16), 5, ct=modality == "ct")
        write_volume(root / f"{modality}_image.nii.gz", image)
        write_volume(root / f"{modality}_label.nii.gz", labels)
    ct, mr = iter(range(1, 500)), iter(range(507, 600))
    for part, counts in {"Tr": (200, 40), "Va": (100, 20)}.items():
        for modality, numbers, count in (("ct", ct, counts[0]), ("mr", mr, counts[1])):
            for _ in range(count):
                name = f"amos_{next(numbers):04d}.nii.gz"
                linked(root / f"{modality}_image.nii.gz", folder / f"images{part}" / name)
                linked(root / f"{modality}_label.nii.gz", folder / f"labels{part}" / name)
    return folder


def organs(root: Path) -> Path:
    """What `examples/organs_data.py` reads: CT and MR with the aorta under numbers of their own."""
    liver, aorta, zone = (slice(2, 6), slice(2, 9), slice(2, 9)), (slice(2, 6), 12, 12), 5
    for name, shape, values in (
        ("totalseg_ct", (8, 16, 16), {5: liver, 52: aorta, 75: (7, 0, 0)}),
        ("totalseg_mr", (8, 20, 16), {5: liver, 23: aorta}),
        ("totalseg_aorta_ct", (8, 16, 16), {1: aorta, 2: (0, 0, 0)}),
        ("prostate_us_biopsy0001_t2", (8, 16, 16), {1: liver}),
        ("pcampmri00001_adc_zones", (8, 16, 16), {1: liver, 2: (zone, zone, 10)}),
    ):
        labels = np.zeros(shape, dtype=np.uint8)
        for value, where in values.items():
            labels[where] = value
        for file, array in (("image", labels.astype(np.int16) * 10), ("label", labels)):
            image = sitk.GetImageFromArray(array)
            image.SetSpacing((3.0, 3.0, 3.0))
            (root / name).mkdir(parents=True, exist_ok=True)
            path = root / name / f"{file}.nii.gz"
            sitk.WriteImage(sitk.DICOMOrient(image, "RAS"), str(path))
    return root
