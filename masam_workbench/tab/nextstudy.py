"""The next study of the patient: opened beside the one that is shown, its lesions followed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from MASAMSlicerLib.control.followup import FollowingUp, Linked, Proposal
from MASAMSlicerLib.control.front import WARNING
from MASAMSlicerLib.control.twostudies import (
    TwoStudies,
    becameOf,
    changeDate,
    dateOf,
    followersOf,
    isNode,
    requireOrder,
    setBecame,
    setDate,
    setNode,
)
from MASAMSlicerLib.scene.followup import FOLLOWS
from MASAMSlicerLib.scene.lesions import LesionEntry

from masam_core.errors import Cancelled, ConfigError, MasamError
from masam_core.followup.quality import Trust
from masam_core.followup.reading import State
from masam_core.followup.study import read_day
from masam_core.image.geometry import LPS_TO_RAS
from masam_workbench.front.transport import LoopTransport
from masam_workbench.tab.archive import Archive
from masam_workbench.tab.context import TabContext
from masam_workbench.tab.followtable import describe, saveTo
from masam_workbench.tab.lesionlist import LesionRows
from masam_workbench.tab.measuring import REMEASURE_MS
from masam_workbench.tab.saving import Saving
from masam_workbench.tab.shown import Shown
from masam_workbench.tab.uploads import Uploads

OTHER_PATIENT = (
    "The two studies bear different patient IDs, so '{name}' was not opened. If they are of one "
    "patient all the same (numbers of two hospitals, say), tick 'One patient, though the IDs "
    "differ' in the menu and open it again."
)
_FLIP = LPS_TO_RAS[:3, :3]


class Joining:
    """Takes an image in as the next study.

    Args:
        study: that it joins.
        same: whether somebody has said that it is of one patient.
    """

    def __init__(self, study: NextStudy, same: bool) -> None:
        self._study, self._same = study, same
        self._facts: dict[str, Any] = {}

    def require(self, name: str, facts: dict[str, Any]) -> None:
        """Refuse a study of another patient, or an older one, with a ConfigError."""
        self._study.requireFirst()  # again: much may have been done while it was fetched
        before, now = self._study.current.facts or {}, facts.get("origin") or {}
        ids = {(each.get("patient") or {}).get("id") or "" for each in (before, now)} - {""}
        if len(ids) > 1 and not self._same:
            raise ConfigError(OTHER_PATIENT.format(name=name))
        requireOrder(_day(self._study.dateNow()), _day(str(now.get("date") or "")), name)
        self._facts = now

    def join(self, volumeNode: Any) -> None:
        """See ``Beside``."""
        self._study.joined(volumeNode, self._facts)


class NextStudy:
    """Two studies side by side, proposals for the later one, and the table of both.

    Args:
        context: of the tab; its state's ``earlier``, ``link`` and ``followup`` say all that the
            page shows of it.
        current: the image that is worked at.
        rows: makes rows of lesions.
        sources: where a study comes from.
        saving: whose folder the browser fetches files from.
        noting: called with a segmentation node before its masks are written; what it returns, when
            they are in a file.
    """

    def __init__(
        self,
        context: TabContext,
        current: Shown,
        rows: LesionRows,
        sources: tuple[Uploads, Archive],
        saving: Saving,
        noting: Callable[[Any], Callable[[], None]],
    ) -> None:
        self.context, self.current, self._rows = context, current, rows
        self._uploads, self._archive = sources
        self._saving, self._noting = saving, noting
        self._unmeasurable: set[str] = set()
        self._writing: asyncio.Task[None] | None = None  # the loop itself would let go of it
        self._callOff: Callable[[], None] = lambda: None
        self.shown = Shown(context.folder)
        self.pair: TwoStudies | None = None
        self._proposals: list[Proposal] = []
        self._told: dict[str, Any] = _nothing()
        loop = asyncio.get_running_loop()
        self.following = FollowingUp(
            context.session,
            lambda command, environment: LoopTransport(command, environment, loop),
            lambda fraction, words: self._tell(percent=round(100 * fraction), words=words),
            self._onProposals,
            self._onEnd,
        )

    def dateNow(self) -> str:
        """Date of the study that is shown, as far as it is known."""
        volume = self.context.volume
        return (dateOf(volume) if volume is not None else "") or self.current.origin()["date"]

    async def uploaded(self, batch: str, name: str, same: bool = False) -> None:
        """The browser has sent the next study.

        Args:
            batch: of the upload.
            name: for people.
            same: one patient, though the IDs differ.
        """
        try:
            self.requireFirst()
        except ConfigError:
            self._uploads.forget(batch)  # else a patient's image would lie there unused
            raise
        await self._uploads.opened(batch, name, Joining(self, bool(same)))

    async def fetch(self, key: str, same: bool = False) -> None:
        """Fetch the next study from the PACS; see :meth:`uploaded`."""
        self.requireFirst()
        await self._archive.fetch(key, Joining(self, bool(same)))

    def joined(self, volumeNode: Any, facts: dict[str, Any]) -> None:
        """The next study is in the scene: what was shown until now is the earlier one."""
        context, before = self.context, self.context.volume
        origin, day = self.current.origin(), self.dateNow()
        setDate(before, _day(day))
        setDate(volumeNode, _day(str(facts.get("date") or "")))
        self.pair = TwoStudies.join(before, volumeNode)
        self.shown.show(before, origin)
        self._proposals, self._told = [], _nothing()
        self._unmeasurable.clear()
        context.state.link = {}
        context.later(0, self._begin)

    def sceneOpened(self) -> None:
        """A saved scene was opened: there may be two studies in it."""
        self.pair = TwoStudies.of(self.context.scene)
        if self.pair is not None and self.pair.later is self.context.volume:
            self.shown.show(self.pair.earlier)
            self.context.later(0, self._begin)
        else:
            self.pair = None

    def forget(self) -> None:
        """Another image is about to take the place of both."""
        self.following.stop()
        self.pair = None
        self.shown.show(None)
        self._proposals, self._told = [], _nothing()
        self.context.state.link = {}

    def close(self) -> None:
        """The tab is gone."""
        self.following.stop()

    def press(self) -> None:
        """Look for the earlier lesions, or stop looking."""
        if self.following.running:
            self.following.cancel()
            self._tell(words="Stopping ...")
            return
        self._begin()

    def take(self, ids: Sequence[str]) -> None:
        """Make lesions of proposals, in one step that can be undone."""
        chosen = [each for each in self._proposals if each.lesion in set(map(str, ids))]
        made = self.following.take(chosen)
        taken = {each.lesion for each in chosen}
        self._proposals = [each for each in self._proposals if each.lesion not in taken]
        self.context.select(made[0].id)
        what = f"'{made[0].name}' is" if len(made) == 1 else f"{len(made)} lesions are"
        self.context.say(f"{what} carried over. Look at each box, then press Segment.")
        self.context.refreshSoon()

    def drop(self, lesionId: str) -> None:
        """Leave a proposal out; the lesion stays as not assessed until somebody says more."""
        self._proposals = [each for each in self._proposals if each.lesion != lesionId]
        self.context.refreshSoon()

    def became(self, lesionId: str, what: str) -> None:
        """Say what became of an earlier lesion; see ``setBecame``."""
        if self.pair is not None:
            setBecame(self.context.session, self.pair, str(lesionId), str(what))
            self.context.refreshSoon()

    def node(self, lesionId: str, node: bool) -> None:
        """Say whether a lesion is a lymph node."""
        if self.pair is not None:
            setNode(self.context.session, self._sameLesion(str(lesionId)), bool(node))
            self.context.refreshSoon()

    def date(self, later: bool, text: str) -> None:
        """Say of which day a study is, YYYY-MM-DD; an empty text forgets it."""
        if self.pair is None:
            return
        days = [dateOf(self.pair.earlier), dateOf(self.pair.later)]
        days[bool(later)] = str(text).strip()[:10]
        requireOrder(days[0], days[1], self.pair.later.GetName())
        node = self.pair.later if later else self.pair.earlier
        changeDate(self.context.session, node, days[bool(later)])
        self.context.refreshSoon()

    def save(self) -> None:
        """Write table, plot, report and the masks of both studies, and have the browser fetch it.

        Raises:
            MasamError: there is nothing to save yet.
        """
        pair, context = self.pair, self.context
        if pair is None:
            raise ConfigError("Open the next study first.")
        if self._toMeasure():
            context.say("Some masks are still being measured. Save again in a moment.", WARNING)
            return
        self._writing = asyncio.get_running_loop().create_task(self._write(pair))

    def lesions(self) -> list[LesionEntry]:
        """The lesions of the earlier study; none where there is no such."""
        if self.pair is None:
            return []
        return self.context.session.lesions.lesions(self.pair.earlier)

    def rows(self) -> list[dict[str, Any]]:
        """Rows of the lesions of the earlier study."""
        return self._rows.rowsOf(self.lesions())

    def said(self) -> list[tuple[str, ...]]:
        """What a person has said of the studies and the earlier lesions, for the autosave."""
        if self.pair is None:
            return []
        days = (dateOf(self.pair.earlier), dateOf(self.pair.later))
        nodes = (self.pair.earlier, self.pair.later)
        every = [each for node in nodes for each in self.context.session.lesions.lesions(node)]
        words = [
            (each.id, becameOf(each).value, str(isNode(each)), str(each.roi.GetAttribute(FOLLOWS)))
            for each in every
            if each.roi is not None
        ]
        return [days, *words]

    def image(self) -> dict[str, Any] | None:
        """The image that is worked at, as the page is told."""
        facts = self.current.facts
        if facts is None or self.pair is None:
            return facts
        return {**facts, "date": dateOf(self.pair.later), "role": "Later study"}

    def refresh(self) -> None:
        """Tell the page what there is."""
        state, pair = self.context.state, self.pair
        if pair is None:
            state.earlier, state.followup = None, {}
            return
        lesions = self.lesions()
        self._measureSoon()
        facts = {**(self.shown.facts or {}), "date": dateOf(pair.earlier), "role": "Earlier study"}
        state.earlier = {"image": facts, "lesions": self._rows.rowsOf(lesions)}
        state.followup = {
            **self._told,
            "running": self.following.running,
            "proposals": [_proposal(each, lesions) for each in self._proposals],
            **describe(self.context.session, pair, state.diameterPlane),
        }

    def requireFirst(self) -> None:
        """Raise ConfigError unless one study alone is open."""
        if self.context.volume is None:
            raise ConfigError("Open the first study before the next one.")
        if self.pair is not None:
            raise ConfigError(
                "Two studies are open already. Save them, and open the later one by itself before "
                "the one after."
            )

    def _begin(self) -> None:
        if self.pair is None or self.following.running:
            return
        self._proposals = []
        try:
            asked = [each.id for each in self.lesions() if becameOf(each) is State.UNKNOWN]
            self.following.start(self.pair.earlier, self.pair.later, asked, evenNone=True)
            self._tell(failed=False)
        except (MasamError, OSError) as error:
            self._tell(words=str(error), failed=True)
        self.context.refreshSoon()

    def _measureSoon(self) -> None:
        """Masks of other programs come without figures, and the earlier study may have some."""
        self._callOff()
        if self._toMeasure():
            self._callOff = self.context.later(REMEASURE_MS, self._measure)

    def _measure(self) -> None:
        session, ids = self.context.session, self._toMeasure()
        if session.busy or not ids:
            self._measureSoon()
            return

        def failed(error: Exception) -> None:
            if not isinstance(error, Cancelled):  # else a run was more urgent
                self._unmeasurable.update(ids)
                self.context.sayError(error)
            self.context.refreshSoon()

        plane = self.context.state.diameterPlane
        session.measure(ids, self.context.refreshSoon, failed, plane)

    def _toMeasure(self) -> list[str]:
        if self.pair is None:
            return []
        session, plane = self.context.session, self.context.state.diameterPlane
        nodes = (self.pair.earlier, self.pair.later)
        every = [lesion.id for node in nodes for lesion in session.unmeasured(node, plane)]
        return [each for each in every if each not in self._unmeasurable]

    def _sameLesion(self, lesionId: str) -> list[str]:
        assert self.pair is not None
        later = followersOf(self.context.session, self.pair).get(lesionId)
        return [lesionId, *([later.id] if later is not None else [])]

    def _onProposals(self, proposals: list[Proposal]) -> None:
        self._proposals = list(proposals)
        linked = self.following.linked
        if linked is not None:
            self.context.state.link = _link(linked, self.context.state.link.get("around", []))
        found = sum(each.corners is not None for each in proposals)
        words = f"A place was found for {found} of {len(proposals)}." if proposals else ""
        self._tell(words=words or "There was no lesion to look for.", percent=100)

    def _onEnd(self, problem: str) -> None:
        self._tell(words=problem or "Stopped; nothing was changed.", failed=bool(problem))

    def _tell(self, **values: Any) -> None:
        self._told = {**self._told, **values}
        self.context.refreshSoon()

    async def _write(self, pair: TwoStudies) -> None:
        context = self.context
        lesions = [*self.lesions(), *context.lesions()]
        nodes = {x.segmentation.GetID(): x.segmentation for x in lesions if x.segment is not None}
        saved = [self._noting(node) for node in nodes.values()]
        try:
            name, notes = await saveTo(
                self._saving.folder, context.session, pair, context.state.diameterPlane
            )
        except Exception as error:  # nobody waits for this task: what is not said here is lost
            context.sayError(error)
            return
        for done in saved:
            done()
        self._saving.offer(name)
        context.say("\n".join([f"Saved {name}.", *notes]), WARNING if notes else "")
        context.refreshSoon()


def _nothing() -> dict[str, Any]:
    return {"percent": 0, "words": "", "failed": False}


def _day(text: str) -> str:
    """A date, YYYY-MM-DD; empty for none, and for a DICOM file's that is none."""
    try:
        return read_day(text).isoformat() if text else ""
    except ConfigError:
        return ""


