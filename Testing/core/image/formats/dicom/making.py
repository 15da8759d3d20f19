"""DICOM files made with pydicom, tag by tag."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

CT = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
SERIES = "1.2.3.4"
COUNT = 8
ARRAY = np.random.default_rng(1).integers(-900, 900, (COUNT, 12, 10)).astype(np.int16)
AXIAL = (1, 0, 0, 0, 1, 0)


def image(pixels: np.ndarray, **tags: Any) -> FileDataset:
    """One classic image, or a file of many frames; a tag that is None is left out."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CT
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    values: dict[str, Any] = {
        "SOPClassUID": CT,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "SeriesInstanceUID": SERIES,
        "Modality": "CT",
        "InstanceNumber": 1,
        "ImagePositionPatient": [0.0, 0.0, 0.0],
        "ImageOrientationPatient": list(AXIAL),
        "PixelSpacing": [1.5, 0.75],
        "SliceThickness": 3.0,
        "Rows": pixels.shape[-2],
        "Columns": pixels.shape[-1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
        "RescaleSlope": 1,
        "RescaleIntercept": 0,
        "PixelData": np.ascontiguousarray(pixels).tobytes(),
    }
    if pixels.ndim == 3:
        values["NumberOfFrames"] = len(pixels)
    for name, value in (values | tags).items():
        if value is not None:
            setattr(made, name, value)
    return made


def save(dataset: FileDataset, path: Path) -> Path:
    """Write a file, its folder too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(str(path))
    return path


def series(folder: Path, array: np.ndarray = ARRAY, **tags: Any) -> Path:
    """Write a series in shuffled file order, 3 mm apart; a tag may be a function of the number."""
    for k, pixels in enumerate(array):
        own = {n: v(k) if isinstance(v, Callable) else v for n, v in tags.items()}  # type: ignore[arg-type]
        values = {"ImagePositionPatient": [0.0, 0.0, 3.0 * k], "InstanceNumber": k + 1, **own}
        save(image(pixels, **values), folder / f"{(k * 5) % 8}{k}.dcm")
    return folder


def enhanced(path: Path, order: list[int], array: np.ndarray = ARRAY, **tags: Any) -> Path:
    """Write an enhanced file whose frames lie in an order of their own."""
    made = image(
        array[order],
        SOPClassUID=ENHANCED_CT,
        ImagePositionPatient=None,
        ImageOrientationPatient=None,
        PixelSpacing=None,
        RescaleSlope=None,
        RescaleIntercept=None,
    )
    made.file_meta.MediaStorageSOPClassUID = ENHANCED_CT
    shared, measures, plane = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [1.5, 0.75], 3.0
    plane.ImageOrientationPatient = list(AXIAL)
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [plane]
    frames = []
    for k in order:
        frame, position, scale = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = [0.0, 0.0, 3.0 * k]
        slope = tags.get("slope", 1)
        scale.RescaleSlope = slope(k) if callable(slope) else slope
        scale.RescaleIntercept = 0
        frame.PlanePositionSequence = [position]
        frame.PixelValueTransformationSequence = [scale]
        frames.append(frame)
    made.SharedFunctionalGroupsSequence = [shared]
    made.PerFrameFunctionalGroupsSequence = frames
    return save(made, path)
