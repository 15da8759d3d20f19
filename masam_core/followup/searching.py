"""Carried boxes segmented in a study without masks: there, in pieces, merged, or gone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from masam_core.followup.masks import NamedMask, common, cropped
from masam_core.followup.reading import State
from masam_core.followup.track import Finding, How, Track, union
from masam_core.inference.extend import Extend
from masam_core.lesion.cleaning_options import Keep
from masam_core.lesion.morphology import label_pieces, with_neighbours

if TYPE_CHECKING:
    from masam_core.followup.carrying import Carried
    from masam_core.followup.study import Study
    from masam_core.followup.work import Work
    from masam_core.image.volume import Volume
    from masam_core.lesion.lesion import Lesion

CRUMB = 0.1  # of a lesion's voxels: smaller pieces are left out
LEAST_LEFT = 0.05  # of the carried mask's voxels; less may be no lesion
STANDS_OUT, LOST_CONTRAST = 1.0, 0.35
RING_MM = 6.0
GAUSSIAN = 1.4826  # standard deviation of a Gaussian by its median absolute deviation
NEIGHBOURS = 0.2  # of a piece or a carried mask: what shares less is a neighbour's piece
MERGED = 0.3  # of the smaller mask that two lesions share when they have grown together
UNSURE = 0.5


def segment_carried(
    studies: Sequence[Study],
    tracks: Sequence[Track],
    number: int,
    carried: Sequence[Carried | None],
    work: Work,
) -> None:
    """Segment each lesion in its carried box, and add a finding to its track.

    Args:
        studies: all.
        tracks: lesions of the studies before.
        number: of the study, from 0.
        carried: place of each lesion.
        work: what it is segmented with.
    """
    volume = studies[number].volume
    options = work.options.changed(extend=Extend.AUTO, keep=Keep.ALL)
    boxed = [place is not None and place.box is not None for place in carried]
    lesions: list[Lesion | None] = [None] * len(tracks)
    if any(boxed):
        segmenter = work.segmenter()
        segmenter.set_volume(volume)
        for n, place in enumerate(carried):
            if place is not None and place.box is not None:
                done = (number - 0.5 + 0.5 * n / len(tracks)) / (len(studies) - 1)
                work.say(done, f"study {number + 1}: {tracks[n].name}")
                lesions[n] = segmenter.segment(place.box, options, None, work.cancelled)
        segmenter.forget_volume()
    found: list[tuple[NamedMask, ...]] = [
        _own_pieces(n, lesion, carried) if lesion is not None else ()
        for n, lesion in enumerate(lesions)
    ]
    for n, track in enumerate(tracks):
        place = carried[n]
        lesion = lesions[n]
        if place is None or place.mask is None or lesion is None:
            track.findings.append(_not_found(track, place, number))
            continue
        source = track.last_seen(number)
        assert source is not None
        earlier = union(track.findings[source].parts, studies[source].volume)
        finding = Finding(State.MEASURED, found[n], How.CARRIED, place.quality)
        finding.confidence = lesion.known_confidence
        finding.notes += [note for note in lesion.messages if "fills only" not in note]
        _judge(finding, earlier, studies[source].volume, place, volume)
        track.findings.append(finding)
    _merge(tracks, volume, carried)


def lost_words(carried: Carried | None) -> str:
    """Why a lesion could not be carried over, for the reader."""
    why = "" if carried is None else f": {carried.quality.words}"
    return f"Its place could not be found again{why}. Draw its box in this study by hand."


def _not_found(track: Track, place: Carried | None, number: int) -> Finding:
    if place is None:  # it has had no mask in any study before
        return Finding(track.findings[number - 1].state)
    return Finding(State.UNKNOWN, quality=place.quality, notes=[lost_words(place)], look=True)


def _own_pieces(n: int, lesion: Lesion, carried: Sequence[Carried | None]) -> tuple[NamedMask, ...]:
    """Pieces of a mask that are this lesion's: not a neighbour's that its box holds, no crumbs."""
    pieces, count = label_pieces(lesion.mask)
    total = int(np.count_nonzero(lesion.mask))
    kept = []
    for piece in range(1, count + 1):
        one = cropped(pieces == piece, lesion.name, "", lesion.offset_kji)
        if one is None or one.voxels < CRUMB * total:
            continue
        shared = [0 if place is None else _shared(one, place) for place in carried]
        own = carried[n]
        least = 0 if own is None or own.mask is None else np.count_nonzero(own.mask)
        if max(shared) > shared[n] and shared[n] < NEIGHBOURS * min(one.voxels, least):
            continue
        kept.append(one)
    return tuple(kept)


def _shared(one: NamedMask, place: Carried) -> int:
    if place.mask is None:
        return 0
    other = NamedMask("", place.mask, place.offset_kji)
    return common(one, other)


def _judge(
    finding: Finding, earlier: NamedMask, before: Volume, place: Carried, now: Volume
) -> None:
    """Tell a lesion that is there from one that has gone, or has come apart."""
    assert place.mask is not None
    voxels = sum(part.voxels for part in finding.parts)
    if voxels < max(1, LEAST_LEFT * np.count_nonzero(place.mask)):
        finding.state, finding.parts = State.ABSENT, ()
        finding.notes.append("Nothing is found where it was: it seems to have vanished.")
        finding.look = True
        return
    then, today = contrast(earlier, before), contrast(union(finding.parts, now), now)
    if abs(then) >= STANDS_OUT and today / then < LOST_CONTRAST:
        finding.state, finding.parts = State.ABSENT, ()
        finding.notes.append(
            "What stood out from its surroundings does so no more: it seems to have vanished."
        )
        finding.look = True
        return
    if len(finding.parts) > 1:
        finding.notes.append(f"In {len(finding.parts)} pieces; their diameters are added.")
        finding.look = True
    if finding.confidence is None or finding.confidence < UNSURE:
        finding.look = True


def contrast(mask: NamedMask, volume: Volume) -> float:
    """How far a lesion's median lies from that of a ring around it, in standard deviations there.

    Args:
        mask: of the lesion.
        volume: the image.
    """
    spacing = volume.geometry.spacing[::-1]
    reach = [int(np.ceil(RING_MM / s)) + 1 for s in spacing]
    low = [max(0, o - r) for o, r in zip(mask.offset_kji, reach, strict=True)]
    high = [
        min(n, o + m + r)
        for n, o, m, r in zip(
            volume.geometry.shape, mask.offset_kji, mask.mask.shape, reach, strict=True
        )
    ]
    values = np.asarray(
        volume.array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))], dtype=float
    )
    inside = np.zeros(values.shape, dtype=bool)
    inside[
        tuple(
            slice(o - a, o - a + m)
            for o, a, m in zip(mask.offset_kji, low, mask.mask.shape, strict=True)
        )
    ] = mask.mask
    image = sitk.GetImageFromArray(inside.astype(np.uint8))
    image.SetSpacing([float(s) for s in volume.geometry.spacing])
    away = sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(image, False, False, True))
    finite = np.isfinite(values)
    ring = (away > 1.0) & (away <= RING_MM) & finite
    core = inside & finite
    if not ring.any() or not core.any():
        return 0.0
    around = float(np.median(values[ring]))
    # Of the middle half: a ring may reach into bone, air, or another lesion.
    noise = GAUSSIAN * float(np.median(np.abs(values[ring] - around)))
    noise = noise or float(values[ring].std()) or 1e-6
    return float((np.median(values[core]) - around) / noise)


def _merge(tracks: Sequence[Track], volume: Volume, carried: Sequence[Carried | None]) -> None:
    """Tell lesions that have grown together.

    Their masks share a good part; or they touch, where they did not touch before.
    """
    for n, track in enumerate(tracks):
        for m, other in enumerate(tracks[n + 1 :], n + 1):
            a, b = track.findings[-1], other.findings[-1]
            if not a.parts or not b.parts or State.MERGED in (a.state, b.state):
                continue
            if State.MEASURED not in (a.state, b.state):
                continue
            one, two = union(a.parts, volume), union(b.parts, volume)
            shares = common(one, two) >= MERGED * min(one.voxels, two.voxels)
            if not shares and (not _touch(one, two) or _touched(carried[n], carried[m])):
                continue
            if _last_voxels(other) > _last_voxels(track):
                a, b, first, second = b, a, other, track
            else:
                first, second = track, other
            a.parts = (union((one, two), volume),)
            b.state, b.parts = State.MERGED, ()
            a.notes.append(f"Grown together with '{second.name}'; measured as one.")
            b.notes.append(f"Grown together with '{first.name}', and measured there.")
            a.look = b.look = True


def _touch(one: NamedMask, two: NamedMask) -> bool:
    """Whether two masks share a voxel, or have some that are neighbours."""
    k, j, i = (o - 1 for o in one.offset_kji)
    return common(NamedMask("", with_neighbours(np.pad(one.mask, 1)), (k, j, i)), two) > 0


def _touched(one: Carried | None, two: Carried | None) -> bool:
    """Whether two carried lesions touch, as they did before."""
    if one is None or two is None or one.mask is None or two.mask is None:
        return True
    a, b = (NamedMask("", p.mask, p.offset_kji) for p in (one, two) if p.mask is not None)
    return _touch(a, b)


def _last_voxels(track: Track) -> int:
    source = track.last_seen(len(track.findings) - 1)
    return 0 if source is None else sum(part.voxels for part in track.findings[source].parts)
