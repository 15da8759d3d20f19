"""A DICOM series of a made-up patient, lesions on it, and the validator of dicom3tools."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from masam_core.image.volume import Volume, read_volume
from masam_core.lesion.crops import tight_box
from masam_core.lesion.lesion import Lesion
from masam_core.prompts.boxes import BoxPrompt
from Testing.core.image.formats.dicom.making import series

PATIENT = {
    "SpecificCharacterSet": "ISO_IR 192",
    "PatientName": "Муромец^Илья",
    "PatientID": "MRN-4711",
    "PatientBirthDate": "19700102",
    "PatientSex": "M",
    "StudyInstanceUID": "1.2.3.99",
    "StudyID": "S1",
    "StudyDate": "20200102",
    "StudyTime": "101112",
    "AccessionNumber": "ACC-12",
    "ReferringPhysicianName": "House^Gregory",
    "StudyDescription": "Муромец follow-up",
    "FrameOfReferenceUID": "1.2.3.5",
    "SeriesNumber": 7,
}
SECRETS = ("Муромец", "Илья", "MRN-4711", "19700102", "ACC-12", "House", "1.2.3.99", "20200102")
TURN = np.radians(20)
# Along a row and along a column; slices run to the feet, so that the stack is reversed, too.
OBLIQUE = (np.cos(TURN), np.sin(TURN), 0, np.sin(TURN), -np.cos(TURN), 0)
NORMAL = np.cross(OBLIQUE[:3], OBLIQUE[3:])


def patient_series(folder: Path, array: np.ndarray | None = None, **tags: Any) -> Path:
    """Write an oblique series whose files count against the way its slices run."""
    given: dict[str, Any] = {} if array is None else {"array": array}
    count = 8 if array is None else len(array)
    plain: dict[str, Any] = {
        **PATIENT,
        "ImageOrientationPatient": list(OBLIQUE),
        "ImagePositionPatient": lambda k: [round(v, 6) for v in 3.0 * (count - k) * NORMAL + 10],
    }
    return series(folder, **given, **(plain | tags))


def lesion_of(mask: np.ndarray, volume: Volume, name: str = "Liver 1", **changes: Any) -> Lesion:
    """A lesion that fills a mask, and was asked for by its tight box."""
    box = BoxPrompt.from_voxels(*tight_box(mask), name=name)
    return Lesion.from_mask(mask, volume, box, name, model="tiny", **changes)


def two_masks(shape: tuple[int, int, int]) -> list[np.ndarray]:
    """A shape without symmetry, with a hole, and one that overlaps it."""
    first, second = np.zeros(shape, bool), np.zeros(shape, bool)
    first[2:6, 2:9, 1:7] = True
    first[3, 2:4, 1:4] = False
    first[4, 5, 4] = False
    second[5:8, 6:11, 5:9] = True
    second[6, 7, :7] = False
    return [first, second]


def read(folder: Path, **tags: Any) -> Volume:
    """Write a series, and read it."""
    return read_volume(patient_series(folder, **tags))


def faults(path: Path) -> list[str]:
    """What ``dciodvfy`` finds wrong with a DICOM file; skips the test where it is not installed."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (Debian's dicom3tools) is not installed")
    done = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True)
    lines = (done.stderr + done.stdout).splitlines()
    return [line for line in lines if line.startswith("Error") or "rror -" in line]
