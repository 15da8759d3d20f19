"""Scenes as Slicer saves them, written by hand."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from masam_core.export.seg_nrrd import Segment, write_seg_nrrd
from masam_core.image.geometry import Geometry
from masam_core.image.plain_nrrd import write_plain_nrrd
from masam_core.lesion.digest import mask_digest

SHAPE = (10, 24, 20)


def geometry(shift: float = 0.0) -> Geometry:
    return Geometry.from_spacing(SHAPE, (0.8, 0.8, 2.5), (-10.0 + shift, 5.0, 30.0))


def image(seed: int = 0) -> NDArray[np.int16]:
    values: NDArray[np.int16] = np.random.default_rng(seed).integers(0, 900, SHAPE, dtype=np.int16)
    return values


def ball(k: int, j: int, i: int, radius: float) -> NDArray[np.bool_]:
    """A bool KJI mask around a voxel."""
    z, y, x = np.indices(SHAPE)
    inside: NDArray[np.bool_] = (x - i) ** 2 + (y - j) ** 2 + (2 * (z - k)) ** 2 <= radius**2
    return inside


def lesion(
    name: str,
    mask: NDArray[np.bool_],
    made: NDArray[np.bool_] | None = None,
    **tags: str,
) -> Segment:
    """A segment as the module leaves it; ``made`` is the mask that MASAM wrote, if another."""
    first = mask_digest(mask if made is None else made)
    own = {"MASAM.Lesion": f"id of {name}", "MASAM.MaskSHA256": first, "MASAM.Model": "small"}
    named = {key.replace("_", "."): value for key, value in tags.items()}
    return Segment(name, mask, (0, 0, 0), (1.0, 0.5, 0.2), tags={**own, **named})


def write_scene(
    path: Path,
    segments: Sequence[Segment],
    voxels: NDArray[np.int16] | None = None,
    patient: str = "",
    volume: Mapping[str, str] | None = None,
    segmentation: str = "referenceImageGeometryRef:V1;",
    crop: tuple[slice, slice, slice] | None = None,
    shift: float = 0.0,
) -> Path:
    """A scene with one image and one segmentation, as a bundle (.mrb) or a file with others beside.

    Args:
        path: its ending says which.
        segments: of the segmentation.
        voxels: of the image.
        patient: its DICOM ID in the subject hierarchy.
        volume: further attributes of the image's node.
        segmentation: references of the segmentation's node.
        crop: part of the image's grid on which the segmentation is stored.
        shift: mm by which image and segmentation lie further to the left.
    """
    where = crop or (slice(0, SHAPE[0]), slice(0, SHAPE[1]), slice(0, SHAPE[2]))
    parts = [
        Segment(s.name, s.mask[where], s.offset_kji, s.color, s.kind, s.tags) for s in segments
    ]
    whole = geometry(shift)
    start = [[s.start for s in where][::-1]]
    matrix = whole.ijk_to_lps.copy()
    matrix[:3, 3] = whole.lps_from_ijk(np.array(start, dtype=float))[0]
    own = Geometry(tuple(s.stop - s.start for s in where), matrix)  # type: ignore[arg-type]
    folder = path.parent / f"{path.stem}-files" if path.suffix == ".mrb" else path.parent
    (folder / "Data").mkdir(parents=True, exist_ok=True)
    write_plain_nrrd(folder / "Data" / "a scan.nrrd", image() if voxels is None else voxels, whole)
    write_seg_nrrd(folder / "Data" / "s.seg.nrrd", parts, own)
    text = scene_text(patient, volume or {}, segmentation)
    if path.suffix != ".mrb":
        path.write_text(text, "utf-8")
        return path
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("scene/", b"")
        bundle.writestr("scene/scene.mrml", text)
        for file in sorted((folder / "Data").iterdir()):
            bundle.write(file, f"scene/Data/{file.name}")
            file.unlink()
    (folder / "Data").rmdir()
    folder.rmdir()
    return path


def scene_text(patient: str, volume: Mapping[str, str], segmentation: str) -> str:
    """MRML, as Slicer writes it."""
    out = io.StringIO()
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n<MRML version="Slicer 5.10.0">\n')
    item = '<SubjectHierarchyItem id="9" dataNode="V1" parent="7" type="Volumes" />'
    ids = quoteattr(f"DICOM.PatientID^{patient}|DICOM.PatientName^Doe^John|Level^Patient|")
    if patient:
        item = f'<SubjectHierarchyItem id="7" parent="5" attributes={ids}>{item}'
        item += "</SubjectHierarchyItem>"
    out.write(f'<SubjectHierarchy id="H"><SubjectHierarchyItem id="5">{item}')
    out.write("</SubjectHierarchyItem></SubjectHierarchy>\n")
    given = {"references": "storage:VS;", **volume}
    attributes = " ".join(f"{name}={quoteattr(value)}" for name, value in given.items())
    out.write(f'<Volume id="V1" name="Doe, John" {attributes}></Volume>\n')
    out.write(f'<Segmentation id="S1" name="s" references="{segmentation}storage:SS;" />\n')
    out.write('<VolumeArchetypeStorage id="VS" fileName="Data/a%20scan.nrrd" />\n')
    out.write('<SegmentationStorage id="SS" fileName="Data/s.seg.nrrd" />\n</MRML>\n')
    return out.getvalue()
