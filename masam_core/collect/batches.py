"""Lesions in a folder of batch results: masks that were looked at and changed after the batch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from masam_core.batch.names import safe_name
from masam_core.batch.states import DONE, SCENE, CaseState, StateFolder, holds_results
from masam_core.collect.found import Corrected, FoundImage, FoundLesion, LeftOut
from masam_core.collect.patients import patient_of_dicom
from masam_core.collect.scenes import LeaveOut
from masam_core.collect.segments import differs, read_segments
from masam_core.errors import VolumeError
from masam_core.export.formats.label_image import shares
from masam_core.export.formats.registry import endings
from masam_core.image.apart import read_apart, read_labels_apart
from masam_core.image.lattice import on_grid
from masam_core.image.volume import Volume

SEGMENTATION = ".seg.nrrd"
OVERLAPS = (
    "it overlaps another lesion, which a label image can't hold: its mask there is cut. Run the "
    "batch with --format .seg.nrrd"
)


def is_batch(path: Path) -> bool:
    """Whether a path is a folder of results of ``masam batch``."""
    return path.is_dir() and holds_results(path)


def read_batch(path: Path, leave_out: LeaveOut) -> Iterator[FoundImage]:
    """Read the cases of a folder of results that are done.

    Args:
        path: the folder.
        leave_out: called for what can't be taken.

    Raises:
        ConfigError: results of an earlier version.
    """
    for name, state in StateFolder(path).others(()):
        what = f"{path.name}, case '{name}'"
        mask = _mask_file(path, name)
        if state.status != DONE:
            leave_out(LeftOut(what, f"it is {state.status}, not done"))
        elif state.source == SCENE:
            leave_out(LeftOut(what, "its image was loaded in Slicer: collect the saved scene"))
        elif not state.source or not Path(state.source).exists():
            leave_out(LeftOut(what, "its image is not where it was any more"))
        elif mask is None:
            leave_out(LeftOut(what, "its mask is not there any more"))
        else:
            source = Path(state.source)
            try:
                volume = read_apart(source).with_modality(_modality(state))
                lesions = list(_lesions(mask, volume, state, leave_out))
            except VolumeError as error:
                leave_out(LeftOut(what, str(error)))
                continue
            yield FoundImage(volume, patient_of_dicom(source), path, "batch", lesions)


def _lesions(
    mask: Path, volume: Volume, state: CaseState, leave_out: LeaveOut
) -> Iterator[FoundLesion]:
    if mask.name.endswith(SEGMENTATION):
        for segment in read_segments(mask):
            placed = on_grid(segment.mask, segment.geometry, volume.geometry, mask)
            yield segment.as_lesion(placed, f"{mask.name} {segment.identity}")
        return
    labels, geometry = read_labels_apart(mask)
    labels = on_grid(labels, geometry, volume.geometry, mask)
    for number, row in enumerate(state.rows, 1):
        own = labels == number
        name = str(row.get("lesion") or f"lesion {number}")
        if shares(name) in state.message:  # a label image has room for one a voxel
            leave_out(LeftOut(f"{mask.name}, {name}", OVERLAPS))
            continue
        changed = differs(own, volume.geometry, row)
        yield FoundLesion(
            name=name,
            identity=f"{mask.name} {number}",
            mask=own,
            corrected=Corrected.TOUCHED_UP if changed else Corrected.NO,
            prompts=_prompts(row.get("prompts")),
            model=str(row.get("model") or ""),
        )


def _mask_file(folder: Path, name: str) -> Path | None:
    found: Sequence[Path] = [folder / f"{safe_name(name)}{end}" for end in endings(masks=True)]
    return next((path for path in found if path.is_file()), None)


def _modality(state: CaseState) -> str | None:
    said = state.made_of.get("modality")
    return str(said) if said else None


def _prompts(text: Any) -> dict[str, Any]:
    try:
        return dict(json.loads(text)) if isinstance(text, str) else {}
    except (ValueError, TypeError, RecursionError):
        return {}
