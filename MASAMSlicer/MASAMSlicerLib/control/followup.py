"""The next study: lesions of an earlier volume proposed as boxes on the chosen one.

Where they lie is found by a process of its own (``python -m masam_core.followup``), so that the
front end stays usable. The scene changes only when the user takes proposals, in one step.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from masam_core.errors import MasamError
from masam_core.followup.quality import Trust
from masam_core.image.plain_nrrd import write_plain_nrrd

from ..scene.followup import addCarried, followerOf, placeOf
from ..scene.lesions import LesionEntry
from ..scene.volumes import volumeFromNode
from ..session.session import Session
from ..translation import tr as _
from .toldprocess import MakeProcess, ToldProcess


@dataclass(frozen=True, eq=False)
class Proposal:
    """An earlier lesion on the later volume.

    Attributes:
        lesion: id of the earlier lesion.
        name: its name.
        corners: of the box, (8, 3) in the later volume's own LPS, mm; None where its place could
            not be found: then there is nothing to take.
        trust: how far the place can be trusted.
        words: why it is doubtful or was not found; empty where it is good.
    """

    lesion: str
    name: str
    corners: np.ndarray | None
    trust: Trust
    words: str

    @property
    def about(self) -> str:
        """What to tell the user."""
        if self.corners is None:
            return _("not found: {words}").format(words=self.words)
        if self.trust is Trust.DOUBTFUL:
            return _("doubtful, look closely: {words}").format(words=self.words)
        return _("found")


@dataclass(frozen=True)
class Linked:
    """How the places of two studies belong together, as the process has told.

    Attributes:
        trust: how far the map of the whole can be trusted.
        words: why it is doubtful or failed; empty where it is good.
        matrix_lps: (4, 4) rows, rigid, from mm in the later volume's own LPS to the earlier one's.
        lattices: around each lesion that was found, by its id; see
            :func:`masam_core.followup.linking.lattice_of`.
        elastic: ids of the lesions around which space had to be deformed.
    """

    trust: Trust
    words: str
    matrix_lps: list[list[float]]
    lattices: dict[str, dict[str, Any]]
    elastic: tuple[str, ...] = ()


class FollowingUp:
    """Looks for the places, and makes lesions of what the user takes.

    Args:
        session: the lesions.
        makeProcess: a transport to a process that is not started yet (see ``Improving``).
        show: called with the fraction done and words while it runs.
        onProposals: called at the end with a proposal for each lesion.
        onEnd: called at an end without: with what went wrong, or an empty text where it was
            stopped.

    Attributes:
        linked: of the last search; None until there is one.
    """

    def __init__(
        self,
        session: Session,
        makeProcess: MakeProcess,
        show: Callable[[float, str], None],
        onProposals: Callable[[list[Proposal]], None],
        onEnd: Callable[[str], None],
    ) -> None:
        self._session = session
        self._show, self._onProposals, self._onEnd = show, onProposals, onEnd
        self._process = ToldProcess(
            makeProcess, "masam_core.followup", self._onEvent, self._onClosed
        )
        self._problem = ""
        self.linked: Linked | None = None
        self._whole: dict[str, Any] = {}
        self._lattices: dict[str, dict[str, Any]] = {}
        self._elastic: list[str] = []
        self._found: list[Proposal] = []
        self._names: dict[str, str] = {}
        self._laterId = ""

    @property
    def running(self) -> bool:
        """Whether places are being looked for."""
        return self._process.running

    def sources(self, volumeNode: Any) -> list[Any]:
        """Other volumes that have lesions, in the order of their lesions."""
        found: list[Any] = []
        for lesion in self._session.lesions.lesions():
            node = lesion.volume
            if node is not None and node is not volumeNode and node not in found:
                found.append(node)
        return found

    def start(
        self,
        earlierNode: Any,
        laterNode: Any,
        lesionIds: Sequence[str] | None = None,
        evenNone: bool = False,
    ) -> None:
        """Look for an earlier volume's lesions on a later one.

        Args:
            earlierNode, laterNode: volume nodes.
            lesionIds: which; None is all of the earlier volume. Those that were carried over to the
                later volume before are left out.
            evenNone: whether the volumes are laid over each other without a lesion, too.

        Raises:
            MasamError: there is nothing to carry over; or it is going on already.
            OSError: the process can't be started.
        """
        if self.running:
            raise MasamError(_("The places are being looked for already."))
        lesions = self._session.lesions
        chosen = [
            lesion
            for lesion in lesions.lesions(earlierNode)
            if (lesionIds is None or lesion.id in lesionIds)
            and followerOf(lesions, lesion.id, laterNode) is None
        ]
        if not chosen and not evenNone:
            raise MasamError(
                _("'{name}' has no lesion that is not carried over already.").format(
                    name=earlierNode.GetName()
                )
            )
        self._problem, self._found = "", []
        self._whole, self._lattices, self._elastic = {}, {}, []
        self._names = {lesion.id: lesion.name for lesion in chosen}
        self._laterId = laterNode.GetID()
        self._process.start(lambda place: self._write(place, earlierNode, laterNode, chosen))
        self._show(0.0, _("Starting ..."))

    def cancel(self) -> None:
        """Ask it to stop; nothing was changed."""
        self._process.say("cancel")

    def stop(self) -> None:
        """End it now, without a word."""
        self._process.stop()

    def take(self, proposals: Sequence[Proposal]) -> list[LesionEntry]:
        """Make lesions of proposals, in one step that can be undone.

        Those without a place are left out, and so are those whose lesion, or follower, has come or
        gone since.

        Raises:
            MasamError: the later volume is not in the scene any more, or nothing is left.
        """
        lesions, later = self._session.lesions, self._session.scene.GetNodeByID(self._laterId)
        if later is None:
            raise MasamError(_("The volume of the next study is not in the scene any more."))
        carried = []
        for each in proposals:
            earlier = lesions.lesion(each.lesion)
            if each.corners is None or earlier is None:
                continue
            if followerOf(lesions, each.lesion, later) is None:
                carried.append((earlier, each.corners))
        if not carried:
            raise MasamError(_("There is nothing to carry over."))
        return addCarried(self._session.history, lesions, later, carried)

    def _write(
        self, folder: Path, earlierNode: Any, laterNode: Any, chosen: Sequence[LesionEntry]
    ) -> Path:
        """Images, masks and the job, for the process to read; the job's file."""
        values: dict[str, Any] = {"lesions": []}
        for name, node in (("earlier", earlierNode), ("later", laterNode)):
            volume = volumeFromNode(node)
            write_plain_nrrd(folder / f"{name}.nrrd", volume.array, volume.geometry)
            values[name] = str(folder / f"{name}.nrrd")
            values[f"{name}_modality"] = volume.modality
        for number, lesion in enumerate(chosen):
            place = placeOf(self._session.lesions, lesion)
            file = folder / f"{number}.npy"
            np.save(file, place.mask.astype(bool))
            values["lesions"].append(
                {
                    "id": place.lesion,
                    "name": place.name,
                    "mask": str(file),
                    "offset_kji": [int(n) for n in place.offset],
                }
            )
        job = folder / "job.json"
        job.write_text(json.dumps(values), "utf-8")
        return job

    def _onEvent(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if kind == "progress":
            self._show(float(event["fraction"]), str(event["text"]))
        elif kind == "whole":
            self._whole = event
        elif kind == "carried":
            if event.get("lattice"):
                self._lattices[str(event["id"])] = event["lattice"]
            if event.get("elastic"):
                self._elastic.append(str(event["id"]))
            corners = event["corners_lps"]
            self._found.append(
                Proposal(
                    str(event["id"]),
                    self._names[str(event["id"])],
                    None if corners is None else np.array(corners, dtype=float),
                    Trust(event["trust"]),
                    str(event["words"]),
                )
            )
        elif kind == "end":
            found, whole = list(self._found), self._whole
            if whole:
                self.linked = Linked(
                    Trust(whole["trust"]),
                    str(whole["words"]),
                    whole["matrix_lps"],
                    self._lattices,
                    tuple(self._elastic),
                )
            self.stop()
            self._onProposals(found)
        elif kind == "error":
            self._problem = str(event["message"])

    def _onClosed(self, words: str) -> None:
        self._onEnd(self._problem or words)
