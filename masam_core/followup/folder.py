"""The folder of a follow-up: what was proposed, what a person changes, and reading it again.

``study1.seg.nrrd``, ... hold the masks; ``lesions.csv`` what a lesion is (name, organ, lymph node,
target); ``review.csv`` what it is in each study (state), and whether that is accepted;
``plan.json`` what MASAM itself must know. The first three are for people to change.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from masam_core.atomic import atomic_path, write_text
from masam_core.errors import ConfigError, SegmentationError
from masam_core.export.seg_nrrd import Segment, write_seg_nrrd
from masam_core.followup.masks import TRACKING, NamedMask, cropped, read_masks
from masam_core.followup.proposing import new_uid
from masam_core.followup.quality import Quality, Trust
from masam_core.followup.reading import State
from masam_core.followup.result import FollowUp
from masam_core.followup.study import Study, read_study
from masam_core.followup.track import Finding, How, Track, union
from masam_core.jsonfile import read_json
from masam_core.lesion.morphology import label_pieces
from masam_core.lesion.terminology import lesion_color
from masam_core.spreadsheet import read_table, write_table

PLAN, REVIEW, LESIONS = "plan.json", "review.csv", "lesions.csv"
VERSION = 1
YES, NO, AUTO = "yes", "no", "auto"
REVIEW_COLUMNS = (
    "lesion_number",
    "lesion",
    "study",
    "state",
    "accept",
    "look_at_it",
    "found_by",
    "place_found",
    "longest_mm",
    "perpendicular_mm",
    "volume_ml",
    "notes",
)
LESION_COLUMNS = ("lesion_number", "lesion", "organ", "lymph_node", "target")


@dataclass(frozen=True)
class Source:
    """Place where a study was read; see ``read_study``."""

    path: str
    series: str | None = None
    modality: str | None = None
    date: str = ""
    drawn: bool = False


def mask_file(folder: Path, number: int) -> Path:
    """File of the masks of a study, which are counted from 1."""
    return folder / f"study{number}.seg.nrrd"


def require_free(folder: Path, fresh: bool) -> None:
    """Refuse a folder that holds a follow-up: somebody may have changed its masks.

    Raises:
        ConfigError: says what can be done.
    """
    if (folder / PLAN).exists() and not fresh:
        raise ConfigError(
            f"{folder} holds a follow-up already. --confirm reads it again with what you have "
            "changed; --fresh begins anew and writes over it; or choose another folder."
        )


def save(
    folder: Path,
    tracks: Sequence[Track],
    studies: Sequence[Study],
    sources: Sequence[Source],
    found: FollowUp,
) -> list[Path]:
    """Write masks and tables for review; returns their paths.

    Raises:
        WriteError: a file can't be written.
    """
    paths = []
    for number, study in enumerate(studies, 1):
        path = mask_file(folder, number)
        segments = []
        for index, track in enumerate(tracks):
            parts = track.findings[number - 1].parts
            if parts:
                whole = union(parts, study.volume)
                tags = {TRACKING: track.tracking_uid}
                segments.append(
                    Segment(
                        track.name, whole.mask, whole.offset_kji, lesion_color(index), tags=tags
                    )
                )
        with atomic_path(path, SegmentationError) as file:
            write_seg_nrrd(file, segments, study.volume.geometry)
        paths.append(path)
    write_table(folder / LESIONS, LESION_COLUMNS, _lesion_lines(tracks))
    write_table(folder / REVIEW, REVIEW_COLUMNS, _review_lines(tracks, found))
    plan = {
        "version": VERSION,
        "studies": [asdict(source) for source in sources],
        "tracks": [_track_dict(track) for track in tracks],
    }
    write_text(folder / PLAN, json.dumps(plan, indent=2) + "\n")
    return [*paths, folder / REVIEW, folder / LESIONS]


def _lesion_lines(tracks: Sequence[Track]) -> list[tuple[object, ...]]:
    return [
        (n, t.name, t.organ, YES if t.node else NO, _word(t.target))
        for n, t in enumerate(tracks, 1)
    ]


def _review_lines(tracks: Sequence[Track], found: FollowUp) -> list[tuple[object, ...]]:
    rows = iter(found.rows)
    lines: list[tuple[object, ...]] = []
    for n, track in enumerate(tracks, 1):
        for finding in track.findings:
            row = next(rows)
            r = row.reading
            lines.append(
                (
                    n,
                    track.name,
                    row.study.number,
                    finding.state.value,
                    "" if finding.accepted is None else _word(finding.accepted),
                    YES if finding.look and finding.accepted is None else "",
                    row.how,
                    row.trust,
                    *("" if v is None else round(v, 2) for v in (r.longest_mm, r.short_mm)),
                    "" if r.volume_ml is None else round(r.volume_ml, 3),
                    " ".join(row.notes),
                )
            )
    return lines


def load(folder: Path) -> tuple[list[Track], list[Study], list[Source]]:
    """Read a follow-up with everything that a person has changed in it, and take it as confirmed.

    What needs a look (doubtful places, lesions that seem to have gone, new, split or merged ones)
    must have a ``yes`` or ``no`` in ``review.csv``; the rest counts as accepted unless it says
    ``no``. Segments that were added to a study's file are new lesions of it, unless they bear the
    name of one that had no mask there.

    Raises:
        ConfigError: there is no follow-up, a table is damaged or incomplete, an answer is missing,
            or a measured lesion has no mask; names file and row.
        MasamError: a study or mask that can't be read.
    """
    path = folder / PLAN
    if not path.is_file():
        raise ConfigError(f"{folder} holds no follow-up; make one first, without --confirm.")
    plan = read_json(path, "plan of a follow-up")
    try:
        if plan["version"] != VERSION:
            raise ConfigError(f"{path} is of another version of MASAM.")
        sources = [Source(**each) for each in plan["studies"]]
        tracks = [_track_of(each) for each in plan["tracks"]]
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path} is damaged: {error}.") from error
    studies = [read_study(Path(s.path), s.series, s.modality, s.date) for s in sources]
    studies = [
        study.with_lesions(() if source.drawn else None)
        for study, source in zip(studies, sources, strict=True)
    ]
    _read_lesions(folder / LESIONS, tracks)
    _read_review(folder / REVIEW, tracks)
    for number, study in enumerate(studies):
        _read_study_masks(folder, number, study, tracks, len(studies))
    return tracks, studies, sources


def _read_lesions(path: Path, tracks: Sequence[Track]) -> None:
    for line, row in enumerate(_rows(path, LESION_COLUMNS), 2):
        track = _track_at(path, line, row, tracks)
        track.name = row["lesion"].strip() or track.name
        track.organ = row["organ"].strip()
        track.node = _answer(path, line, row["lymph_node"], (YES, NO)) == YES
        target = _answer(path, line, row["target"], (YES, NO, AUTO))
        track.target = None if target in ("", AUTO) else target == YES


def _read_review(path: Path, tracks: Sequence[Track]) -> None:
    seen = set()
    for line, row in enumerate(_rows(path, REVIEW_COLUMNS), 2):
        track = _track_at(path, line, row, tracks)
        number = row["study"].strip()
        if not number.isdigit() or not 1 <= int(number) <= len(track.findings):
            raise ConfigError(f"{path}, line {line}: there is no study {number!r}.")
        finding = track.findings[int(number) - 1]
        seen.add(id(finding))
        state = State.read(row["state"].strip(), f"{path}, line {line}: the state")
        answer = _answer(path, line, row["accept"], (YES, NO))
        changed = state is not finding.state
        finding.state = state
        if not answer and finding.look and not changed:
            raise ConfigError(
                f"{path}, line {line}: '{track.name}' in study {number} needs a look: "
                f"{' '.join(finding.notes) or 'it is uncertain'} Write yes or no in the column "
                "'accept', or another state."
            )
        finding.accepted = answer != NO
    if len(seen) != sum(len(track.findings) for track in tracks):
        raise ConfigError(f"{path} lacks rows: expected one for each lesion and study.")


def _read_study_masks(
    folder: Path, number: int, study: Study, tracks: list[Track], count: int
) -> None:
    """Put the masks of a study, as they are now, into the tracks."""
    path = mask_file(folder, number + 1)
    found = read_masks(path, study.volume) if _has_segments(path) else []
    by_uid = {track.tracking_uid: track for track in tracks}
    pieces = {id(t): len(t.findings[number].parts) for t in tracks}
    masks: dict[int, NamedMask] = {}
    for mask in found:
        track = by_uid.get(mask.tracking_uid) or next(
            (t for t in tracks if t.name == mask.name and not pieces[id(t)] and id(t) not in masks),
            None,
        )
        if track is None:
            track = _added(mask, number, count)
            tracks.append(track)
            pieces[id(track)] = 1
        if id(track) in masks:
            raise ConfigError(
                f"{path.name} has two segments of '{track.name}', with the same tracking UID or "
                "name. Join them into one, or give the new lesion another name and no such tag."
            )
        masks[id(track)] = mask
    for track in tracks:
        finding, now = track.findings[number], masks.get(id(track))
        was = pieces.get(id(track), 0)
        finding.parts = () if now is None else _parts(now, was)
        if now is None and finding.accepted and finding.state is State.MEASURED:
            raise ConfigError(
                f"{path.name} has no mask of '{track.name}' any more. Say in {REVIEW} what it is "
                f"in study {number + 1}: {State.ABSENT.value}, {State.TOO_SMALL.value} or "
                f"{State.UNKNOWN.value}."
            )
        if now is not None and not was and finding.state in (State.ABSENT, State.UNKNOWN):
            finding.state, finding.how, finding.accepted = State.MEASURED, How.GIVEN, True
            finding.notes = ["Drawn by hand."]


def _parts(mask: NamedMask, before: int) -> tuple[NamedMask, ...]:
    """The pieces of a lesion that was in several; else the mask as it is."""
    if before < 2:
        return (mask,)
    labels, count = label_pieces(mask.mask)
    found = [
        cropped(labels == n, mask.name, mask.tracking_uid, mask.offset_kji)
        for n in range(1, count + 1)
    ]
    return tuple(part for part in found if part is not None)


def _added(mask: NamedMask, number: int, count: int) -> Track:
    """A lesion that a person has drawn into the masks of a study."""
    findings = [Finding(State.ABSENT, accepted=True) for _ in range(number)]
    findings.append(Finding(State.MEASURED, (mask,), How.GIVEN, accepted=True))
    findings += [Finding(State.UNKNOWN, accepted=True) for _ in range(count - number - 1)]
    uid = mask.tracking_uid or new_uid()
    return Track(mask.name, uid, findings, new_in=number or None)


def _has_segments(path: Path) -> bool:
    from masam_core.image.formats.nrrd_header import read_header

    if not path.is_file():
        raise ConfigError(f"{path} is not there: the masks of a study.")
    with path.open("rb") as file:
        return "segment0_id" in read_header(file, path).keys


def _rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    try:
        rows = read_table(path)
    except (OSError, ValueError, csv.Error) as error:
        raise ConfigError(f"{path} can't be read: {error}") from error
    lacking = [name for name in columns if rows and name not in rows[0]]
    if lacking or not rows:
        what = f"the column '{lacking[0]}'" if lacking else "rows"
        raise ConfigError(f"{path} lacks {what}.")
    return [{name: value or "" for name, value in row.items()} for row in rows]


def _track_at(path: Path, line: int, row: dict[str, str], tracks: Sequence[Track]) -> Track:
    text = row["lesion_number"].strip()
    if not text.isdigit() or not 1 <= int(text) <= len(tracks):
        raise ConfigError(f"{path}, line {line}: there is no lesion number {text!r}.")
    return tracks[int(text) - 1]


def _answer(path: Path, line: int, text: str, known: Sequence[str]) -> str:
    word = text.strip().lower()
    if word and word not in known:
        raise ConfigError(
            f"{path}, line {line}: {text.strip()!r}; expected {', '.join(known)} or nothing."
        )
    return word


def _word(value: bool | None) -> str:
    return AUTO if value is None else YES if value else NO


def _track_dict(track: Track) -> dict[str, Any]:
    return {
        "name": track.name,
        "tracking_uid": track.tracking_uid,
        "new_in": track.new_in,
        "findings": [
            {
                "state": f.state.value,
                "how": f.how.value,
                "pieces": len(f.parts),
                "look": f.look,
                "notes": f.notes,
                "confidence": f.confidence,
                "quality": None if f.quality is None else f.quality.to_dict(),
            }
            for f in track.findings
        ],
    }


def _track_of(values: dict[str, Any]) -> Track:
    findings = []
    for each in values["findings"]:
        q = each["quality"]
        quality = q and Quality(
            Trust(q["trust"]),
            q["words"],
            q["likeness"],
            q["likeness_when_shifted"],
            q["there_and_back_mm"],
            q["inside"],
        )
        # Stand-ins for pieces, replaced when the masks are read.
        findings.append(
            Finding(
                State(each["state"]),
                (_NO_MASK,) * int(each["pieces"]),
                How(each["how"]),
                quality,
                [str(note) for note in each["notes"]],
                bool(each["look"]),
                None,
                each["confidence"],
            )
        )
    new_in = values["new_in"]
    return Track(
        str(values["name"]),
        str(values["tracking_uid"]),
        findings,
        None if new_in is None else int(new_in),
    )


_NO_MASK = NamedMask("", np.zeros((1, 1, 1), dtype=bool), (0, 0, 0))
