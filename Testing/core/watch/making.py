"""Series with measurements of a reader, tag by tag, and a segmenter that needs no model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from masam_core.evaluation.peers.ellipsoid import Ellipsoid
from masam_core.inference.options import SegmentOptions
from masam_core.lesion.lesion import Lesion
from masam_core.model.abilities import Abilities
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.record import PromptRecord

from ..image.formats.dicom.making import CT
from ..pacs.conftest import PATIENT, write_study

SR = "1.2.840.10008.5.1.4.1.1.88.33"  # Comprehensive SR
GSPS = "1.2.840.10008.5.1.4.1.1.11.1"
# The patient of PATIENT, and what else could tell who it is.
SECRETS = ("Mustermann", "Erika", "P-4711", "19700101")
LINE = (3.0, 4.0, 7.0, 8.0)  # column, row, column, row


def headers(folder: Path) -> list[Dataset]:
    """Tags of a series, in the order of its slices."""
    found = [pydicom.dcmread(path) for path in folder.iterdir()]
    return sorted(found, key=lambda one: float(one.ImagePositionPatient[2]))


def _made(kind: str, modality: str, source: Dataset, instance: str | None) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = kind
    meta.MediaStorageSOPInstanceUID = instance or generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    made.SOPClassUID, made.SOPInstanceUID = kind, meta.MediaStorageSOPInstanceUID
    made.SeriesInstanceUID, made.Modality = generate_uid(), modality
    made.StudyInstanceUID, made.StudyDate = source.StudyInstanceUID, source.StudyDate
    made.StudyDescription = source.get("StudyDescription", "")
    made.Manufacturer, made.SeriesNumber, made.InstanceNumber = "Some PACS", 90, 1
    for name, value in PATIENT.items():
        setattr(made, name, value)
    return made


def _reference(source: Dataset) -> Dataset:
    one = Dataset()
    one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID = CT, source.SOPInstanceUID
    return one


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    one = Dataset()
    one.CodeValue, one.CodingSchemeDesignator, one.CodeMeaning = value, scheme, meaning
    return one


def _item(kind: str, relation: str, code: tuple[str, str, str] | None, **tags: Any) -> Dataset:
    one = Dataset()
    one.RelationshipType, one.ValueType = relation, kind
    if code is not None:
        one.ConceptNameCodeSequence = [_code(*code)]
    for name, value in tags.items():
        setattr(one, name, value)
    return one


def _container(code: tuple[str, str, str], children: list[Dataset]) -> Dataset:
    return _item(
        "CONTAINER", "CONTAINS", code, ContinuityOfContent="SEPARATE", ContentSequence=children
    )


def _evidence(source: Dataset, images: list[Dataset]) -> Dataset:
    study, series = Dataset(), Dataset()
    series.SeriesInstanceUID = source.SeriesInstanceUID
    series.ReferencedSOPSequence = [_reference(one) for one in images]
    study.StudyInstanceUID, study.ReferencedSeriesSequence = source.StudyInstanceUID, [series]
    return study


def report(
    images: list[Dataset],
    lines: list[tuple[int, tuple[float, ...]]] | None = None,
    instance: str | None = None,
) -> FileDataset:
    """A measurement report (TID 1500) with a diameter on each of some slices.

    Args:
        images: tags of the series.
        lines: number of a slice, and the ends of a line on it in its pixels.
        instance: unique id of the report.
    """
    chosen = [(len(images) // 2, LINE)] if lines is None else lines
    made = _made(SR, "SR", images[0], instance)
    made.ValueType, made.ContinuityOfContent = "CONTAINER", "SEPARATE"
    made.CompletionFlag, made.VerificationFlag = "COMPLETE", "UNVERIFIED"
    made.ContentDate, made.ContentTime = "20240105", "101500"
    made.ConceptNameCodeSequence = [_code("126000", "DCM", "Imaging Measurement Report")]
    template = Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", "1500"
    made.ContentTemplateSequence = [template]
    groups = []
    for number, (k, ends) in enumerate(chosen, 1):
        image = _item("IMAGE", "SELECTED FROM", None, ReferencedSOPSequence=[_reference(images[k])])
        drawn = _item(
            "SCOORD",
            "INFERRED FROM",
            ("121055", "DCM", "Path"),
            GraphicType="POLYLINE",
            GraphicData=list(ends),
            ContentSequence=[image],
        )
        value = Dataset()
        value.NumericValue = "8.5"
        value.MeasurementUnitsCodeSequence = [_code("mm", "UCUM", "millimeter")]
        length = _item(
            "NUM",
            "CONTAINS",
            ("103339001", "SCT", "Long Axis"),
            MeasuredValueSequence=[value],
            ContentSequence=[drawn],
        )
        name = _item(
            "TEXT",
            "HAS OBS CONTEXT",
            ("112039", "DCM", "Tracking Identifier"),
            TextValue=f"Target {number}",
        )
        uid = _item(
            "UIDREF",
            "HAS OBS CONTEXT",
            ("112040", "DCM", "Tracking Unique Identifier"),
            UID=generate_uid(),
        )
        groups.append(_container(("125007", "DCM", "Measurement Group"), [name, uid, length]))
    made.ContentSequence = [_container(("126010", "DCM", "Imaging Measurements"), groups)]
    made.CurrentRequestedProcedureEvidenceSequence = [_evidence(images[0], images)]
    return made


def state(images: list[Dataset], ends: tuple[float, ...] = LINE) -> FileDataset:
    """A presentation state (GSPS) with a line on the middle slice."""
    made = _made(GSPS, "PR", images[0], None)
    middle = images[len(images) // 2]
    series = Dataset()
    series.SeriesInstanceUID = middle.SeriesInstanceUID
    series.ReferencedImageSequence = [_reference(one) for one in images]
    made.ReferencedSeriesSequence = [series]
    drawn, annotation = Dataset(), Dataset()
    drawn.GraphicAnnotationUnits, drawn.GraphicDimensions = "PIXEL", 2
    drawn.NumberOfGraphicPoints, drawn.GraphicType = 2, "POLYLINE"
    # Presentation states count pixels from 1, at their upper left corner (PS3.3, C.10.5.1.2).
    drawn.GraphicData, drawn.GraphicFilled = [v + 1.0 for v in ends], "N"
    annotation.GraphicLayer, annotation.GraphicObjectSequence = "L1", [drawn]
    annotation.ReferencedImageSequence = [_reference(middle)]
    made.GraphicAnnotationSequence = [annotation]
    made.ContentLabel, made.PresentationCreationDate = "LINE", "20240105"
    return made


def save(dataset: FileDataset, path: Path) -> Path:
    """Write a file, its folder too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def write_case(folder: Path, number: int = 1, slices: int = 5) -> Path:
    """A series and a report on it; gives the report's file."""
    write_study(folder / "images", number, slices)
    return save(report(headers(folder / "images")), folder / "report.dcm")


