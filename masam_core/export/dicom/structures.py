"""DICOM RTSTRUCT: one structure a lesion, outlined on each slice (PS3.3, A.19)."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import masam_core
from masam_core.export.dicom.lesions import MANUFACTURER, MODEL, Named, algorithm
from masam_core.export.dicom.outline import outlines
from masam_core.export.dicom.segmentation import instances, reference, without_dates
from masam_core.export.dicom.subject import Subject
from masam_core.lesion.terminology import Code, TumourType

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from masam_core.image.geometry import Geometry

SERIES_NUMBER = 302
_KIND = "1.2.840.10008.5.1.4.1.1.481.3"
_STUDY = "1.2.840.10008.3.1.2.3.1"  # Detached Study Management, as the module still wants it
DIGITS = 6  # of a mm


def structures(
    found: Sequence[Named], geometry: Geometry, subject: Subject, kind: TumourType
) -> Dataset:
    """The dataset, with its file meta information.

    Args:
        found: the lesions, numbered.
        geometry: grid of the whole image.
        subject: whose they are.
        kind: what the lesions are.
    """
    from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
    from pydicom.uid import UID, ImplicitVRLittleEndian, generate_uid

    now = datetime.datetime.now()
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(_KIND)
    meta.MediaStorageSOPInstanceUID = generate_uid(prefix=None)
    # Explicit lengths have 16 bits: the outline of a large lesion is longer.
    meta.TransferSyntaxUID = ImplicitVRLittleEndian
    made = FileDataset("", Dataset(), file_meta=meta, preamble=bytes(128))
    made.SOPClassUID, made.SOPInstanceUID = UID(_KIND), meta.MediaStorageSOPInstanceUID
    subject.identify(made)
    made.Modality = "RTSTRUCT"
    made.SeriesInstanceUID = generate_uid(prefix=None)
    made.SeriesNumber, made.InstanceNumber = SERIES_NUMBER, 1
    made.SeriesDescription = "MASAM structures"
    made.OperatorsName = ""
    made.Manufacturer, made.ManufacturerModelName = MANUFACTURER, MODEL
    made.SoftwareVersions = masam_core.__version__
    made.FrameOfReferenceUID, made.PositionReferenceIndicator = subject.frame_of_reference, ""
    made.StructureSetLabel = "LESIONS"
    made.InstanceCreationDate = made.StructureSetDate = now.strftime("%Y%m%d")
    made.InstanceCreationTime = made.StructureSetTime = now.strftime("%H%M%S")
    made.ApprovalStatus = "UNAPPROVED"
    made.ReferencedFrameOfReferenceSequence = [_frame_of_reference(subject)]
    made.StructureSetROISequence = [_structure(one, subject) for one in found]
    made.ROIContourSequence = [_contours(one, geometry, subject) for one in found]
    made.RTROIObservationsSequence = [_observation(one, kind) for one in found]
    if subject.anonymous:
        without_dates(made)
    return made


def _frame_of_reference(subject: Subject) -> Dataset:
    from pydicom.dataset import Dataset

    frame, study, series = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = subject.series
    series.ContourImageSequence = instances(subject)
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = _STUDY, subject.study
    study.RTReferencedSeriesSequence = [series]
    frame.FrameOfReferenceUID = subject.frame_of_reference
    frame.RTReferencedStudySequence = [study]
    return frame


def _structure(one: Named, subject: Subject) -> Dataset:
    from pydicom.dataset import Dataset

    name, version, parameters = algorithm(one.lesion)
    item = Dataset()
    item.ROINumber = one.number
    item.ReferencedFrameOfReferenceUID = subject.frame_of_reference
    item.ROIName = one.label
    item.ROIGenerationAlgorithm = "AUTOMATIC" if one.lesion.prompts is None else "SEMIAUTOMATIC"
    made_by = " ".join([name, version, *parameters.values()])
    item.ROIGenerationDescription = made_by.encode("utf-8")[:64].decode("utf-8", "ignore")
    return item


def _contours(one: Named, geometry: Geometry, subject: Subject) -> Dataset:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ROIDisplayColor = [round(255 * channel) for channel in one.color]
    item.ReferencedROINumber = one.number
    item.ContourSequence = []
    first_k, first_j, first_i = one.lesion.offset_kji
    for step, plane in enumerate(one.lesion.mask):
        number = first_k + step
        for corners in outlines(plane):
            ijk = np.column_stack([corners, np.full(len(corners), number)])
            ijk[:, :2] += (first_i, first_j)
            contour = Dataset()
            contour.ContourImageSequence = [reference(subject.slices[number])]
            contour.ContourGeometricType = "CLOSED_PLANAR"
            contour.NumberOfContourPoints = len(corners)
            contour.ContourNumber = len(item.ContourSequence) + 1
            contour.ContourData = _decimals(geometry.lps_from_ijk(ijk))
            item.ContourSequence.append(contour)
    return item


def _decimals(points: NDArray[np.float64]) -> list[str]:
    """Coordinates as decimal strings of at most 16 letters, as VR DS has them."""
    return [f"{value:.{DIGITS}f}" for value in np.round(points, DIGITS).ravel() + 0.0]


def _observation(one: Named, kind: TumourType) -> Dataset:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ObservationNumber = item.ReferencedROINumber = one.number
    item.ROIObservationLabel = one.label.encode("utf-8")[:16].decode("utf-8", "ignore")
    item.RTROIIdentificationCodeSequence = [_code((one.lesion.term or kind).code)]
    item.RTROIInterpretedType = item.ROIInterpreter = ""
    return item


def _code(code: Code) -> Dataset:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = code.value, code.scheme
    item.CodeMeaning = code.meaning
    return item
