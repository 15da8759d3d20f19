"""What came: images, or measurements that a reader has made on them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from masam_core.errors import PacsError
from masam_core.pacs.records import is_uid

OWN = "MASAM"  # maker of our own results, which are nobody's prompts
_CONTOURS = ("SCOORD", "SCOORD3D")


@dataclass(frozen=True)
class Came:
    """One object.

    Attributes:
        instance, series, study: unique ids.
        is_image: whether it has pixels (and is no segmentation).
        refers: for a measurement, the objects on which it was made; empty for others.
        refers_series: the series of these, as far as the measurement says.
    """

    instance: str
    series: str
    study: str
    is_image: bool = False
    refers: frozenset[str] = frozenset()
    refers_series: frozenset[str] = field(default=frozenset())

    @property
    def is_measurement(self) -> bool:
        """Whether it asks for something to be segmented."""
        return bool(self.refers)


def came_of(file: BinaryIO) -> Came:
    """What a DICOM file is; its pixels are not read.

    Args:
        file: open at its beginning.

    Raises:
        PacsError: it can't be read, or lacks its unique ids.
    """
    import pydicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's, which repeat what the tags hold
            dataset = pydicom.dcmread(file, stop_before_pixels=True)
            instance = str(dataset.get("SOPInstanceUID") or "")
            in_series = str(dataset.get("SeriesInstanceUID") or "")
            study = str(dataset.get("StudyInstanceUID") or "")
            modality = str(dataset.get("Modality") or "")
            own = str(dataset.get("Manufacturer") or "").startswith(OWN)
            refers = frozenset() if own else _measured(dataset)
            series = _series_of(dataset, refers)
            is_image = bool(dataset.get("Rows")) and modality != "SEG"
    except Exception as error:  # pydicom raises what it likes on damaged files
        raise PacsError("An object came that can't be read as DICOM.") from error
    if not all(map(is_uid, (instance, in_series, study))):
        raise PacsError("An object came that lacks a unique id.")
    return Came(instance, in_series, study, is_image, refers, series)


def _measured(dataset: Any) -> frozenset[str]:
    """Images on which a report (SR) or a presentation state (GSPS) has lines or contours."""
    if "GraphicAnnotationSequence" in dataset:
        drawn = [a for a in dataset.GraphicAnnotationSequence if a.get("GraphicObjectSequence")]
        own = {uid for annotation in drawn for uid in _references(annotation)}
        shown = _references(dataset, ("ReferencedSeriesSequence",)) if drawn and not own else []
        return frozenset((*own, *shown))
    found: set[str] = set()
    anywhere = False
    for item in _contents(dataset):
        if item.get("ValueType") in _CONTOURS:
            anywhere = True
            found |= {uid for inside in _contents(item) for uid in _references(inside)}
    if anywhere and not found:  # in space, not on an image: the report says what it looked at
        found |= set(_references(dataset, ("CurrentRequestedProcedureEvidenceSequence",)))
    return frozenset(found)


def _contents(item: Any) -> list[Any]:
    """Every item of a report's tree below one."""
    found = []
    for child in item.get("ContentSequence") or []:
        found += [child, *_contents(child)]
    return found


def _references(item: Any, only: tuple[str, ...] = ()) -> list[str]:
    """Objects that an item names, in whatever sequences; or in these of it alone."""
    found: list[str] = []
    for element in item:
        if element.VR != "SQ" or (only and element.keyword not in only):
            continue
        if element.keyword == "ContentSequence":
            continue
        for inside in element.value or []:
            uid = inside.get("ReferencedSOPInstanceUID")
            found += [str(uid)] if uid else []
            found += _references(inside)
    return found


def _series_of(dataset: Any, wanted: frozenset[str]) -> frozenset[str]:
    """Series in which the named objects lie, as the object itself says."""
    found = set()
    if not wanted:
        return frozenset()
    groups = list(dataset.get("ReferencedSeriesSequence") or [])
    for study in dataset.get("CurrentRequestedProcedureEvidenceSequence") or []:
        groups += list(study.get("ReferencedSeriesSequence") or [])
    for group in groups:
        named = set(_references(group))
        uid = str(group.get("SeriesInstanceUID") or "")
        if is_uid(uid) and named & wanted:
            found.add(uid)
    return frozenset(found)
