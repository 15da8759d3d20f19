"""Places of one study in the other, for two views side by side.

A rigid map of the whole, and around each lesion a lattice of how far the local registration differs
from it: a browser has no B-splines, but it can interpolate.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.followup.carrying import Pair
from masam_core.followup.quality import Quality, Trust, judge, surroundings_fit
from masam_core.followup.registration import (
    AROUND_MM,
    LEAST_OVERLAP,
    Points,
    Registration,
    coarse,
)

STEP_MM = 10.0  # between nodes of the lattice: a quarter of the elastic grid's
MOST_NODES = 12  # along a side
INNER = (0.25, 0.5, 0.75)  # of the later volume, where there and back is tried


def matrix_of(found: Registration) -> NDArray[np.float64]:
    """The (4, 4) matrix of a rigid registration: LPS mm of the later study to the earlier one."""
    at = found.to_earlier(np.vstack([np.zeros(3), np.eye(3)]))
    matrix = np.eye(4)
    matrix[:3, :3] = (at[1:] - at[0]).T
    matrix[:3, 3] = at[0]
    return matrix


def judge_whole(pair: Pair) -> Quality:
    """Whether two studies as a whole lie over each other well enough to link two views.

    By the limits for lesions (:mod:`masam_core.followup.quality`), over the whole of both volumes.
    """
    fixed, moving = coarse(pair.later), coarse(pair.earlier)
    nothing = np.zeros(fixed.GetSize()[::-1], dtype=bool)
    value, shifted = surroundings_fit(fixed, moving, pair.whole.transform, nothing)
    geometry = pair.later.geometry
    last = np.array(geometry.size_ijk) - 1
    inner = geometry.lps_from_ijk([[x, y, z] * last for x in INNER for y in INNER for z in INNER])
    back = pair.back.to_earlier(pair.whole.to_earlier(inner)) - inner
    missed = float(np.median(np.linalg.norm(back, axis=1)))
    both_ct = pair.earlier.kind == pair.later.kind == "CT"
    found = judge(value, shifted, missed, 1.0, both_ct=both_ct)
    overlap = pair.whole.likeness.overlap
    if overlap >= LEAST_OVERLAP:
        return found
    words = f"only {overlap:.0%} of the later image lies in the earlier one".replace("%", " %")
    told = "; ".join(filter(None, [words, found.words]))
    return Quality(Trust.FAILED, told, value, shifted, missed, overlap)


def lattice_of(whole: Registration, local: Registration, place_lps: Points) -> dict[str, Any]:
    """Difference between the registration around a lesion and that of the whole.

    Args:
        whole, local: of the volumes, and around the lesion.
        place_lps: (2, 3) lowest and highest LPS mm of the lesion in the earlier study.

    Returns:
        ``origin`` and ``step`` (LPS mm of the later study, along x, y, z), ``size`` (nodes along x,
        y, z), and ``off``: mm in the earlier study's LPS, three numbers a node, x fastest. Its
        outermost nodes lie 30 mm round the lesion.
    """
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    there = local.to_later(place_lps[0] + corners * (place_lps[1] - place_lps[0]))
    low, high = there.min(axis=0) - AROUND_MM, there.max(axis=0) + AROUND_MM
    size = np.clip(np.ceil((high - low) / STEP_MM).astype(int) + 1, 2, MOST_NODES)
    step = (high - low) / (size - 1)
    z, y, x = np.indices(size[::-1]).reshape(3, -1)
    nodes = low + np.stack([x, y, z], axis=1) * step
    off = local.to_earlier(nodes) - whole.to_earlier(nodes)
    return {
        "origin": np.round(low, 3).tolist(),
        "step": np.round(step, 5).tolist(),
        "size": size.tolist(),
        "off": np.round(off, 2).ravel().tolist(),
    }
