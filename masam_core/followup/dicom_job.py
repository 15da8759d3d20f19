"""``python -m masam_core.followup.dicom_job JOB.json``: a follow-up of panel or workbench as DICOM.

JOB holds the fields of :class:`masam_core.followup.dicom_given.DicomJob`; the events, one a line as
JSON on stdout, are those of :func:`write_course`, or an ``error`` (message), a ``doubt`` (message)
that a person can dispel, or ``cancelled``. A line ``cancel`` on stdin, or its end, stops it.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from masam_core.atomic import sync_folder, why_not_written
from masam_core.errors import (
    BoxError,
    Cancelled,
    ConfigError,
    MasamError,
    SegmentationError,
    VolumeError,
)
from masam_core.export.dicom.lesions import import_highdicom, tracking_uid
from masam_core.export.dicom.subject import subject_of
from masam_core.followup.dicom import write_dicom
from masam_core.followup.dicom_given import DicomJob, JobFinding, JobStudy, JobTrack
from masam_core.followup.masks import NamedMask, cropped
from masam_core.followup.reading import State
from masam_core.followup.study import Study, study_of
from masam_core.followup.track import Finding, How, Track
from masam_core.image.formats.dicom.origin import SourceImages
from masam_core.image.formats.dicom.series import grid_of_files
from masam_core.image.geometry import Geometry
from masam_core.image.lattice import on_grid
from masam_core.image.volume import Volume, read_volume
from masam_core.lesion.crops import tight_box
from masam_core.lesion.diameter_plane import DiameterPlane
from masam_core.lesion.terminology import TUMOUR_TYPES
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.first import FirstPrompt
from masam_core.prompts.record import first_from_dict
from masam_core.worker.told import Say, run_told

FOLDER = "followup"


class OtherPatient(ConfigError):
    """The studies bear different patient IDs."""


def write_course(job: DicomJob, say: Say, cancelled: Callable[[], bool]) -> None:
    """Write segmentation and report of each later study, and a report on all, into a new folder.

    The folder gets its name once all of them are whole; until then nothing is to be seen.

    Args:
        job: see there.
        say: called with events: ``progress`` (fraction, text), and at last ``end`` (``folder``,
            ``files``: names in it, ``notes``).
        cancelled: asked now and then.

    Raises:
        OtherPatient: the patient IDs differ, and nobody has said that it is one patient.
        MasamError: a study is no DICOM or is older than the one before, nothing can be written,
            or a file can't be.
        Cancelled: ``cancelled`` said so; nothing was written.
    """

    def show(fraction: float, words: str) -> None:
        if cancelled():
            raise Cancelled
        say({"event": "progress", "fraction": fraction, "text": words})

    import_highdicom()  # what is lacking is told before the work
    studies, tracks = [], []
    for number, given in enumerate(job.studies):
        show(0.4 * number / len(job.studies), f"reading '{given.name}'")
        studies.append(_read(given))
    _require_one_course(job, [study for study, _ in studies])
    for track in job.tracks:
        tracks.append(_track(track, studies))
    known = [study for study, _ in studies]
    plane, kind = DiameterPlane.read(job.plane, "The diameters' plane"), TUMOUR_TYPES[job.kind]
    colors = [track.color for track in job.tracks]
    place = job.target / f".followup-{secrets.token_hex(8)}"
    try:
        place.mkdir()  # not by tempfile, whose folders are private: results are shared
    except OSError as error:
        raise SegmentationError(why_not_written(job.target / FOLDER, error)) from error
    try:
        files, notes = write_dicom(
            place, tracks, known, plane, colors, kind, lambda f, w: show(0.4 + 0.6 * f, w)
        )
        if not files:
            raise SegmentationError(" ".join(["There is nothing to write.", *notes]))
        show(1.0, "all is written")
        folder = _named(place, job.target)
    except MasamError as error:
        raise type(error)(str(error).replace(f"{place}{os.sep}", "")) from error
    finally:
        shutil.rmtree(place, ignore_errors=True)  # gone already where all went well
    names = [path.name for path in files]
    say({"event": "end", "folder": str(folder), "files": names, "notes": notes})


def _read(given: JobStudy) -> tuple[Study, Geometry]:
    """A study on the grid of its DICOM images, and the grid of its masks."""
    volume = read_volume(given.image).with_modality(given.modality)
    what = f"'{given.name}'"
    try:
        if given.images is not None:
            images = SourceImages.from_dict(json.loads(given.images.read_text("utf-8")))
            grid = replace(volume.geometry, images=images)
        else:
            grid = grid_of_files(given.files, f"The series of {what}")
        array = np.ascontiguousarray(on_grid(volume.array, volume.geometry, grid, what))
    except VolumeError as error:
        raise SegmentationError(
            f"{error} So {what} can't be written as DICOM on the images it came from."
        ) from error
    image = Volume(array, grid, volume.modality, given.name)
    return study_of(image, given.date), volume.geometry


def _require_one_course(job: DicomJob, studies: Sequence[Study]) -> None:
    """Refuse what is no course of one patient."""
    known = {study.patient for study in studies if study.patient}
    if len(known) > 1 and not job.same_patient:
        raise OtherPatient(
            f"The studies bear {len(known)} different patient IDs, so no report on both is written."
        )
    subjects = [
        subject_of(study.volume.geometry, f"The follow-up of '{study.volume.name}'")
        for study in studies
    ]
    if len({subject.series for subject in subjects}) < len(subjects):
        raise ConfigError(
            "Two of the studies are the same DICOM series. Choose the series of another day."
        )
    for before, after in pairwise(studies):
        if before.date is not None and after.date is not None and after.date < before.date:
            raise ConfigError(
                f"'{after.volume.name}' is of {after.date}, which is before "
                f"'{before.volume.name}' ({before.date}), from which its lesions were carried "
                "over. A follow-up goes from the older study to the newer one."
            )


def _track(given: JobTrack, studies: Sequence[tuple[Study, Geometry]]) -> Track:
    """A lesion on the DICOM images, under the UID of the first study in which it is."""
    findings, uids = [], []
    for finding, (study, geometry) in zip(given.findings, studies, strict=True):
        mask = _mask(given, finding, study, geometry)
        if mask is None:
            state = State.read(finding.state, f"The state of '{given.name}'")
            state = State.UNKNOWN if state is State.MEASURED else state
            findings.append(Finding(state, accepted=True))
            continue
        uids.append(_uid(finding, mask, study))
        findings.append(Finding(State.MEASURED, (mask,), How.GIVEN, accepted=True))
    stated = [uid for uid, is_stated in uids if is_stated]
    uid = (stated or [uid for uid, _ in uids] or [""])[0]
    return Track(given.name, uid, findings, given.new_in)


def _mask(
    track: JobTrack, finding: JobFinding, study: Study, geometry: Geometry
) -> NamedMask | None:
    if finding.mask is None:
        return None
    crop = np.load(finding.mask, allow_pickle=False).astype(bool)
    whole = NamedMask(track.name, crop, finding.offset_kji).on(geometry.shape)
    placed = on_grid(whole, geometry, study.volume.geometry, f"'{track.name}'")
    return cropped(placed, track.name)


def _uid(finding: JobFinding, mask: NamedMask, study: Study) -> tuple[str, bool]:
    """The tracking UID that results of the study alone have, too; whether a file has stated it."""
    geometry = study.volume.geometry
    i0, i1, j0, j1, k0, k1 = tight_box(mask.mask)
    k, j, i = mask.offset_kji
    first: FirstPrompt = BoxPrompt.from_voxels(i + i0, i + i1, j + j0, j + j1, k + k0, k + k1)
    if finding.first:
        with contextlib.suppress(BoxError, ValueError):  # damaged tags; the mask is what counts
            first = first_from_dict(json.loads(finding.first), geometry)
    subject = subject_of(geometry, f"The follow-up of '{study.volume.name}'")
    return tracking_uid(first, geometry, subject.study), bool(first.tracking_uid)


def _named(place: Path, target: Path) -> Path:
    """Give the folder its name: one that is not there yet."""
    number = 1
    while True:
        folder = target / (FOLDER if number == 1 else f"{FOLDER} {number}")
        number += 1
        if folder.exists():  # renaming would take the place of an empty folder
            continue
        try:
            place.rename(folder)
        except OSError as error:
            if folder.exists():
                continue
            raise SegmentationError(why_not_written(folder, error)) from error
        sync_folder(target)
        return folder


def main(path: str) -> int:
    """Write it; 0 at its end, 1 where it could not be done."""

    def work(values: Any, say: Say, stopped: Callable[[], bool]) -> None:
        try:
            write_course(DicomJob.from_dict(values), say, stopped)
        except OtherPatient as error:
            say({"event": "doubt", "message": str(error)})

    return run_told(path, work)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
