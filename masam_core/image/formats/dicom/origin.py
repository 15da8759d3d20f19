"""Which DICOM images a volume's slices are, and whose: what results need to refer to them.

No voxels and no files: it goes through JSON, so that a process that reads for another one hands it
on, and so that results can be written after the files have moved.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from masam_core.errors import VolumeError
from masam_core.image.formats.dicom.tilt import Tilt

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from masam_core.image.formats.dicom.headers import Frame
    from masam_core.image.geometry import Geometry

# Patient, study, series and frame of reference of the images (DICOM PS3.3, C.7.1 to C.7.4), what
# an earlier de-identification says of itself, and what tells what the values are.
KEPT = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "SeriesDate",
    "AcquisitionDate",
    "ContentDate",
    "StudyID",
    "StudyDescription",
    "AccessionNumber",
    "ReferringPhysicianName",
    "SeriesInstanceUID",
    "SeriesNumber",
    "SeriesDescription",
    "Modality",
    "BodyPartExamined",
    "FrameOfReferenceUID",
    "PositionReferenceIndicator",
    "SliceThickness",
    "Units",
    "RescaleType",
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
)


@dataclass(frozen=True)
class SliceName:
    """The image that one slice of a volume is.

    Attributes:
        uid: SOPInstanceUID of the file.
        kind: its SOPClassUID.
        frame: number of the frame in it, from 1; 0 where the file holds a single image.
    """

    uid: str
    kind: str
    frame: int = 0


@dataclass(frozen=True, eq=False)
class SourceImages:
    """The DICOM images of a volume.

    Attributes:
        slices: along k.
        header: what the images say of patient and study, as DICOM JSON; never shown.
        anonymous: whether results are to be written without the patient's data.
        tilt: how the images lie where the volume was made straight; None where its slices are the
            images as they were recorded.
    """

    slices: tuple[SliceName, ...]
    header: Mapping[str, Any] = field(repr=False)
    anonymous: bool = False
    tilt: Tilt | None = None

    @property
    def dataset(self) -> Dataset:
        """What the images say of patient, study and series; text is decoded."""
        from pydicom.dataset import Dataset

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # values that break rules are passed on as they are
            return Dataset.from_json(json.dumps(dict(self.header)))

    def without_patient(self) -> SourceImages:
        """The same, for results without the patient's data."""
        return replace(self, anonymous=True)

    def number_of(self, uid: str, frame: int = 0) -> int | None:
        """Index along k of an image; None where it is none of these.

        Args:
            uid: SOPInstanceUID.
            frame: number of the frame, from 1; 0 is the first.
        """
        for number, name in enumerate(self.slices):
            if name.uid == uid and max(name.frame, 1) == max(frame, 1):
                return number
        return None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; they hold the patient's data."""
        return {
            "slices": [[name.uid, name.kind, name.frame] for name in self.slices],
            "header": dict(self.header),
            "anonymous": self.anonymous,
            "tilt": None if self.tilt is None else self.tilt.to_dict(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SourceImages:
        """The inverse of :meth:`to_dict`; VolumeError for anything else."""
        try:
            slices = tuple(SliceName(str(u), str(k), int(f)) for u, k, f in values["slices"])
            tilt = values.get("tilt")
            return cls(
                slices,
                dict(values["header"]),
                bool(values.get("anonymous", False)),
                None if tilt is None else Tilt.from_dict(tilt),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise VolumeError("What was kept of the DICOM images is damaged.") from error


def grid_of_images(geometry: Geometry) -> Geometry:
    """The grid of a volume's images as they were recorded: its own, but for a tilted series."""
    tilt = None if geometry.images is None else geometry.images.tilt
    return geometry if tilt is None else tilt.grid


def source_images(ordered: Sequence[Frame], dataset: Dataset) -> SourceImages:
    """Name the images of a volume.

    Args:
        ordered: its slices, along k.
        dataset: tags of one of their files.
    """
    names = tuple(
        SliceName(f.instance, f.kind, f.index + 1 if f.pixels.frames > 1 else 0) for f in ordered
    )
    return SourceImages(names, _header(dataset))


def _header(dataset: Dataset) -> dict[str, Any]:
    """The kept tags as DICOM JSON; a tag that can't be read is left out."""
    from pydicom.dataset import Dataset

    found: dict[str, Any] = {}
    shared = dataset.get("SharedFunctionalGroupsSequence") or [Dataset()]
    measures = (shared[0].get("PixelMeasuresSequence") or [Dataset()])[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for keyword in KEPT:
            own = Dataset()
            try:
                holder = dataset if keyword in dataset else measures
                if keyword not in holder:
                    continue
                own[keyword] = holder[keyword]
                text = json.dumps(own.to_json_dict())
            except Exception:  # pydicom raises what it likes on damaged tags
                continue
            # Half characters, from bytes that the file's character set does not have.
            found.update(json.loads(text.encode("utf-8", "replace").decode("utf-8")))
    return found
