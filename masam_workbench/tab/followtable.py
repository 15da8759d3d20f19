"""The table of two studies: what the page shows of it, and the files that it is saved in."""

from __future__ import annotations

import asyncio
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from MASAMSlicerLib.control.twostudies import (
    CHOICES,
    TwoStudies,
    becameOf,
    dateOf,
    followersOf,
    followUpOf,
    isNode,
    newOnes,
)
from MASAMSlicerLib.scene.export import saveSegmentation
from MASAMSlicerLib.scene.lesions import LesionEntry
from MASAMSlicerLib.session.session import Session

from masam_core.atomic import atomic_path
from masam_core.errors import ConfigError, SegmentationError
from masam_core.followup.reading import State
from masam_core.followup.report import (
    LESION_COLUMNS,
    RESPONSE_COLUMNS,
    lesion_rows,
    plotted_volume,
    response_rows,
    write_reports,
)
from masam_core.followup.result import FollowUp
from masam_core.lesion.diameter_plane import DiameterPlane

ARCHIVE = "followup.zip"
_WORDS = {
    State.UNKNOWN: "not assessed",
    State.ABSENT: "gone",
    State.TOO_SMALL: "too small to measure",
}


def describe(session: Session, pair: TwoStudies, plane: str) -> dict[str, Any]:
    """What the page shows below the views.

    Args:
        session: the lesions.
        pair: the studies.
        plane: in which diameters were taken.

    Returns:
        ``dates``, ``became`` (a row an earlier lesion, with the choices that there are),
        ``responses`` and ``lesions`` (``columns`` and ``rows`` of words), ``plot`` (a course a
        lesion) and ``notes``.
    """
    told: dict[str, Any] = {
        "dates": [dateOf(pair.earlier), dateOf(pair.later)],
        "became": _became(session, pair),
        "responses": None,
        "lesions": None,
        "plot": [],
        "notes": [],
    }
    try:
        found = followUpOf(session, pair, DiameterPlane.read(plane, "The diameters' plane"))
    except ConfigError as error:
        return {**told, "notes": [str(error)]}
    if found is None:
        return told
    colors = {each.name: each.color for each in session.lesions.lesions(pair.later)}
    colors |= {each.name: each.color for each in session.lesions.lesions(pair.earlier)}
    return {
        **told,
        "responses": {"columns": list(RESPONSE_COLUMNS), "rows": _plain(response_rows(found))},
        "lesions": {"columns": list(LESION_COLUMNS), "rows": _plain(lesion_rows(found))},
        "plot": _plot(found, colors),
        "notes": list(found.notes),
    }


async def saveTo(
    folder: Path, session: Session, pair: TwoStudies, plane: str
) -> tuple[str, list[str]]:
    """Write one archive: table, report with plot, and the masks of both studies.

    Args:
        folder: of the archive.
        session: the lesions.
        pair: the studies.
        plane: in which diameters were taken.

    Returns:
        Name of the file, and notes for the user.

    Raises:
        MasamError: there is no mask yet, or a file can't be written.
    """
    found = followUpOf(session, pair, DiameterPlane.read(plane, "The diameters' plane"))
    if found is None:
        raise ConfigError("There is no mask yet: segment the lesions first.")
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="followup-") as name:
        place = Path(name)
        notes = _masks(place, session, pair)
        await asyncio.to_thread(write_reports, place, found)  # the plot takes a second or two
        with (
            atomic_path(folder / ARCHIVE) as temporary,
            zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for path in sorted(place.iterdir()):
                archive.write(path, path.name)
    return ARCHIVE, notes


def _masks(folder: Path, session: Session, pair: TwoStudies) -> list[str]:
    """``study1.seg.nrrd`` and ``study2.seg.nrrd``; further segmentations get a letter."""
    notes: list[str] = []
    for number, node in enumerate((pair.earlier, pair.later), 1):
        lesions = session.lesions.lesions(node)
        nodes = {x.segmentation.GetID(): x.segmentation for x in lesions if x.segment is not None}
        for letter, segmentation in zip(["", *"bcdefghij"], nodes.values(), strict=False):
            path = folder / f"study{number}{letter}.seg.nrrd"
            notes += saveSegmentation(segmentation, node, path)
        if len(nodes) > 10:
            raise SegmentationError("There are more than ten segmentations of one study.")
    return notes


def _became(session: Session, pair: TwoStudies) -> list[dict[str, Any]]:
    followers = followersOf(session, pair)
    fresh = [(each.id, f"is '{each.name}'") for each in newOnes(session, pair)]
    words = [(each.value, _WORDS[each]) for each in CHOICES]
    return [
        _row(earlier, followers[earlier.id], [*words, *fresh])
        for earlier in session.lesions.lesions(pair.earlier)
    ]


def _row(
    earlier: LesionEntry, later: LesionEntry | None, choices: list[tuple[str, str]]
) -> dict[str, Any]:
    own = [] if later is None else [(later.id, f"is '{later.name}'")]
    return {
        "id": earlier.id,
        "name": earlier.name,
        "value": becameOf(earlier).value if later is None else later.id,
        "follower": "" if later is None else later.id,
        "choices": [list(each) for each in (*own, *choices)],
        "node": isNode(earlier),
    }


def _plot(found: FollowUp, colors: dict[str, tuple[float, float, float]]) -> list[dict[str, Any]]:
    """A course a lesion, then one of the sum: diameters (mm), volumes (ml); None: not known."""
    courses = []
    for name in dict.fromkeys(row.lesion for row in found.rows):
        own = [row for row in found.rows if row.lesion == name]
        red, green, blue = (round(255 * c) for c in colors.get(name, (0.8, 0.8, 0.8)))
        courses.append(
            {
                "name": name,
                "color": f"#{red:02x}{green:02x}{blue:02x}",
                "target": own[0].target,
                "diameters": [row.reading.diameter_mm(row.node) for row in own],
                "volumes": [plotted_volume(row) for row in own],
            }
        )
    sums = [each.sum_mm for each in found.assessments]
    return [
        *courses,
        {"name": "sum", "color": "", "target": True, "diameters": sums, "volumes": []},
    ]


def _plain(rows: list[tuple[str, ...]]) -> list[list[str]]:
    return [list(row) for row in rows]
