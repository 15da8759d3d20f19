"""Lesions in a saved scene: a bundle (``.mrb``), or a scene file (``.mrml``) with files beside it.

Read from the files alone, without Slicer: a bundle is a zip of the scene's text, images,
segmentations and markups. The workbench's sessions are saved as the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from masam_core.collect.found import FoundImage, FoundLesion, LeftOut
from masam_core.collect.mrml import (
    MOST_BYTES,
    SceneSegmentation,
    SceneText,
    SceneVolume,
    parse_scene,
    possible_files,
)
from masam_core.collect.segments import LESION, StoredSegment, read_segments
from masam_core.errors import VolumeError
from masam_core.image.apart import read_apart
from masam_core.image.archive import unpack
from masam_core.image.lattice import on_grid
from masam_core.image.volume import Volume

BUNDLE, TEXT = ".mrb", ".mrml"
LeaveOut = Callable[[LeftOut], None]
Find = Callable[[str], Path | None]


def is_scene(path: Path) -> bool:
    """Whether a path is a saved scene, by its ending."""
    return path.suffix.lower() in (BUNDLE, TEXT) and path.is_file()


def read_scene(path: Path, leave_out: LeaveOut) -> Iterator[FoundImage]:
    """Read the images of a saved scene in which there are segments, one after the other.

    Args:
        path: of the bundle or of the scene file.
        leave_out: called for what can't be taken.

    Raises:
        VolumeError: no scene, or damaged.
    """
    if path.suffix.lower() == BUNDLE:
        with tempfile.TemporaryDirectory(prefix="masam-collect-") as folder:
            yield from _in_bundle(path, Path(folder), leave_out)
        return
    with path.open("rb") as file:
        text = parse_scene(file.read(MOST_BYTES + 1), path)

    def beside(name: str) -> Path | None:
        return next((f for n in possible_files(name) if (f := path.parent / n).is_file()), None)

    yield from _images(path, text, beside, leave_out)


def _in_bundle(path: Path, folder: Path, leave_out: LeaveOut) -> Iterator[FoundImage]:
    try:
        members = unpack(path, folder)
    except VolumeError as error:
        raise VolumeError(f"{path}: {error}") from error
    inside = {str(PurePosixPath(m.folder) / m.name): m.path for m in members}
    scenes = sorted((name for name in inside if name.lower().endswith(TEXT)), key=len)
    if not scenes:
        raise VolumeError(f"{path} is no bundle of Slicer: there is no scene ({TEXT}) in it.")
    root = PurePosixPath(scenes[0]).parent
    with inside[scenes[0]].open("rb") as file:
        text = parse_scene(file.read(MOST_BYTES + 1), path)

    def find(name: str) -> Path | None:
        return next(
            (inside[f] for n in possible_files(name) if (f := str(root / n)) in inside), None
        )

    yield from _images(path, text, find, leave_out)


def _images(path: Path, text: SceneText, find: Find, leave_out: LeaveOut) -> Iterator[FoundImage]:
    chosen: dict[str, list[tuple[SceneSegmentation, StoredSegment]]] = {}
    for segmentation in text.segmentations:
        for segment in _segments(path, segmentation, find, leave_out):
            what = f"{path.name}, lesion '{segment.name}'"
            volume = text.volume_of(segmentation, segment.tags.get(LESION, ""))
            if volume is None:
                leave_out(LeftOut(what, "the scene does not say of which image it is"))
            elif volume.transform != segmentation.transform:
                leave_out(LeftOut(what, "image and segmentation lie under different transforms"))
            else:
                chosen.setdefault(volume.id, []).append((segmentation, segment))
    # Where DICOM says nothing, the images of one scene are taken for those of one patient.
    said = {volume.patient for volume in text.volumes.values() if volume.patient}
    only, first = (said.pop() if len(said) == 1 else ""), ""
    for identity, segments in chosen.items():
        node = text.volumes[identity]
        image = _volume(path, node, find, leave_out, len(segments))
        if image is not None:
            lesions = list(_lesions(path, image, segments, leave_out))
            patient = node.patient or only
            found = FoundImage(image, patient, path, "saved scene", lesions, first)
            first = first or found.voxels_digest
            yield found


def _segments(
    path: Path, segmentation: SceneSegmentation, find: Find, leave_out: LeaveOut
) -> list[StoredSegment]:
    file = find(segmentation.file)
    what = f"{path.name}, a segmentation"
    if file is None:
        leave_out(LeftOut(what, f"its file {segmentation.file} is not there"))
        return []
    try:
        return read_segments(file)
    except VolumeError as error:
        leave_out(LeftOut(what, str(error).replace(str(file), segmentation.file)))
    return []


def _volume(
    path: Path, node: SceneVolume, find: Find, leave_out: LeaveOut, count: int
) -> Volume | None:
    file = find(node.file)
    what = f"{path.name}, an image with {count} segment{'' if count == 1 else 's'}"
    if file is None:
        leave_out(LeftOut(what, f"its file {node.file} is not there"))
        return None
    try:
        return read_apart(file).with_modality(node.modality)
    except VolumeError as error:
        leave_out(LeftOut(what, str(error).replace(str(file), node.file)))
    return None


def _lesions(
    path: Path,
    image: Volume,
    segments: list[tuple[SceneSegmentation, StoredSegment]],
    leave_out: LeaveOut,
) -> Iterator[FoundLesion]:
    for segmentation, segment in segments:
        what = f"{path.name}, lesion '{segment.name}'"
        try:
            mask = on_grid(segment.mask, segment.geometry, image.geometry, "The segmentation")
        except VolumeError as error:
            leave_out(LeftOut(what, str(error)))
            continue
        yield segment.as_lesion(mask, f"{segmentation.id} {segment.identity}")