class Quick(Ellipsoid):
    """Fills the ellipsoid of a box, or of the box around the points of another prompt."""

    config = SimpleNamespace(name="quick", backbone="none", threshold=0.5)
    device, precision = "cpu", "float32"
    abilities = Abilities(prompts=True, automatic=False, video=False, classes=())

    def segment(
        self,
        first: Any,
        options: SegmentOptions | None = None,
        progress: Any = None,
        cancelled: Any = None,
        corrections: Any = (),
        mask: Any = None,
    ) -> Lesion:
        """The ellipsoid; corrections mean nothing to it."""
        box = first
        if not isinstance(first, BoxPrompt):
            grid = self.volume.geometry
            points = np.rint(grid.ijk_from_lps(first.points_lps)).astype(int)
            low = np.maximum(points.min(axis=0) - 1, 0)
            high = np.minimum(points.max(axis=0) + 1, np.array(grid.size_ijk) - 1)
            ends = [int(v) for pair in zip(low, high, strict=True) for v in pair]
            box = BoxPrompt.from_voxels(*ends, name=first.name)
        made = super().segment(box, options, progress, cancelled)
        return replace(made, name=first.name, confidence=0.5, prompts=PromptRecord(first))

    def refine(self, *_: Any, **__: Any) -> Lesion:
        """Never asked for."""
        raise AssertionError("the night shift corrects nothing")

    def release_cache(self) -> None:
        """Nothing is kept."""
