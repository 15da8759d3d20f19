"""A follow-up as DICOM: segmentation and report of each later study, and one report on all.

Only what a person has confirmed is written, under the tracking UIDs of the earlier studies, by
which a PACS and the next follow-up know a lesion again. The report on all studies
(``followup.sr.dcm``) is a Measurement Report of the last one (PS3.16, TID 1500): a group for each
lesion and study, with its time point (TID 1502); images of other studies are named as further
evidence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from masam_core.atomic import atomic_path
from masam_core.atomic_set import atomic_set
from masam_core.errors import ConfigError, SegmentationError
from masam_core.export.dicom.lesions import in_words, named, save
from masam_core.export.dicom.report import Examined, TimePoint, report_on
from masam_core.export.dicom.subject import subject_of
from masam_core.export.segmentation import require_formats, write_files
from masam_core.followup.reading import State
from masam_core.followup.result import waits
from masam_core.followup.study import Study
from masam_core.followup.track import Track, union
from masam_core.lesion.crops import tight_box
from masam_core.lesion.diameter_plane import DiameterPlane
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.measure import Measurements, measure
from masam_core.lesion.terminology import MASS, Color, TumourType, lesion_color
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.record import PromptRecord

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

COURSE = "followup.sr.dcm"
_WHAT = "A DICOM report"
_OURS = re.compile(r"study([2-9]|[1-9][0-9]+)\.(seg|sr)\.dcm")
_ENDS = ("longest_diameter_mm", "perpendicular_diameter_mm")


def dicom_files(folder: Path, number: int) -> tuple[Path, Path]:
    """Segmentation and report of a study, which are counted from 1."""
    return folder / f"study{number}.seg.dcm", folder / f"study{number}.sr.dcm"


def written_before(folder: Path) -> list[Path]:
    """DICOM files of an earlier result that lie in a follow-up's folder."""
    # Of the first study none is ever written: such a file is somebody's own.
    found = [path for path in folder.glob("study*.dcm") if _OURS.fullmatch(path.name)]
    return sorted([*found, *folder.glob(COURSE)])


def require_dicom(folder: Path, studies: Sequence[Study]) -> None:
    """Refuse, before the work, studies that are no DICOM.

    Raises:
        SegmentationError: names the study, and says why.
    """
    for number, study in enumerate(studies[1:], 2):
        try:
            require_formats(dicom_files(folder, number), study.volume.geometry)
        except SegmentationError as error:
            raise ConfigError(f"--dicom: study {number}: {error}") from error


def write_dicom(
    folder: Path,
    tracks: Sequence[Track],
    studies: Sequence[Study],
    plane: DiameterPlane,
    colors: Sequence[Color] | None = None,
    kind: TumourType = MASS,
    show: Callable[[float, str], None] = lambda *_: None,
) -> tuple[list[Path], list[str]]:
    """Write what is confirmed, in the place of an earlier result's files.

    Args:
        folder: of the follow-up.
        tracks: the lesions.
        studies: oldest first; all but the first must be DICOM.
        plane: in which diameters are taken.
        colors: red, green, blue in [0, 1] for each lesion; None gives each one of ours.
        kind: what the lesions are.
        show: called before each file with the fraction done and words.

    Returns:
        The files, and messages for the reader.

    Raises:
        SegmentationError: a file can't be written; all of an earlier result are as they were.
    """
    with atomic_set(folder, written_before(folder), SegmentationError) as beside:
        files, notes = _write(beside, tracks, studies, plane, colors, kind, show)
    return [folder / path.name for path in files], notes


def _write(
    folder: Path,
    tracks: Sequence[Track],
    studies: Sequence[Study],
    plane: DiameterPlane,
    colors: Sequence[Color] | None,
    kind: TumourType,
    show: Callable[[float, str], None],
) -> tuple[list[Path], list[str]]:
    """Write all files into an empty folder; see :func:`write_dicom`."""
    files: list[Path] = []
    notes: list[str] = []
    examined: list[Examined] = []
    shown = [lesion_color(n) for n in range(len(tracks))] if colors is None else colors
    for number, study in enumerate(studies, 1):
        show((number - 1) / (len(studies) + 1), f"study {number} of {len(studies)}")
        lesions, own = _lesions(tracks, shown, study, number, plane, notes)
        later = number > 1
        if later and not lesions:
            notes.append(f"No lesion of study {number} is confirmed: no DICOM file of it.")
        if not lesions:
            continue
        segments = None
        if later:
            seg, report = dicom_files(folder, number)
            notes += write_files([seg, report], lesions, study.volume, own, kind)
            files += [seg, report]
            segments = _headers(seg)
        elif study.volume.geometry.images is None:
            notes.append(f"Study 1 is no DICOM, so {COURSE} holds nothing of it.")
            continue
        subject = subject_of(study.volume.geometry, _WHAT)
        found, _ = named(lesions, own, subject, _WHAT)
        point = TimePoint(number, _days(studies[0], study), number == 1)
        examined.append(Examined(found, subject, segments, point))
    points = [each.point.number for each in examined if each.point is not None]
    if len(points) > 1 and points[-1] == len(studies):
        show(len(studies) / (len(studies) + 1), "the report on all studies")
        with atomic_path(folder / COURSE, SegmentationError) as file, in_words(_WHAT):
            dataset = report_on(examined, kind)
            groups = len(dataset.ContentSequence)
            save(dataset, file, lambda written: len(written.ContentSequence) == groups)
        files.append(folder / COURSE)
    return files, list(dict.fromkeys(notes))


def _lesions(
    tracks: Sequence[Track],
    colors: Sequence[Color],
    study: Study,
    number: int,
    plane: DiameterPlane,
    notes: list[str],
) -> tuple[list[Lesion], list[Color]]:
    """The confirmed lesions of a study, in their lesions' colours."""
    found, own = [], []
    for track, color in zip(tracks, colors, strict=True):
        finding = track.findings[number - 1]
        if finding.accepted is False or waits(finding):
            continue
        if not finding.parts:
            if number > 1 and finding.state is State.ABSENT and (track.new_in or 0) < number:
                notes.append(
                    f"'{track.name}' is gone in study {number}: it has no segment there, and no "
                    "group in the report."
                )
            continue
        whole = union(finding.parts, study.volume)
        measured = measure(whole.mask, whole.offset_kji, study.volume, plane=plane)
        if len(finding.parts) > 1:
            measured = Measurements(**{**measured, **dict.fromkeys(_ENDS)})
            notes.append(
                f"'{track.name}' is in {len(finding.parts)} pieces in study {number}: the sum of "
                "their diameters stands in followup.csv, its volume in the DICOM report, too."
            )
        i, j, k = whole.offset_kji[::-1]
        i0, i1, j0, j1, k0, k1 = tight_box(whole.mask)
        box = BoxPrompt.from_voxels(i + i0, i + i1, j + j0, j + j1, k + k0, k + k1, name=track.name)
        box = replace(box, tracking_uid=track.tracking_uid)
        found.append(
            Lesion(
                name=track.name,
                mask=whole.mask,
                offset_kji=whole.offset_kji,
                probability=None,
                confidence=float("nan"),
                box=box,
                geometry=study.volume.geometry,
                measurements=measured,
                prompts=PromptRecord(box),
            )
        )
        own.append(color)
    return found, own


def _headers(path: Path) -> Dataset:
    import pydicom

    return pydicom.dcmread(path, stop_before_pixels=True)


def _days(first: Study, study: Study) -> int | None:
    """Days since the first study, where both have a date."""
    return None if first.date is None or study.date is None else (study.date - first.date).days
