"""Orthanc, and a small study of a made-up patient."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from masam_core.pacs.settings import PacsSettings, read_settings

from ..image.formats.dicom.making import series
from .orthanc import Orthanc

PATIENT = {
    "PatientID": "P-4711",
    "PatientName": "Mustermann^Erika",
    "PatientBirthDate": "19700101",
    "PatientSex": "F",
    "AccessionNumber": "A1",
    "StudyID": "1",
    "StudyTime": "101500",
}


def write_study(
    folder: Path, number: int = 1, slices: int = 5, modality: str = "CT", **more: Any
) -> tuple[str, str]:
    """A study of one series; its unique ids of study and series.

    Args:
        folder: of the files.
        number: tells studies apart, in their ids and dates (January 2024).
        slices: of the series.
        modality: CT, MR, ...
        more: further tags.
    """
    study, one = f"1.2.826.0.1.{number}", f"1.2.826.0.1.{number}.1"
    array = np.random.default_rng(number).integers(-900, 900, (slices, 12, 10)).astype(np.int16)
    tags: dict[str, Any] = {
        **PATIENT,
        "StudyInstanceUID": study,
        "StudyDate": f"202401{number:02d}",
        "StudyDescription": "Abdomen",
        "SeriesInstanceUID": one,
        "SeriesDescription": f"venous {number}",
        "SeriesNumber": 2,
        "Modality": modality,
        "FrameOfReferenceUID": f"1.2.826.0.1.{number}.9",
        **more,
    }
    series(folder, array, **tags)
    return study, one


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """Orthanc, started once."""
    made = Orthanc(tmp_path_factory.mktemp("orthanc"))
    made.start()
    yield made
    made.kill()


@pytest.fixture
def orthanc(running: Orthanc) -> Orthanc:
    """Orthanc without anything in it."""
    running.empty()
    return running


@pytest.fixture
def settings(orthanc: Orthanc, tmp_path: Path) -> PacsSettings:
    """Settings of Orthanc."""
    return read_settings(orthanc.write_settings(tmp_path / "pacs.json"))
