"""DICOM SEG: binary, one segment a lesion, on the images' own pixels (DICOM PS3.3, A.51)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

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
from masam_core.export.dicom.subject import Subject
from masam_core.lesion.organs import ClassTerm, category_of
from masam_core.lesion.terminology import TumourType

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from masam_core.image.geometry import Geometry

SERIES_NUMBER = 300  # behind those of most scanners


def segmentation(
    found: Sequence[Named], geometry: Geometry, subject: Subject, kind: TumourType
) -> Dataset:
    """The dataset, with its file meta information.

    Args:
        found: the lesions, numbered.
        geometry: grid of the whole image.
        subject: whose they are.
        kind: what the lesions are.
    """
    hd = import_highdicom()
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    first, last = _slices(found)
    dataset = hd.seg.Segmentation(
        source_images=[_image(n, geometry, subject) for n in range(first, last + 1)],
        pixel_array=_pixels(found, geometry.shape, first, last),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_description(one, kind, hd) for one in found],
        series_instance_uid=generate_uid(prefix=None),
        series_number=SERIES_NUMBER,
        sop_instance_uid=generate_uid(prefix=None),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MODEL,
        software_versions=masam_core.__version__,
        device_serial_number=SERIAL,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        content_label="LESIONS",
        content_description="Lesions outlined by MASAM",
        series_description="MASAM segmentation",
    )
    subject.identify(dataset)
    _refer(dataset, subject)
    if subject.anonymous:
        without_dates(dataset)
    return dataset


def without_dates(dataset: Dataset) -> None:
    """Blank the dates of a file's making, which are near those of the examination."""
    for keyword in ("ContentDate", "InstanceCreationDate", "SeriesDate", "StructureSetDate"):
        if keyword in dataset:
            setattr(dataset, keyword, "19000101")
    for keyword in ("ContentTime", "InstanceCreationTime", "SeriesTime", "StructureSetTime"):
        if keyword in dataset:
            setattr(dataset, keyword, "000000")
    for equipment in dataset.get("ContributingEquipmentSequence", []):
        if "ContributionDateTime" in equipment:
            del equipment.ContributionDateTime


def reference(name: Any) -> Dataset:
    """A reference to one image of the source."""
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ReferencedSOPClassUID = name.kind
    item.ReferencedSOPInstanceUID = name.uid
    if name.frame:
        item.ReferencedFrameNumber = name.frame
    return item


def instances(subject: Subject) -> list[Dataset]:
    """A reference to every file of the source, once each, without frames."""
    found: dict[str, Dataset] = {}
    for name in subject.slices:
        item = reference(name)
        if "ReferencedFrameNumber" in item:
            del item.ReferencedFrameNumber
        found.setdefault(name.uid, item)
    return list(found.values())


def _slices(found: Sequence[Named]) -> tuple[int, int]:
    """First and last slice along k that any lesion's crop reaches."""
    spans = [one.lesion.slices_kji()[0] for one in found]
    return min(s.start for s in spans), max(s.stop for s in spans) - 1


def _pixels(
    found: Sequence[Named], shape: tuple[int, int, int], first: int, last: int
) -> NDArray[Any]:
    """Labels (slices, rows, columns); where lesions overlap, a mask for each (..., lesions)."""
    size = (last - first + 1, *shape[1:])
    labels = np.zeros(size, np.uint8 if len(found) < 256 else np.uint16)
    for one in found:
        k, j, i = one.lesion.slices_kji()
        part = labels[k.start - first : k.stop - first, j, i]
        if part[one.lesion.mask].any():
            break
        part[one.lesion.mask] = one.number
    else:
        return labels
    masks = np.zeros((*size, len(found)), np.bool_)
    for one in found:
        k, j, i = one.lesion.slices_kji()
        masks[k.start - first : k.stop - first, j, i, one.number - 1] = one.lesion.mask
    return masks


def _image(number: int, geometry: Geometry, subject: Subject) -> Dataset:
    """What highdicom has to know of one slice: a plain image of its own, whatever file it is in."""
    from pydicom.dataset import Dataset

    image = Dataset()
    for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyID"):
        setattr(image, keyword, "")
    image.AccessionNumber = image.ReferringPhysicianName = ""
    image.StudyDate = image.StudyTime = None
    image.StudyInstanceUID, image.SeriesInstanceUID = subject.study, subject.series
    image.FrameOfReferenceUID = subject.frame_of_reference
    image.PositionReferenceIndicator = ""
    image.Modality = subject.modality or "OT"
    image.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    image.SOPInstanceUID = f"2.25.{number + 1}"  # replaced by _refer
    image.Rows, image.Columns = geometry.shape[1:]
    image.ImageOrientationPatient = _orientation(geometry)
    image.ImagePositionPatient = _position(geometry, number)
    column, row, depth = (float(v) for v in geometry.spacing)
    image.PixelSpacing, image.SpacingBetweenSlices = [row, column], depth
    image.SliceThickness = subject.header.get("SliceThickness") or depth
    for keyword in ("", "Ratio", "Method"):
        own = f"LossyImageCompression{keyword}"
        if own in subject.header:
            image[own] = subject.header[own]
    return image


def _refer(dataset: Dataset, subject: Subject) -> None:
    """Put the images' own names, and the numbers of their frames, where stand-ins are."""
    from pydicom.dataset import Dataset

    done = set()  # frames of one slice share their items
    for group in dataset.PerFrameFunctionalGroupsSequence:
        for derivation in group.DerivationImageSequence:
            for item in derivation.SourceImageSequence:
                if id(item) not in done:
                    done.add(id(item))
                    number = int(item.ReferencedSOPInstanceUID.rsplit(".", 1)[1]) - 1
                    item.update(reference(subject.slices[number]))
    del dataset.SourceImageSequence  # the stand-ins once more
    series = Dataset()
    series.SeriesInstanceUID = subject.series
    series.ReferencedInstanceSequence = instances(subject)
    dataset.ReferencedSeriesSequence = [series]


def _description(one: Named, kind: TumourType, hd: Any) -> Any:
    from pydicom.sr.codedict import codes

    name, version, parameters = algorithm(one.lesion)
    by_prompt = one.lesion.prompts is not None
    term = one.lesion.term or kind
    made = hd.seg.SegmentDescription(
        segment_number=one.number,
        segment_label=one.label,
        segmented_property_category=concept(category_of(term)),
        segmented_property_type=concept(term.code),
        algorithm_type="SEMIAUTOMATIC" if by_prompt else "AUTOMATIC",
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name=name,
            family=codes.DCM.ArtificialIntelligence,
            version=version,
            parameters=parameters or None,
        ),
        tracking_uid=one.tracking_uid,
        tracking_id=one.label,
        display_color=hd.color.CIELabColor.from_rgb(*(round(255 * c) for c in one.color)),
    )
    if isinstance(term, ClassTerm) and term.modifier is not None:
        kind_of = made.SegmentedPropertyTypeCodeSequence[0]
        side = concept(term.modifier)
        kind_of.SegmentedPropertyTypeModifierCodeSequence = [
            hd.sr.CodedConcept(side.value, side.scheme_designator, side.meaning)
        ]
    return made


def _orientation(geometry: Geometry) -> list[float]:
    """Cosines along a row, then along a column."""
    return [float(v) for v in geometry.direction[:, :2].T.ravel()]


def _position(geometry: Geometry, number: int) -> list[float]:
    return [float(v) for v in geometry.lps_from_ijk([[0, 0, number]])[0]]
