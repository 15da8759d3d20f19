"""A saved scene's text (MRML, an XML of Slicer's): which files it has, and what belongs to what.

https://slicer.readthedocs.io/en/latest/developer_guide/mrml_overview.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote
from xml.etree import ElementTree

from masam_core.errors import VolumeError

MOST_BYTES = 64 << 20
LESION, VOLUME = "MASAM.Lesion", "masamVolume"  # of a lesion's box
_HOUNSFIELD = "hnsf"
_PATIENT = ("DICOM.PatientID", "DICOM.PatientName")
_MODALITY = "DICOM.Modality"


@dataclass(frozen=True)
class SceneVolume:
    """A scalar volume: ``file`` as the scene names it; ``patient`` and ``modality`` as DICOM says,
    or empty; ``transform`` the id of the node under which it lies, or empty."""

    id: str
    file: str
    modality: str
    patient: str
    transform: str


@dataclass(frozen=True)
class SceneSegmentation:
    """A segmentation: ``volume`` the id of the volume whose grid it has, or empty."""

    id: str
    file: str
    volume: str
    transform: str


@dataclass(frozen=True)
class SceneText:
    """``volumes`` and ``segmentations`` of a scene; ``boxes`` gives the volume's id of each lesion
    that has a box."""

    volumes: dict[str, SceneVolume]
    segmentations: list[SceneSegmentation]
    boxes: dict[str, str]

    def volume_of(self, segmentation: SceneSegmentation, lesion: str) -> SceneVolume | None:
        """The volume of a lesion's segment: that of its box, else the segmentation's, else the
        only one that there is."""
        for found in (self.boxes.get(lesion, ""), segmentation.volume):
            if found in self.volumes:
                return self.volumes[found]
        return next(iter(self.volumes.values())) if len(self.volumes) == 1 else None


def parse_scene(data: bytes, what: object) -> SceneText:
    """Parse the text of a scene.

    Args:
        data: of the ``.mrml`` file.
        what: the scene, for messages.

    Raises:
        VolumeError: it is too large, or no scene.
    """
    if len(data) > MOST_BYTES:
        raise VolumeError(f"The scene's text in {what} has more than {MOST_BYTES >> 20} MB.")
    # MRML declares nothing; entities that stand for others may grow without end.
    if re.search(rb"<!(DOCTYPE|ENTITY)", data, re.IGNORECASE):
        raise VolumeError(f"{what} is no scene of Slicer: it declares entities.")
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise VolumeError(f"{what} is no scene of Slicer: {error}.") from error
    if root.tag != "MRML":
        raise VolumeError(f"{what} is no scene of Slicer: it holds '{root.tag[:40]}'.")
    files = {node.get("id", ""): node.get("fileName", "") for node in root}
    told = _hierarchy(root)
    volumes, segmentations, boxes = {}, [], {}
    for node in root:
        own, references = node.get("id", ""), _pairs(node.get("references", ""), ";", ":")
        file = files.get(references.get("storage", ""), "")
        transform = references.get("transform", "")
        if node.tag == "Volume" and file:
            units = any(_HOUNSFIELD in value for name, value in node.items() if "Units" in name)
            modality = told.get(own, {}).get(_MODALITY, "") or ("CT" if units else "")
            patient = next((told[own][p] for p in _PATIENT if told.get(own, {}).get(p)), "")
            volumes[own] = SceneVolume(own, file, modality, patient, transform)
        elif node.tag == "Segmentation" and file:
            reference = references.get("referenceImageGeometryRef", "")
            segmentations.append(SceneSegmentation(own, file, reference, transform))
        elif node.tag == "MarkupsROI":
            lesion = _pairs(node.get("attributes", ""), ";", ":").get(LESION, "")
            if lesion:
                boxes[lesion] = references.get(VOLUME, "")
    return SceneText(volumes, segmentations, boxes)


def possible_files(name: str) -> tuple[str, ...]:
    """What a file may be called that a scene names: as it stands there, or with codes for signs."""
    return tuple(dict.fromkeys(str(PurePosixPath(n)) for n in (unquote(name), name)))


def _hierarchy(root: ElementTree.Element) -> dict[str, dict[str, str]]:
    """What the subject hierarchy says of each data node: its own attributes and those above it."""
    found: dict[str, dict[str, str]] = {}
    waiting = [(tree, {}) for tree in root.iter("SubjectHierarchy")]  # type: list[tuple[ElementTree.Element, dict[str, str]]]
    while waiting:
        item, above = waiting.pop()
        own = {**above, **_pairs(item.get("attributes", ""), "|", "^")}
        # Patients that DICOM brought have their ID as UID, too.
        uid = _pairs(item.get("uids", ""), "|", "^").get("DICOM", "")
        if own.get("Level") == "Patient" and uid:
            own.setdefault(_PATIENT[0], uid)
        node = item.get("dataNode") or item.get("dataNodeID") or ""
        if node:
            found[node] = own
        waiting += [(below, own) for below in item if below.tag == "SubjectHierarchyItem"]
    return found


def _pairs(text: str, between: str, inside: str) -> dict[str, str]:
    """``name:value;name:value``; of several values of a reference the first is taken."""
    found = {}
    for part in text.split(between):
        name, mark, value = part.partition(inside)
        if mark:
            found[name.strip()] = value.strip() if inside == "^" else value.split(" ")[0].strip()
    return found
