"""A lesion's first click: the piece of a mask that it means, and its voxel, which is obeyed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from masam_core.image.geometry import CanonicalFrame, Geometry
from masam_core.inference.canonical_crop import Triple, canonical_voxels
from masam_core.inference.correcting import Said
from masam_core.lesion.morphology import label_pieces, without_holes
from masam_core.prompts.corrections import Correction, CorrectionKind, correction_voxels
from masam_core.prompts.first import PointPrompt
from masam_core.prompts.record import PromptRecord

Mask = NDArray[np.bool_]


def first_voxels(record: PromptRecord, geometry: Geometry) -> NDArray[np.int64]:
    """The voxels (n, 3) i, j, k that a lesion's first prompt calls lesion: that of a click.

    Other prompts name none. Neither does a click that came with a mask: there the mask is the
    user's word.

    Raises:
        BoxError: the click lies outside the volume.
    """
    if record.started_from_mask or not isinstance(record.first, PointPrompt):
        return np.empty((0, 3), dtype=np.int64)
    return click_voxel(record.first, geometry)


def click_voxel(prompt: PointPrompt, geometry: Geometry) -> NDArray[np.int64]:
    """The voxel (1, 3) i, j, k in which a click lies; BoxError where it is in none."""
    said = Correction(CorrectionKind.POINT, prompt.points_lps, True)
    return correction_voxels(said, geometry)


def first_said(record: PromptRecord, frame: CanonicalFrame) -> list[Said]:
    """What a lesion's first prompt says of single voxels, as the corrections after it do."""
    voxels = first_voxels(record, frame.geometry)
    return [Said(canonical_voxels(voxels, frame), True)] if len(voxels) else []


def piece_at(mask: Mask, row: int, col: int) -> Mask:
    """The connected piece of a slice's mask that holds a pixel.

    A pixel that a piece encloses counts as held by it: a lesion that takes up contrast at its rim
    alone is clicked in the middle.

    Args:
        mask: (rows, columns).
        row, col: of the pixel.

    Returns:
        The piece's own pixels; none where no piece holds the pixel.
    """
    if not (0 <= row < mask.shape[0] and 0 <= col < mask.shape[1]):
        return np.zeros_like(mask)
    whole = mask if mask[row, col] else np.asarray(without_holes(mask))
    pieces, _ = label_pieces(whole)
    if not pieces[row, col]:
        return np.zeros_like(mask)
    return np.asarray(mask & (pieces == pieces[row, col]))


def obey_first(
    mask: Mask,
    probability: NDArray[np.float32],
    offset: Triple,
    voxels: NDArray[np.int64],
) -> tuple[Mask, NDArray[np.float32], Triple, bool]:
    """Set the voxels that a first prompt called lesion.

    Where the mask neither holds nor touches them, it is that of something else, and goes.

    Args:
        mask, probability: a crop KJI of the volume.
        offset: index in the volume of its first voxel.
        voxels: (n, 3) i, j, k; none leaves all as it is.

    Returns:
        Mask, probability and offset, of a larger crop where a voxel lay outside; and whether
        anything was found there, so that the mask is more than those voxels.
    """
    if not len(voxels):
        return mask, probability, offset, True
    kji = voxels[:, ::-1] - np.array(offset)
    before = np.maximum(0, -kji.min(axis=0))
    after = np.maximum(0, kji.max(axis=0) + 1 - np.array(mask.shape))
    rim = list(zip(before.tolist(), after.tolist(), strict=True))
    mask, probability = np.pad(mask, rim), np.pad(probability, rim)
    where = tuple((kji + before).T)
    inside = bool(mask[where].all()) or _enclosed(mask, where)
    mask[where], probability[where] = True, 1.0
    found = inside
    if not inside:
        pieces, _ = label_pieces(mask)
        own = np.isin(pieces, np.unique(pieces[where]))
        found = int(own.sum()) > len(voxels)
        mask, probability = own, np.where(own | ~mask, probability, 0).astype(np.float32)
    k, j, i = (int(o - b) for o, b in zip(offset, before, strict=True))
    return mask, probability, (k, j, i), found


def _enclosed(mask: Mask, where: tuple[NDArray[np.int64], ...]) -> bool:
    """Whether the mask surrounds voxels within a plane along some two axes."""
    return any(
        all(
            without_holes(np.take(mask, voxel[axis], axis=axis))[tuple(np.delete(voxel, axis))]
            for voxel in np.stack(where, axis=1)
        )
        for axis in range(3)
    )
