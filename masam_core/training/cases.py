"""Training and validation cases: image and label pairs listed in an index file."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import ConfigError
from masam_core.evaluation.metrics import tight_box
from masam_core.geometry import CanonicalFrame
from masam_core.intensity import IntensityConfig, normalise
from masam_core.volume import read_labels, read_volume

REQUIRED = ("case", "patient", "split")


@dataclass(frozen=True)
class Case:
    """One image with one lesion mask. ``modality`` is CT, MR or empty (unknown)."""

    name: str
    patient: str
    modality: str
    split: str
    image: Path
    label: Path


@dataclass(frozen=True, eq=False)
class PreparedCase:
    """A case in the canonical frame, ready for sampling.

    ``slices`` (S, R, C) float16 in [0, 1]; ``mask`` (S, R, C) bool; ``box`` the tight box as
    x0, y0, z0, x1, y1, z1 voxel indices, both ends included.
    """

    case: Case
    slices: NDArray[np.float16]
    mask: NDArray[np.bool_]
    frame: CanonicalFrame
    box: tuple[int, int, int, int, int, int]


def read_index(path: Path) -> list[Case]:
    """Cases of an ``index.csv`` with the columns case, patient, split and, if known, modality.

    Image and label are ``<case>/image.nii.gz`` and ``<case>/label.nii.gz`` beside the index,
    unless the columns ``image`` and ``label`` name other files.

    Raises:
        ConfigError: no index, a missing column or file, or a patient in more than one split.
    """
    path = Path(path)
    index = path / "index.csv" if path.is_dir() else path
    if not index.is_file():
        raise ConfigError(f"There is no case list at {index}; expected a CSV file.")
    with index.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    missing = [c for c in REQUIRED if not rows or c not in rows[0]]
    if missing:
        raise ConfigError(f"{index} lacks the column(s) {', '.join(missing)}, or has no rows.")
    cases = []
    for row in rows:
        folder = index.parent / row["case"]
        image = index.parent / row["image"] if row.get("image") else folder / "image.nii.gz"
        label = index.parent / row["label"] if row.get("label") else folder / "label.nii.gz"
        for file_path in (image, label):
            if not file_path.exists():
                raise ConfigError(f"{index} lists {row['case']}, but {file_path} is missing.")
        cases.append(
            Case(row["case"], row["patient"], row.get("modality", ""), row["split"], image, label)
        )
    _require_split_by_patient(cases, index)
    return cases


def prepare_case(case: Case, intensity: IntensityConfig) -> PreparedCase:
    """Read a case into its canonical frame.

    Raises:
        ConfigError: image and label are on different grids, or the label is empty.
    """
    volume = read_volume(case.image)
    labels, geometry = read_labels(case.label)
    if not volume.geometry.same_grid(geometry):
        raise ConfigError(f"{case.name}: image and label are not on the same grid.")
    frame = volume.geometry.canonical_frame()
    mask = np.ascontiguousarray(frame.to_canonical(labels > 0))
    if not mask.any():
        raise ConfigError(f"{case.name}: the label image holds no lesion.")
    values = normalise(volume.array, case.modality or volume.modality, intensity)
    slices = np.ascontiguousarray(frame.to_canonical(values)).astype(np.float16)
    return PreparedCase(case, slices, mask, frame, corners_of(mask))


def corners_of(mask: NDArray[np.bool_]) -> tuple[int, int, int, int, int, int]:
    """Tight box x0, y0, z0, x1, y1, z1 (both ends included) of a mask (slice, row, column)."""
    x0, x1, y0, y1, z0, z1 = tight_box(mask)
    return x0, y0, z0, x1, y1, z1


def _require_split_by_patient(cases: list[Case], index: Path) -> None:
    splits: dict[str, str] = {}
    for case in cases:
        other = splits.setdefault(case.patient, case.split)
        if other != case.split:
            raise ConfigError(
                f"{index}: patient {case.patient} is in both {other} and {case.split}. Split by "
                "patient, or validation says nothing."
            )
