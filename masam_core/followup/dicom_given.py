"""What panel and workbench say of a follow-up that is to be written as DICOM, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from masam_core.followup.reading import State
from masam_core.lesion.diameter_plane import DiameterPlane
from masam_core.schema import check


@dataclass(frozen=True)
class JobStudy:
    """One study.

    Attributes:
        image: file of the image, as the front end holds it.
        name: for words.
        modality: CT, MR, ...; None where it is not known.
        date: YYYY-MM-DD, as a person has said; empty takes that of the DICOM images.
        files: the DICOM files that it was loaded from; none where ``images`` says what they were.
        images: file with :meth:`SourceImages.to_dict` as JSON.
    """

    image: Path = Path()
    name: str = ""
    modality: str | None = None
    date: str = ""
    files: tuple[Path, ...] = ()
    images: Path | None = None


@dataclass(frozen=True)
class JobFinding:
    """A lesion in one study.

    Attributes:
        state: see :class:`masam_core.followup.reading.State`.
        mask: file (.npy) of a bool KJI crop of the image; None where there is no mask.
        offset_kji: index in the image of the crop's first voxel.
        first: the prompt that it began with, as :func:`first_to_dict` in JSON; empty takes the
            mask's tight box.
    """

    state: str = State.UNKNOWN.value
    mask: Path | None = None
    offset_kji: tuple[int, int, int] = (0, 0, 0)
    first: str = ""


@dataclass(frozen=True)
class JobTrack:
    """A lesion through all studies.

    Attributes:
        name: of the lesion.
        color: red, green, blue in [0, 1].
        new_in: index of the study in which it is new; None where that is not so.
        findings: one a study.
    """

    name: str = ""
    color: tuple[float, float, float] = (1.0, 1.0, 1.0)
    new_in: int | None = None
    findings: tuple[JobFinding, ...] = ()


@dataclass(frozen=True)
class DicomJob:
    """What is to be written.

    Attributes:
        target: folder in which a new folder is made.
        studies: oldest first, two or more.
        tracks: the lesions; every mask counts as confirmed.
        plane: in which diameters are taken.
        kind: what the lesions are, a key of ``TUMOUR_TYPES``.
        same_patient: somebody has said that it is one patient, though the IDs differ.
    """

    target: Path = Path()
    studies: tuple[JobStudy, ...] = ()
    tracks: tuple[JobTrack, ...] = ()
    plane: str = DiameterPlane.AUTO.value
    kind: str = "mass"
    same_patient: bool = False

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DicomJob:
        """Check plain values; raises ConfigError."""
        found = check(cls, values, "The job")
        studies = tuple(JobStudy(**each) for each in found.pop("studies", ()))
        tracks = []
        for each in found.pop("tracks", ()):
            findings = tuple(JobFinding(**finding) for finding in each.pop("findings", ()))
            tracks.append(JobTrack(**each, findings=findings))
        return cls(**found, studies=studies, tracks=tuple(tracks))