def _proposal(proposal: Proposal, lesions: Sequence[LesionEntry]) -> dict[str, Any]:
    """A proposal as the page is told; its box in RAS of the later image, mm."""
    box = None
    if proposal.corners is not None:
        ras = np.asarray(proposal.corners) @ _FLIP
        edges = ras[[1, 2, 4]] - ras[0]
        size = np.linalg.norm(edges, axis=1)
        box = {
            "center": np.round(ras.mean(axis=0), 4).tolist(),
            "axes": np.round(edges / size[:, None], 7).tolist(),
            "size": np.round(size, 4).tolist(),
        }
    color = next((each.color for each in lesions if each.id == proposal.lesion), (1.0, 1.0, 1.0))
    return {
        "id": proposal.lesion,
        "name": proposal.name,
        "about": proposal.about,
        "trust": proposal.trust.value,
        "color": "#" + "".join(f"{round(255 * c):02x}" for c in color),
        "box": box,
    }


def _link(linked: Linked, before: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """How places belong together, as the page is told: in RAS, from the later study to the earlier.

    Where it failed there is no matrix, and the views stay apart.

    Args:
        linked: as found.
        before: ``around`` of an earlier search in the same images, which looked for other lesions.
    """
    if linked.trust is Trust.FAILED:
        return {"trust": linked.trust.value, "words": linked.words, "matrix": None, "around": []}
    matrix = LPS_TO_RAS @ np.asarray(linked.matrix_lps) @ LPS_TO_RAS
    around = [each for each in before if each["lesion"] not in linked.lattices]
    for lesion, lattice in linked.lattices.items():
        off = (np.asarray(lattice["off"]).reshape(-1, 3) @ _FLIP).round(2)
        if not off.any():  # there it is as in the whole
            continue
        around.append(
            {
                "lesion": lesion,
                "origin": (_FLIP @ lattice["origin"]).tolist(),
                "step": (_FLIP @ lattice["step"]).tolist(),  # x and y descend in RAS
                "size": lattice["size"],
                "off": off.ravel().tolist(),
                "elastic": lesion in linked.elastic,
            }
        )
    return {
        "trust": linked.trust.value,
        "words": linked.words,
        "matrix": matrix.tolist(),
        "around": around,
    }
