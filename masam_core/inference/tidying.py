"""Cleaning a corrected mask: only where it was corrected, and never against the user."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from masam_core.inference.canonical_crop import Place
from masam_core.inference.canvas import BELOW, Canvas
from masam_core.inference.correcting import Said, obey
from masam_core.lesion.cleaning import fill_enclosed, smooth
from masam_core.lesion.cleaning_options import Keep, PostprocessOptions
from masam_core.lesion.morphology import label_pieces, with_neighbours


def tidy(
    canvas: Canvas,
    places: Sequence[Place],
    said: Sequence[Said],
    centre: Place,
    options: PostprocessOptions,
) -> None:
    """Smooth, fill and drop pieces as the options say, within the patches alone.

    A piece is dropped only if it lies wholly within the patches and holds nothing that the user
    called lesion. A hole stays open if the user said that it, or a voxel beside it, is none of the
    lesion, if a correction opened it, or if it was there before: the first mask was cleaned, so
    that somebody wanted the holes that it has now. Where pieces that reach into the box's middle
    are kept, so is the largest.

    Args:
        canvas: is changed.
        places: of the patches, in the canonical volume.
        said: all that the user said, in its order; it holds after the cleaning as before it.
        centre: middle of the box, in the canonical volume.
        options: how masks are cleaned.
    """
    obey(canvas, said)
    zone = np.zeros_like(canvas.mask)
    for place in places:
        zone[canvas.inside(place)] = True
    wanted = _wanted_open(canvas, said)
    cleaned = canvas.mask
    if options.smooth_mm > 0 and cleaned.any():
        rounded = smooth(cleaned, canvas.frame.spacing[::-1], options.smooth_mm)
        # What the user wants open may be too small to outlive the Gaussian.
        cleaned = rounded & ~_holes(cleaned, wanted) if rounded.any() else cleaned
    if options.fill_holes:
        cleaned = fill_enclosed(cleaned) & ~_holes(cleaned, wanted)
    _set(canvas, np.where(zone, cleaned & (canvas.allowed | canvas.mask), canvas.mask))
    obey(canvas, said)
    if options.keep is not Keep.ALL:
        _set(canvas, canvas.mask & ~_stray(canvas, zone, said, centre, options.keep))


def _wanted_open(canvas: Canvas, said: Sequence[Said]) -> NDArray[np.bool_]:
    """What is no lesion by the user's word, with the voxels beside, by a correction, or before."""
    denied = np.zeros_like(canvas.mask)
    for each in said:
        denied[canvas.index(each.voxels)] = not each.positive
    if denied.any():
        denied = with_neighbours(denied)
    return np.asarray((denied | canvas.opened) & ~canvas.mask)


def _holes(mask: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The holes of a mask that hold a voxel that is wanted open."""
    holes, count = label_pieces(fill_enclosed(mask) & ~mask, corners=False)
    kept = np.zeros(count + 1, dtype=bool)
    kept[np.unique(holes[wanted])] = True
    kept[0] = False
    return np.asarray(kept[holes])


def _stray(
    canvas: Canvas, zone: NDArray[np.bool_], said: Sequence[Said], centre: Place, keep: Keep
) -> NDArray[np.bool_]:
    """The pieces that go."""
    pieces, count = label_pieces(canvas.mask)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    sizes[0] = 0
    kept = np.zeros(count + 1, dtype=bool)
    kept[int(sizes.argmax())] = True
    kept[np.unique(pieces[~zone])] = True
    for each in said:
        if each.positive and len(each.voxels):
            kept[np.unique(pieces[canvas.index(each.voxels)])] = True
    if keep is Keep.CENTRE:
        kept[np.unique(pieces[_on(canvas, centre)])] = True
    kept[0] = True
    return np.asarray(~kept[pieces])


def _on(canvas: Canvas, place: Place) -> Place:
    """A part of the canonical volume, as far as it lies on the canvas."""
    inner = canvas.inside(place)
    a, b, c = (
        slice(max(0, s.start), max(0, min(s.stop, n)))
        for s, n in zip(inner, canvas.mask.shape, strict=True)
    )
    return a, b, c


def _set(canvas: Canvas, mask: NDArray[np.bool_]) -> None:
    """Take over a cleaned mask, and make the probability agree with it."""
    added, dropped = mask & ~canvas.mask, canvas.mask & ~mask
    canvas.probability[added] = canvas.threshold
    canvas.probability[dropped] = canvas.threshold * (1 - BELOW)
    canvas.mask = mask
