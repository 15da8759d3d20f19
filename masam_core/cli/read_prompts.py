"""What was typed for `masam segment`, read: words and files in, lesions to ask for out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from masam_core.cli.prompts import Frame, Typed
from masam_core.errors import BoxError, VolumeError
from masam_core.image.lattice import on_grid
from masam_core.image.volume import read_labels
from masam_core.lesion.crops import tight_box
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.corrections import Correction, CorrectionKind, correction_voxels
from masam_core.prompts.dicom.objects import kind_of
from masam_core.prompts.dicom.regions import one_region
from masam_core.prompts.first import FirstPrompt, LinePrompt, PointPrompt, SliceBoxPrompt
from masam_core.prompts.pointwise import read_correction
from masam_core.prompts.readers.dicom import left_out
from masam_core.prompts.record import PromptRecord
from masam_core.prompts.stored import read_records
from masam_core.prompts.together import records_of_files

if TYPE_CHECKING:
    from masam_core.image.geometry import Geometry
    from masam_core.image.volume import Volume

Points = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Asked:
    """The lesions that are asked for.

    Attributes:
        records: a lesion each.
        mask: bool KJI on the image's grid, which the only lesion begins with; or None.
        notes: for the user, on what was left out.
    """

    records: list[PromptRecord]
    mask: NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = ()


def read_typed(typed: Typed, volume: Volume, shown: str = "") -> Asked:
    """Read everything that was typed, on an image.

    Args:
        typed: prompts and files.
        volume: the image.
        shown: what files are called in notes; their names if not given.

    Raises:
        BoxError: see :meth:`Typed.require_sense`; prompts that are none or lie outside the image;
            a mask or corrections where there are several lesions.
        VolumeError: a mask or label image that can't be read.
    """
    typed.require_sense()
    if typed.automatic:
        return Asked([])
    records = _records(typed, volume)
    corrections = _corrections(typed, volume.geometry)
    mask = None
    if typed.mask is not None:
        mask, known = _mask(typed.mask, volume.geometry, tuple(typed.only))
        records = records or [PromptRecord(known)]
    if len(records) > 1 and (corrections or mask is not None):
        names = ", ".join(f"'{record.name}'" for record in records if record.name)
        raise BoxError(
            f"A mask or a correction belongs to one lesion; received {len(records)} lesions"
            + (f" ({names}). Choose one with --only NAME." if typed.prompts else ".")
        )
    records = [_named(record, number) for number, record in enumerate(records, 1)]
    if mask is None:
        _require_mask_known(records, typed)
    else:
        records = [replace(records[0], started_from_mask=True)]
    files = [*typed.roi, *([] if typed.prompts is None else [typed.prompts])]
    notes = tuple(filter(None, (left_out(path, volume.geometry, shown) for path in files)))
    return Asked([record.with_corrections(*corrections) for record in records], mask, notes)


def _require_mask_known(records: Sequence[PromptRecord], typed: Typed) -> None:
    for record in records:
        if record.started_from_mask:
            raise BoxError(
                f"{typed.prompts}: '{record.name}' began with a mask that was given to it, which "
                "is not kept with its prompts. Give that mask with --mask FILE"
                + (f" --only '{record.name}'." if len(records) > 1 else ".")
            )


def _records(typed: Typed, volume: Volume) -> list[PromptRecord]:
    geometry = volume.geometry
    if typed.prompts is not None and kind_of(typed.prompts) is not None:
        return _of_dicom(typed.prompts, geometry, typed.only)
    if typed.prompts is not None:
        return read_records(typed.prompts, volume, tuple(typed.only))
    if typed.roi or typed.boxes_from is not None:
        files = [typed.boxes_from] if typed.boxes_from is not None else list(typed.roi)
        return records_of_files(files, geometry, typed.per)
    place = _placing(typed.frame, geometry)
    firsts: list[FirstPrompt] = [BoxPrompt.from_voxels(*_six(text)) for text in typed.box]
    for text in typed.line:
        ends = place("--line", text, (2, 4))
        firsts.append(LinePrompt(ends[:2], ends[2:] if len(ends) > 2 else None))
    for text in typed.slice_box:
        corners = place("--slice-box", text, (2, 4))
        firsts.append(
            SliceBoxPrompt(corners if len(corners) > 2 else _rectangle(corners, typed, geometry))
        )
    firsts += [PointPrompt(place("--click", text, (1,))[0]) for text in typed.click]
    for first in firsts:
        first.require_inside(geometry.canonical_frame())
    return [PromptRecord(first) for first in firsts]


def _corrections(typed: Typed, geometry: Geometry) -> list[Correction]:
    place = _placing(typed.frame, geometry)
    found = [
        Correction(CorrectionKind.POINT, place(option, text, (1,)), positive)
        for option, texts, positive in (
            ("--point", typed.point, True),
            ("--not-point", typed.not_point, False),
        )
        for text in texts
    ]
    for paths, kind, positive in (
        (typed.scribble, CorrectionKind.SCRIBBLE, None),
        (typed.not_scribble, CorrectionKind.SCRIBBLE, False),
        (typed.lasso, CorrectionKind.LASSO, None),
        (typed.not_lasso, CorrectionKind.LASSO, False),
    ):
        found += [each for path in paths for each in read_correction(path, kind, positive)]
    for each in found:
        correction_voxels(each, geometry)  # told before the model is loaded
    return found


def _placing(frame: Frame, geometry: Geometry) -> Callable[[str, str, tuple[int, ...]], Points]:
    """A function that makes positions (n, 3) LPS mm of what was typed for an option."""

    def place(option: str, text: str, counts: tuple[int, ...]) -> Points:
        try:
            numbers = np.array([float(word) for word in text.replace(",", " ").split()])
        except ValueError:
            numbers = np.empty(0)
        if len(numbers) not in [3 * count for count in counts] or not np.isfinite(numbers).all():
            expected = " or ".join(str(3 * count) for count in counts)
            raise BoxError(
                f"{option} {text!r}: expected {expected} numbers, 'X,Y,Z' for each position, in "
                f"quotes; {frame.value.upper()} "
                + ("voxel indices." if frame is Frame.IJK else "mm.")
            )
        points = numbers.reshape(-1, 3)
        if frame is Frame.IJK:
            return geometry.lps_from_ijk(points)
        return points if frame is Frame.LPS else points * (-1.0, -1.0, 1.0)

    return place


def _rectangle(corners: Points, typed: Typed, geometry: Geometry) -> Points:
    """(4, 3) corners of the rectangle along the voxel axes between two opposite ones, LPS mm.

    Voxel indices count as those of ``--box`` do: both ends belong to it.
    """
    ends = geometry.ijk_from_lps(corners)
    indices = np.floor(ends + 0.5)
    across = geometry.acquisition_axis
    if indices[0, across] != indices[1, across]:  # drawn across the slices
        across = int(np.abs(ends[1] - ends[0]).argmin())
    index = indices[:, across]
    if index[0] != index[1]:
        raise BoxError(
            f"--slice-box: its corners lie on slices {index[0]:.0f} and {index[1]:.0f} along "
            f"{'ijk'[across]}; expected two opposite corners on one slice."
        )
    low, high = ends.min(axis=0), ends.max(axis=0)
    if typed.frame is Frame.IJK:
        low, high = low - 0.5, high + 0.5
    u, v = (axis for axis in range(3) if axis != across)
    square = np.empty((4, 3))
    square[:, across] = index[0]
    square[:, u] = [low[u], high[u], high[u], low[u]]
    square[:, v] = [low[v], low[v], high[v], high[v]]
    return geometry.lps_from_ijk(square)


def _mask(
    path: Path, geometry: Geometry, only: tuple[str, ...]
) -> tuple[NDArray[np.bool_], BoxPrompt]:
    """A mask to begin with (bool KJI on the image's grid), and its tight box.

    Of a label image its only label; of a DICOM segmentation or structure set the only lesion, or
    the one of that name.
    """
    if kind_of(path) is not None:
        region = one_region(path, geometry, only)
        mask = region.mask()
        tight = BoxPrompt.from_voxels(*tight_box(mask), name=region.name)
        return mask, replace(tight, tracking_uid=region.tracking_uid)
    labels, own = read_labels(path)
    try:
        labels = on_grid(labels, own, geometry, path)
    except VolumeError as error:
        raise BoxError(str(error)) from error
    values = np.unique(labels[labels > 0])
    if len(values) != 1:
        found = "no label" if not len(values) else f"{len(values)} labels"
        raise BoxError(f"{path} holds {found}; expected the mask of one lesion to begin with.")
    mask = np.asarray(labels > 0)
    return mask, BoxPrompt.from_voxels(*tight_box(mask))


def _of_dicom(path: Path, geometry: Geometry, only: Sequence[str]) -> list[PromptRecord]:
    """The lesions of a DICOM object, or those of some names."""
    records = records_of_files([path], geometry)
    missing = [name for name in only if name not in {record.name for record in records}]
    if missing:
        known = ", ".join(f"'{record.name}'" for record in records)
        raise BoxError(f"{path} holds no lesion '{missing[0]}'; it holds {known}.")
    return [record for record in records if not only or record.name in only]


def _named(record: PromptRecord, number: int) -> PromptRecord:
    name = record.name or f"lesion {number}"
    return replace(record, first=record.first.renamed(name))


def _six(text: str) -> list[int]:
    parts = text.replace(",", " ").split()
    try:
        numbers = [int(p) for p in parts]
    except ValueError:
        numbers = []
    if len(numbers) != 6:
        raise BoxError(
            f"--box {text!r}: expected six whole numbers 'I0 I1 J0 J1 K0 K1', in quotes."
        )
    return numbers
