"""DICOM SR: what was measured, as a Measurement Report (PS3.16, TID 1500).

Each lesion is a volumetric group (TID 1411) that names its segment where a segmentation is written
beside the report, else a plain group (TID 1501) that names its images. Diameters come with their
ends, on the image where they lie in a slice of the series (SCOORD), else in space (SCOORD3D); in a
plain group, since a volumetric one can't hold ends, under the same tracking UID.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import masam_core
from masam_core.export.dicom.lesions import (
    MANUFACTURER,
    MODEL,
    SERIAL,
    Named,
    algorithm,
    concept,
    import_highdicom,
)
from masam_core.export.dicom.segmentation import without_dates
from masam_core.export.dicom.subject import Subject, hashed_uid
from masam_core.image.formats.dicom.origin import SliceName
from masam_core.lesion.organs import category_of
from masam_core.lesion.terminology import Code, TumourType

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SERIES_NUMBER = 301
DIGITS = 4

_CT = Code("DCM", "112031", "Attenuation Coefficient"), Code("UCUM", "[hnsf'U]", "Hounsfield unit")
_MR = Code("DCM", "110852", "MR signal intensity"), Code("UCUM", "1", "no units")
_PT = (
    Code("DCM", "110821", "Nuclear Medicine Tomographic Activity"),
    Code("UCUM", "Bq/ml", "Becquerels per milliliter"),
)
# The standard has no code for values of which nothing is known.
_OTHER = Code("99MASAM", "VOXEL", "Voxel value"), Code("UCUM", "1", "no units")
_MILLIMETRE, _MILLILITRE = Code("UCUM", "mm", "millimeter"), Code("UCUM", "mL", "milliliter")
_VOLUME = Code("SCT", "118565006", "Volume")
_LONG, _SHORT = Code("SCT", "103339001", "Long axis"), Code("SCT", "103340004", "Short axis")
_MEAN, _SD = Code("SCT", "373098007", "Mean"), Code("SCT", "386136009", "Standard Deviation")
_DAY, _BASELINE = Code("UCUM", "d", "day"), Code("UMLS", "C1442488", "Baseline")
_AXES = (
    (_LONG, "longest_diameter_mm", "diameter_endpoints_lps"),
    (_SHORT, "perpendicular_diameter_mm", "perpendicular_endpoints_lps"),
)
_PROCEDURES = {
    "CT": "CTUnspecifiedBodyRegion",
    "MR": "MRIUnspecifiedBodyRegion",
    "PT": "PETUnspecifiedBodyRegion",
}


@dataclass(frozen=True)
class TimePoint:
    """Time of a study among others of the patient.

    Attributes:
        number: of the study, from 1 for the oldest.
        days: since the first; None where the dates are not known.
        is_first: whether it is the one that the others are compared with.
    """

    number: int
    days: int | None = None
    is_first: bool = False


@dataclass(frozen=True, eq=False)
class Examined:
    """Lesions of one study.

    Attributes:
        found: the lesions.
        subject: whose they are.
        segments: the segmentation in which they are segments, known by their tracking UIDs; None
            where there is none.
        point: when it was; None where a report is about this study alone.
    """

    found: Sequence[Named]
    subject: Subject
    segments: Dataset | None = None
    point: TimePoint | None = None


def report(
    found: Sequence[Named],
    subject: Subject,
    kind: TumourType,
    segments: Dataset | None = None,
) -> Dataset:
    """The report on one study; see :func:`report_on`.

    Args:
        found: the lesions.
        subject: whose they are.
        kind: what the lesions are.
        segments: see :class:`Examined`.
    """
    return report_on([Examined(found, subject, segments)], kind)


def report_on(studies: Sequence[Examined], kind: TumourType) -> Dataset:
    """The dataset, with its file meta information; it belongs to the last study.

    Args:
        studies: of one patient, the oldest first.
        kind: what the lesions are.
    """
    hd = import_highdicom()
    from pydicom.sr.codedict import codes
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    groups: list[Any] = []
    evidence: list[Dataset] = []
    for study in studies:
        used: dict[str, SliceName] = {}
        groups += [g for one in study.found for g in _groups(one, study, kind, used, hd)]
        of, own = study.subject, []
        own += [_instance(name.uid, name.kind, of.series, of) for name in used.values()]
        if study.segments is not None:
            s = study.segments
            own.append(_instance(s.SOPInstanceUID, s.SOPClassUID, s.SeriesInstanceUID, of))
        evidence = own + evidence  # the report takes the study of the first one named
    subject = studies[-1].subject
    device = hd.sr.DeviceObserverIdentifyingAttributes(
        uid=hashed_uid(MANUFACTURER, masam_core.__version__),
        name=MODEL,
        manufacturer_name=MANUFACTURER,
        model_name=MODEL,
    )
    context = hd.sr.ObserverContext(codes.DCM.Device, device)
    procedure = _PROCEDURES.get(subject.modality, "ImagingProcedure")
    content = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(observer_device_context=context),
        procedure_reported=getattr(codes.cid100, procedure),
        imaging_measurements=groups,
    )
    dataset = hd.sr.Comprehensive3DSR(
        evidence=evidence,
        content=content,
        series_instance_uid=generate_uid(prefix=None),
        series_number=SERIES_NUMBER,
        sop_instance_uid=generate_uid(prefix=None),
        instance_number=1,
        manufacturer=MANUFACTURER,
        is_complete=True,
        manufacturer_model_name=MODEL,
        software_versions=masam_core.__version__,
        device_serial_number=SERIAL,
        series_description="MASAM measurements",
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    subject.identify(dataset)
    if subject.anonymous:
        without_dates(dataset)
    return dataset


def _groups(
    one: Named, study: Examined, kind: TumourType, used: dict[str, SliceName], hd: Any
) -> list[Any]:
    """The groups of one lesion; the images that they name are added to ``used``."""
    subject, segments = study.subject, study.segments
    name, version, parameters = algorithm(one.lesion)
    term = one.lesion.term or kind
    given: dict[str, Any] = {
        "tracking_identifier": hd.sr.TrackingIdentifier(one.tracking_uid, one.label),
        "finding_category": concept(category_of(term)),
        "finding_type": concept(term.code),
        "algorithm_id": hd.sr.AlgorithmIdentification(
            name, version, [f"{key}={value}" for key, value in parameters.items()] or None
        ),
    }
    if study.point is not None:
        given["time_point_context"] = _time_point(study.point, hd)
    region = _region(one, subject, hd)
    diameters = _diameters(one, subject, used, hd)
    number = None if segments is None else _segment_number(segments, one.tracking_uid)
    if segments is not None and number is not None:
        segment = hd.sr.ReferencedSegment(
            segments.SOPClassUID,
            segments.SOPInstanceUID,
            number,
            source_series=hd.sr.SourceSeriesForSegmentation(subject.series),
        )
        of_segment = hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
            referenced_segment=segment, measurements=region, **given
        )
        if not diameters:
            return [of_segment]
        plain = hd.sr.MeasurementsAndQualitativeEvaluations(measurements=diameters, **given)
        return [of_segment, plain]
    span = one.lesion.slices_kji()[0]
    names = [subject.slices[k] for k in range(span.start, span.stop)]
    used.update({n.uid: n for n in names})
    sources = [hd.sr.SourceImageForMeasurementGroup(n.kind, n.uid, _frames(n)) for n in names]
    return [
        hd.sr.MeasurementsAndQualitativeEvaluations(
            source_images=sources, measurements=[*region, *diameters], **given
        )
    ]


def _time_point(point: TimePoint, hd: Any) -> Any:
    """Which study a group is of (TID 1502)."""
    since = None
    if point.days is not None:
        since = hd.sr.LongitudinalTemporalOffsetFromEvent(
            value=point.days, unit=concept(_DAY), event_type=concept(_BASELINE)
        )
    return hd.sr.TimePointContext(
        time_point=str(point.number),
        time_point_type=concept(_BASELINE) if point.is_first else None,
        time_point_order=point.number,
        temporal_offset_from_event=since,
    )


def _region(one: Named, subject: Subject, hd: Any) -> list[Any]:
    """What is measured on all voxels."""
    found = one.lesion.measurements
    made = [_measurement(hd, _VOLUME, found.volume_ml, _MILLILITRE)]
    quantity, unit = _intensity(subject)
    for derivation, value in ((_MEAN, found.mean), (_SD, found.sd)):
        if value is not None:
            made.append(_measurement(hd, quantity, value, unit, derivation=concept(derivation)))
    return made


def _diameters(one: Named, subject: Subject, used: dict[str, SliceName], hd: Any) -> list[Any]:
    found = one.lesion.measurements
    made = []
    for code, value, ends in _AXES:
        if found[value] is None or found[ends] is None:
            continue
        coordinates = [_coordinates(one, np.array(found[ends]), subject, used, hd)]
        made.append(
            _measurement(hd, code, found[value], _MILLIMETRE, referenced_coordinates=coordinates)
        )
    return made


def _measurement(hd: Any, code: Code, value: float, unit: Code, **more: Any) -> Any:
    return hd.sr.Measurement(concept(code), round(float(value), DIGITS), concept(unit), **more)


def _coordinates(
    one: Named, ends_lps: np.ndarray, subject: Subject, used: dict[str, SliceName], hd: Any
) -> Any:
    """The ends of a diameter, on its image or in space."""
    lesion = one.lesion
    axis, number = lesion.measurements.diameter_axis, lesion.measurements.diameter_slice
    if axis != 2:
        return hd.sr.CoordinatesForMeasurement3D(
            graphic_type="POLYLINE",
            graphic_data=ends_lps,
            frame_of_reference_uid=subject.frame_of_reference,
        )
    name = subject.slices[number]
    used[name.uid] = name
    # The corner of the first pixel is 0, its centre 0.5 (PS3.3, C.18.6.1.1).
    pixels = lesion.geometry.ijk_from_lps(ends_lps)[:, :2] + 0.5
    size = np.array(lesion.geometry.size_ijk[:2])
    return hd.sr.CoordinatesForMeasurement(
        graphic_type="POLYLINE",
        graphic_data=np.clip(pixels, 0, size),
        source_image=hd.sr.SourceImageForRegion(name.kind, name.uid, _frames(name)),
    )


def _frames(name: SliceName) -> list[int] | None:
    return [name.frame] if name.frame else None


def _intensity(subject: Subject) -> tuple[Code, Code]:
    """What the voxels' values are, and their unit."""
    if subject.modality == "CT":
        return _CT
    if subject.modality == "MR":
        return _MR
    if subject.modality == "PT" and subject.header.get("Units") == "BQML":
        return _PT
    return _OTHER


def _segment_number(segments: Dataset, tracking_uid: str) -> int | None:
    for item in segments.SegmentSequence:
        if item.get("TrackingUID") == tracking_uid:
            return int(item.SegmentNumber)
    return None


def _instance(uid: str, kind: str, series: str, subject: Subject) -> Dataset:
    """What highdicom has to know of a file that the report refers to."""
    from pydicom.dataset import Dataset

    item = Dataset()
    for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyID"):
        setattr(item, keyword, "")
    item.AccessionNumber = item.ReferringPhysicianName = ""
    item.StudyDate = item.StudyTime = None
    item.StudyInstanceUID, item.SeriesInstanceUID = subject.study, series
    item.SOPClassUID, item.SOPInstanceUID = kind, uid
    return item
