"""What became of each lesion: a proposal for every study, for a person to confirm."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from masam_core.followup.carrying import Carried, Pair
from masam_core.followup.masks import NamedMask
from masam_core.followup.matching import Known, match
from masam_core.followup.quality import Trust
from masam_core.followup.reading import State
from masam_core.followup.searching import lost_words, segment_carried
from masam_core.followup.study import Study
from masam_core.followup.track import Finding, How, Track, renamed, union
from masam_core.followup.work import Work


def propose(studies: Sequence[Study], work: Work) -> list[Track]:
    """Follow the lesions of the first study, and those that come later, through all studies.

    A study with lesions of its own is matched with the earlier ones; in a study without, each
    earlier lesion is carried over and segmented. A lesion whose place can't be found again with
    certainty is told as not assessed; its mask is never put somewhere all the same.

    Args:
        studies: oldest first; the first has lesions.
        work: what they are segmented with.

    Returns:
        A track for each lesion, with a finding for each study.

    Raises:
        MasamError, Cancelled: as registration and segmenter.
    """
    first = studies[0].lesions or ()
    tracks = [
        Track(
            mask.name,
            mask.tracking_uid or new_uid(),
            [Finding(State.MEASURED, (mask,), How.GIVEN)],
        )
        for mask in first
    ]
    for number in range(1, len(studies)):
        carried = _carry(studies, tracks, number, work)
        if studies[number].lesions is not None:
            _match(studies, tracks, number, carried)
        else:
            segment_carried(studies, tracks, number, carried, work)
        work.say(number / (len(studies) - 1), f"study {number + 1} is done")
    for track in tracks:
        for number, finding in enumerate(track.findings):
            finding.parts = tuple(
                renamed(part, track.name, track.tracking_uid) for part in finding.parts
            )
            quality = finding.quality
            if quality is not None and quality.trust is Trust.DOUBTFUL and finding.parts:
                finding.look = True
                finding.notes.append(
                    f"Doubtful comparison with the earlier study: {quality.words}."
                )
            if number and finding.state is State.ABSENT and track.new_in is None:
                finding.look = True
    return tracks


def new_uid() -> str:
    """A new tracking UID (DICOM PS3.5, B.2: a UUID as a decimal number below 2.25)."""
    return f"2.25.{uuid4().int}"


def _carry(
    studies: Sequence[Study], tracks: Sequence[Track], number: int, work: Work
) -> list[Carried | None]:
    """Each lesion's place in a study, carried over from the last study in which it has a mask."""
    later = studies[number].volume
    pairs: dict[int, Pair] = {}
    found: list[Carried | None] = []
    for n, track in enumerate(tracks):
        source = track.last_seen(number)
        if source is None:
            found.append(None)
            continue
        done = (number - 1 + 0.5 * n / len(tracks)) / (len(studies) - 1)
        work.say(done, f"study {number + 1}: looking for the place of {track.name}")
        earlier = studies[source].volume
        if source not in pairs:
            pairs[source] = Pair(earlier, later, work.elastic, work.cancelled)
        mask = union(track.findings[source].parts, earlier)
        found.append(pairs[source].carry(mask.mask, mask.offset_kji, track.name, work.cancelled))
    return found


def carried_mask(track: Track, carried: Carried | None) -> NamedMask | None:
    """A carried lesion's mask under its name; None where it could not be carried over."""
    if carried is None or carried.mask is None:
        return None
    return NamedMask(track.name, carried.mask, carried.offset_kji, track.tracking_uid)


def _match(
    studies: Sequence[Study],
    tracks: list[Track],
    number: int,
    carried: Sequence[Carried | None],
) -> None:
    """Take the masks that somebody has drawn in a study."""
    own = studies[number].lesions or ()
    known = [
        Known(track.name, track.tracking_uid, carried_mask(track, place))
        for track, place in zip(tracks, carried, strict=True)
    ]
    lost = [
        track.name
        for track, place in zip(tracks, carried, strict=True)
        if place is not None and place.mask is None
    ]
    for found in match(known, own, studies[number].volume.geometry):
        parts = tuple(own[f] for f in found.found)
        if not found.known:
            _begin(tracks, number, parts[0], lost)
            continue
        ordered = sorted(found.known, key=lambda k: -_voxels(tracks[k], number))
        for place, k in enumerate(ordered):
            quality = carried[k].quality if carried[k] is not None else None  # type: ignore[union-attr]
            finding = Finding(State.MEASURED, parts, How.GIVEN, quality)
            if found.by and found.by != "place":
                finding.notes.append(f"Matched by {found.by}.")
                finding.look = found.by == "name alone"
            if not parts:
                finding = _missing(carried[k])
            elif len(parts) > 1:
                finding.notes.append(f"In {len(parts)} pieces; their diameters are added.")
                finding.look = True
            if len(ordered) > 1 and parts:
                others = ", ".join(f"'{tracks[o].name}'" for o in ordered if o != k)
                if place:
                    finding.state, finding.parts = State.MERGED, ()
                    finding.notes.append(
                        f"Grown together with '{tracks[ordered[0]].name}', and measured there."
                    )
                else:
                    finding.notes.append(f"Grown together with {others}; measured as one.")
                finding.look = True
            tracks[k].findings.append(finding)


def _begin(tracks: list[Track], number: int, mask: NamedMask, lost: Sequence[str]) -> None:
    """Begin a track with a lesion that is new."""
    finding = Finding(
        State.MEASURED, (mask,), How.GIVEN, notes=["New: no earlier lesion is there."]
    )
    finding.look = True
    if lost:
        names = ", ".join(f"'{name}'" for name in lost)
        finding.notes.append(f"It may be {names}, whose place could not be found again.")
    before = [Finding(State.ABSENT) for _ in range(number)]
    uid = mask.tracking_uid or new_uid()
    taken = {track.name for track in tracks}
    name = mask.name if mask.name not in taken else f"{mask.name} (new in study {number + 1})"
    tracks.append(Track(name, uid, [*before, finding], new_in=number))


def _missing(carried: Carried | None) -> Finding:
    """A lesion that none of the masks of a study is."""
    quality = None if carried is None else carried.quality
    if carried is None or carried.mask is None:
        return Finding(State.UNKNOWN, quality=quality, notes=[lost_words(carried)])
    words = "No mask of this study lies where it was: vanished, or not drawn."
    return Finding(State.ABSENT, quality=quality, notes=[words], look=True)


def _voxels(track: Track, before: int) -> int:
    source = track.last_seen(before)
    return 0 if source is None else sum(part.voxels for part in track.findings[source].parts)
