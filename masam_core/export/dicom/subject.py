"""Whose results they are: patient and study of the images, or what stands for them.

Without the patient's data every UID becomes one that is computed from it, so that results of one
study still belong together, and to its images where these were treated alike.
"""

from __future__ import annotations

import hashlib
import uuid
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from masam_core.errors import SegmentationError
from masam_core.image.formats.dicom.origin import SliceName, SourceImages, grid_of_images

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from masam_core.image.geometry import Geometry

# Of the patient and study modules; all that can't be stated is left empty, as type 2 allows.
EMPTY = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
COPIED = (
    *EMPTY,
    "IssuerOfPatientID",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "StudyDescription",
)
_METHOD = "MASAM: patient's data removed, UIDs replaced by hashes"


@dataclass(frozen=True, eq=False)
class Subject:
    """Patient, study and images of results.

    Attributes:
        patient: tags of patient and study that go into every file.
        study, series, frame_of_reference: UIDs of the images.
        modality: of the images.
        slices: along k, as results refer to them.
        header: what else the images say; not to be copied as a whole.
        anonymous: whether the patient's data are left out.
        grid: of the images as they were recorded.
        made_up: whether the images say no frame of reference, and one was computed.
    """

    patient: Dataset
    study: str
    series: str
    frame_of_reference: str
    modality: str
    slices: tuple[SliceName, ...]
    header: Dataset
    anonymous: bool
    grid: Geometry
    made_up: bool

    def identify(self, dataset: Dataset) -> None:
        """Give a file its patient and study."""
        for keyword in COPIED:
            if keyword in dataset:
                del dataset[keyword]
        dataset.SpecificCharacterSet = "ISO_IR 192"  # any script, as it was decoded
        dataset.update(self.patient)
        dataset.StudyInstanceUID = self.study

    @property
    def notes(self) -> list[str]:
        """Messages for the reader about what the images don't say."""
        if not self.made_up:
            return []
        return [
            "The DICOM images don't name their frame of reference, so one was made up: the result "
            "lies right on its own series, and can't be shown on others."
        ]

    def uid(self, uid: str) -> str:
        """A UID of the images' world as results have it."""
        return hashed_uid(uid) if self.anonymous else uid


def subject_of(geometry: Geometry, what: str) -> Subject:
    """Find out whose results lie on a grid.

    Args:
        geometry: of the image.
        what: the file that is to be written, for messages.

    Raises:
        SegmentationError: the image is not DICOM, or lacks what results have to refer to.
    """
    images = geometry.images
    if images is None:
        raise SegmentationError(
            f"{what} would belong to a patient and a study, and the image says neither: it is no "
            "DICOM series. Segment the DICOM series itself, or write .seg.nrrd or .nii.gz."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a patient's odd values are no news to a reader
        return _subject(images, grid_of_images(geometry), what)


def hashed_uid(*words: str) -> str:
    """A UID computed from words: the same for the same, and no way back (PS3.5, B.2)."""
    digest = hashlib.sha256("\0".join(words).encode("utf-8", "replace")).digest()
    return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"


def _subject(images: SourceImages, grid: Geometry, what: str) -> Subject:
    from pydicom.dataset import Dataset

    header = images.dataset
    series, study = (str(header.get(k) or "") for k in ("SeriesInstanceUID", "StudyInstanceUID"))
    lacking = [
        words
        for words, there in (
            ("the study (Study Instance UID)", study),
            ("the series (Series Instance UID)", series),
            ("its images (SOP Instance UID)", all(s.uid and s.kind for s in images.slices)),
        )
        if not there
    ]
    if lacking:
        raise SegmentationError(
            f"{what} can't refer to the DICOM images: they don't name {' and '.join(lacking)}. "
            "Export the series again, or write .seg.nrrd or .nii.gz."
        )
    place = str(header.get("FrameOfReferenceUID") or "")
    patient = Dataset()
    for keyword in EMPTY:
        setattr(patient, keyword, "")
    if images.anonymous:
        # Of the study, not of the patient's number, which could be found by trying all numbers.
        patient.PatientID = patient.PatientName = f"ANON{hashed_uid(study)[-10:]}"
        patient.PatientIdentityRemoved = "YES"
        patient.DeidentificationMethod = _METHOD
    else:
        for keyword in COPIED:
            if keyword in header:
                patient[keyword] = header[keyword]
    made_up = not place
    place = place or hashed_uid(series, "frame of reference")
    slices = images.slices
    if images.anonymous:
        study, series, place = map(hashed_uid, (study, series, place))
        slices = tuple(SliceName(hashed_uid(s.uid), s.kind, s.frame) for s in slices)
    return Subject(
        patient,
        study,
        series,
        place,
        str(header.get("Modality") or ""),
        slices,
        header,
        images.anonymous,
        grid,
        made_up,
    )
