"""DICOM objects of other programs, made with pydicom tag by tag."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

REPORT = "1.2.840.10008.5.1.4.1.1.88.33"
PRESENTATION = "1.2.840.10008.5.1.4.1.1.11.1"
STRUCTURES = "1.2.840.10008.5.1.4.1.1.481.3"
CT = "1.2.840.10008.5.1.4.1.1.2"


def _code(value: str, meaning: str, scheme: str = "DCM") -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def item(kind: str, name: tuple[str, ...] | None = None, **tags: Any) -> Dataset:
    """One content item of a report; ``children`` are those below it."""
    made = Dataset()
    made.RelationshipType = tags.pop("relation", "CONTAINS")
    made.ValueType = kind
    if name is not None:
        made.ConceptNameCodeSequence = [_code(*name)]
    children = tags.pop("children", ())
    for keyword, value in tags.items():
        setattr(made, keyword, value)
    if children:
        made.ContentSequence = list(children)
    return made


def image(uid: str, frame: int | None = None) -> Dataset:
    """A reference to an image, as coordinates are selected from."""
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = CT, uid
    if frame is not None:
        reference.ReferencedFrameNumber = frame
    return item("IMAGE", relation="SELECTED FROM", ReferencedSOPSequence=[reference])


def drawn(kind: str, data: Sequence[float], uid: str, frame: int | None = None) -> Dataset:
    """Coordinates on an image."""
    return item(
        "SCOORD",
        relation="INFERRED FROM",
        GraphicType=kind,
        GraphicData=list(data),
        children=[image(uid, frame)],
    )


def number(name: tuple[str, ...], value: float, *children: Dataset) -> Dataset:
    """A measured number in mm."""
    measured = Dataset()
    measured.NumericValue = f"{value:.4f}"
    measured.MeasurementUnitsCodeSequence = [_code("mm", "mm", "UCUM")]
    return item("NUM", name, MeasuredValueSequence=[measured], children=children)


def group(*children: Dataset, name: str = "", uid: str = "") -> Dataset:
    """A measurement group, tracked or not."""
    known = []
    if name:
        known.append(item("TEXT", ("112039", "Tracking Identifier"), TextValue=name))
    if uid:
        known.append(item("UIDREF", ("112040", "Tracking Unique Identifier"), UID=uid))
    return item("CONTAINER", ("125007", "Measurement Group"), children=[*known, *children])


def report(path: Path, *groups: Dataset) -> Path:
    """Write a measurement report."""
    measurements = item("CONTAINER", ("126010", "Imaging Measurements"), children=groups)
    made = new(REPORT, SpecificCharacterSet="ISO_IR 192", Modality="SR", ValueType="CONTAINER")
    made.ContentSequence = [measurements]
    made.save_as(path, enforce_file_format=True)
    return path


def new(kind: str, **tags: Any) -> FileDataset:
    """A DICOM object without an image."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = kind
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    made.SOPClassUID, made.SOPInstanceUID = kind, meta.MediaStorageSOPInstanceUID
    for keyword, value in tags.items():
        setattr(made, keyword, value)
    return made


def presentation(path: Path, *annotations: tuple[str, str, str, Sequence[float]]) -> Path:
    """Write a presentation state of (image, graphic type, units, coordinates)."""
    made = new(PRESENTATION, Modality="PR", GraphicAnnotationSequence=[])
    for uid, kind, units, data in annotations:
        reference, shape, annotation = Dataset(), Dataset(), Dataset()
        reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = CT, uid
        shape.GraphicAnnotationUnits, shape.GraphicDimensions = units, 2
        shape.NumberOfGraphicPoints = len(data) // 2
        shape.GraphicData, shape.GraphicType = list(data), kind
        annotation.ReferencedImageSequence = [reference]
        annotation.GraphicLayer = "LAYER"
        annotation.GraphicObjectSequence = [shape]
        made.GraphicAnnotationSequence.append(annotation)
    made.save_as(path, enforce_file_format=True)
    return path


def structures(path: Path, place: str, **rois: Sequence[tuple[str, Sequence[float]]]) -> Path:
    """Write a structure set of outlines (type, coordinates) by name of the structure."""
    made = new(STRUCTURES, Modality="RTSTRUCT", StructureSetROISequence=[], ROIContourSequence=[])
    for n, (name, outlines) in enumerate(rois.items(), 1):
        structure, contours = Dataset(), Dataset()
        structure.ROINumber, structure.ROIName = n, name
        structure.ReferencedFrameOfReferenceUID = place
        contours.ReferencedROINumber, contours.ContourSequence = n, []
        for kind, data in outlines:
            contour = Dataset()
            contour.ContourGeometricType = kind
            contour.NumberOfContourPoints = len(data) // 3
            contour.ContourData = [f"{v:.4f}" for v in data]
            contours.ContourSequence.append(contour)
        made.StructureSetROISequence.append(structure)
        made.ROIContourSequence.append(contours)
    made.save_as(path, enforce_file_format=True)
    return path
