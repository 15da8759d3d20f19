"""Which lesion of a later study is which of the earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from masam_core.followup.masks import NamedMask, common
from masam_core.image.geometry import Geometry

OVERLAP = 0.2  # of the smaller of two masks
NEAR_MM = 10.0  # between centres of two small lesions that just miss each other
_GENERIC = ("lesion", "segment", "label", "finding", "mask", "roi", "box")


@dataclass(frozen=True, eq=False)
class Known:
    """A lesion of the earlier studies.

    Attributes:
        name, tracking_uid: of it.
        carried: its mask in the later study; None where it could not be carried over.
    """

    name: str
    tracking_uid: str
    carried: NamedMask | None


@dataclass(frozen=True)
class Match:
    """Lesions that are one: of the earlier studies, and of the later one.

    One to one is the same lesion, one to several has split, several to one have merged, one to none
    has vanished (or was not found again), none to one is new.

    Attributes:
        known: indices of earlier lesions.
        found: indices of later lesions.
        by: what they were matched by, in words; empty where nothing was matched.
    """

    known: tuple[int, ...]
    found: tuple[int, ...]
    by: str


def match(known: Sequence[Known], found: Sequence[NamedMask], geometry: Geometry) -> list[Match]:
    """Match lesions over time: by tracking UID, by place after registration, else by name.

    A name counts only where the place says nothing: where the earlier lesion could not be carried
    over. It must be one lesion's alone in both studies, and more than a number of ours.

    Args:
        known: earlier lesions.
        found: of the later study.
        geometry: of the later study.

    Returns:
        Matches in which every lesion stands once, in the order of the earlier lesions; new ones
        last.
    """
    links: dict[tuple[int, int], str] = {}
    for k, old in enumerate(known):
        for f, new in enumerate(found):
            if old.tracking_uid and old.tracking_uid == new.tracking_uid:
                links[k, f] = "tracking UID"
    told_known, told_found = ({pair[axis] for pair in links} for axis in (0, 1))
    free_known = [k for k in range(len(known)) if k not in told_known]
    free_found = [f for f in range(len(found)) if f not in told_found]
    for k in free_known:
        for f in range(len(found)):
            carried = known[k].carried
            if carried is not None and _overlap(carried, found[f]) >= OVERLAP:
                # Also with one that a UID names: two lesions may have grown together.
                links[k, f] = "place"
    for k in told_known:
        for f in free_found:
            carried = known[k].carried
            if carried is not None and _overlap(carried, found[f]) >= OVERLAP:
                links[k, f] = "place"
    _near(known, found, geometry, links)
    _named(known, found, links)
    return _groups(len(known), len(found), links)


def _overlap(a: NamedMask, b: NamedMask) -> float:
    """Shared voxels as a share of the smaller mask."""
    return common(a, b) / max(1, min(a.voxels, b.voxels))


def _near(
    known: Sequence[Known],
    found: Sequence[NamedMask],
    geometry: Geometry,
    links: dict[tuple[int, int], str],
) -> None:
    """Link lesions so small that they just miss each other, where each is the other's nearest."""
    ks = [
        k
        for k in range(len(known))
        if known[k].carried is not None and all(pair[0] != k for pair in links)
    ]
    fs = [f for f in range(len(found)) if all(pair[1] != f for pair in links)]
    if not ks or not fs:
        return
    a = np.array([_centre(carried, geometry) for k in ks if (carried := known[k].carried)])
    b = np.array([_centre(found[f], geometry) for f in fs])
    apart = np.linalg.norm(a[:, None] - b[None], axis=2)
    for row, k in enumerate(ks):
        column = int(apart[row].argmin())
        if apart[row, column] <= NEAR_MM and int(apart[:, column].argmin()) == row:
            links[k, fs[column]] = f"place, {apart[row, column]:.0f} mm apart"


def _named(
    known: Sequence[Known], found: Sequence[NamedMask], links: dict[tuple[int, int], str]
) -> None:
    names = [_key(each.name) for each in known], [_key(each.name) for each in found]
    for k, old in enumerate(known):
        if old.carried is not None or any(pair[0] == k for pair in links):
            continue
        key = names[0][k]
        if not key or names[0].count(key) != 1 or names[1].count(key) != 1:
            continue
        f = names[1].index(key)
        if all(pair[1] != f for pair in links):
            links[k, f] = "name alone"


def _key(name: str) -> str:
    """A name to be compared; empty where it says nothing about the lesion."""
    key = " ".join(name.lower().split())
    words = [word for word in key.split() if not word.isdigit()]
    return "" if all(word in _GENERIC for word in words) else key


def _centre(mask: NamedMask, geometry: Geometry) -> NDArray[np.float64]:
    kji = np.argwhere(mask.mask).mean(axis=0) + mask.offset_kji
    return geometry.lps_from_ijk([kji[::-1]])[0]


def _groups(known: int, found: int, links: dict[tuple[int, int], str]) -> list[Match]:
    """Lesions that hang together by links."""
    out: list[Match] = []
    seen_known: set[int] = set()
    seen_found: set[int] = set()
    for start in range(known):
        if start in seen_known:
            continue
        ks, fs = {start}, set[int]()
        while True:
            more_f = {f for k, f in links if k in ks} | fs
            more_k = {k for k, f in links if f in more_f} | ks
            if (more_k, more_f) == (ks, fs):
                break
            ks, fs = more_k, more_f
        seen_known |= ks
        seen_found |= fs
        by = sorted({words for (k, _), words in links.items() if k in ks})
        out.append(Match(tuple(sorted(ks)), tuple(sorted(fs)), " and ".join(by)))
    out += [Match((), (f,), "") for f in range(found) if f not in seen_found]
    return out
