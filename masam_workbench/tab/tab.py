"""One tab of the browser: one scene, its views, its worker."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import vtk
from MASAMSlicerLib import workerprocess
from MASAMSlicerLib.scene.lesions import LESION, LesionEntry
from MASAMSlicerLib.scene.nodes import nodesOfClass
from MASAMSlicerLib.session import Session
from MASAMSlicerLib.standing import Standing, situationOf
from MASAMSlicerLib.wording import deviceWords

from masam_core.catalog.choice import ModelChoice
from masam_core.errors import MasamError
from masam_workbench.display.application import Application
from masam_workbench.display.views import Views
from masam_workbench.tab.appearance import Appearance
from masam_workbench.tab.boxes import Boxes
from masam_workbench.tab.checking import Checking
from masam_workbench.tab.images import Images
from masam_workbench.tab.lesionlist import LesionRows
from masam_workbench.tab.running import Running
from masam_workbench.tab.saving import Saving
from masam_workbench.tab.state import STATE
from masam_workbench.tab.touchup import TouchUp
from masam_workbench.tab.transport import LoopTransport
from masam_workbench.tab.uploads import Uploads
from masam_workbench.tab.windowing import Windowing

REFRESH_SECONDS = 0.04
REMEASURE_SECONDS = 0.6  # after the last stroke
SETTLED_SECONDS = 0.5  # without a change after which a box counts as moved, if no mouse said so


@dataclass(frozen=True)
class Settings:
    """Settings of the machine.

    Attributes:
        device: ``auto`` or a device's name.
        workerCommand: of the worker; empty for the one on this machine.
    """

    device: str = ModelChoice.device
    workerCommand: str = ""


class Tab:
    """Binds the page to a session.

    Args:
        state: trame's state, shared with the page.
        folder: the only place on disk that this tab writes to.
        settings: of the machine.
        limit: of an upload, in bytes.
    """

    def __init__(self, state: Any, folder: Path, settings: Settings, limit: int) -> None:
        self.state, self.folder, self.settings = state, folder, settings
        state.update({name: value for name, value in STATE.items() if name not in state.to_dict()})
        self.application = Application(folder)
        self.scene = self.application.scene
        self.views = Views(self.application)
        loop = asyncio.get_running_loop()
        command = workerprocess.workerCommand(settings.workerCommand)

        def makeTransport() -> LoopTransport:
            return LoopTransport(command, workerprocess.workerEnvironment(), loop)

        self.session = Session(self.scene, makeTransport)
        self._refreshing: asyncio.TimerHandle | None = None
        self._settling: dict[str, asyncio.TimerHandle] = {}
        self._remeasuring: asyncio.TimerHandle | None = None
        self.devices: list[dict[str, Any]] = []
        self._standing = Standing(lambda: (self.state.tool, situationOf(self.session, self.volume)))
        self.images = Images(self)
        self.touchUp = TouchUp(self)
        self.boxes = Boxes(self)
        self.windowing = Windowing(self)
        self.appearance = Appearance(self)
        self.rows = LesionRows(self)
        self.running = Running(self)
        self.saving = Saving(self)
        self.checking = Checking(self, makeTransport)
        self.uploads = Uploads(self, limit)
        self.connecting: asyncio.Task[None] | None = None
        self.opening: asyncio.Task[None] | None = None
        self.scene.AddObserver(self.scene.NodeAddedEvent, self._onNodeAdded)
        self.scene.AddObserver(self.scene.NodeAboutToBeRemovedEvent, self._onNodeLeaving)
        for view in self.views.slices.values():
            view.node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self.refreshSoon())

    @property
    def volume(self) -> Any:
        """The image that is shown, or None."""
        return self.images.volume

    @property
    def selected(self) -> LesionEntry | None:
        """The selected lesion."""
        chosen = self.state.selected
        return self.session.lesions.lesion(chosen) if chosen else None

    def nodes(self, kind: str) -> list[Any]:
        """Nodes of a class."""
        return nodesOfClass(self.scene, kind)

    def lesions(self) -> list[LesionEntry]:
        """Lesions of the image that is shown."""
        return self.session.lesions.lesions(self.volume) if self.volume is not None else []

    def select(self, lesionId: str) -> None:
        """Make a lesion the selected one."""
        self.state.selected = lesionId
        self.refreshSoon()

    def say(self, text: str, kind: str = "") -> None:
        """The lines under the large button; kind is ``warning``, ``error`` or empty.

        They stand as long as image, tool and list of lesions are what they are.
        """
        with self.state as state:
            state.message, state.messageKind = text, kind
        self._standing.said()

    def sayError(self, error: Exception) -> None:
        """An error, in the user's words."""
        text = str(error) or type(error).__name__
        if not isinstance(error, (MasamError, ValueError)):
            text = f"Something unforeseen happened: {text}"
        self.say(text, "error")
        self.refreshSoon()

    def goToSlice(self, name: str, number: int) -> None:
        """Turn a slice view to a slice, counted from 1."""
        if name in self.views.slices:
            self.views.slices[name].goToSlice(int(number))

    def leaveTools(self) -> None:
        """Esc."""
        self.boxes.stop()
        self.touchUp.stop()
        self.windowing.stop()

    def boxChanged(self, roi: Any) -> None:
        """A box was modified, perhaps in the middle of a drag."""
        lesionId = roi.GetAttribute(LESION)
        if not lesionId:
            return
        self._unsettle(lesionId)
        loop = asyncio.get_running_loop()
        self._settling[lesionId] = loop.call_later(SETTLED_SECONDS, self.boxEdited, lesionId)
        self.refreshSoon()

    def boxEdited(self, lesionId: str) -> None:
        """A box has come to rest: the end of a drag, or a button."""
        self._unsettle(lesionId)
        self.running.follow(lesionId)
        self.refreshSoon()

    def measureSoon(self) -> None:
        """A segment was changed by hand: measure again, once for several strokes."""
        if self._remeasuring is not None:
            self._remeasuring.cancel()
        loop = asyncio.get_running_loop()
        self._remeasuring = loop.call_later(REMEASURE_SECONDS, self.rows.measureEdited)
        self.refreshSoon()

    def refreshSoon(self) -> None:
        """Refresh once, after everything that is going on now."""
        if self._refreshing is None:
            loop = asyncio.get_running_loop()
            self._refreshing = loop.call_later(REFRESH_SECONDS, self.refresh)

    def refresh(self) -> None:
        """Bring the page in line with the scene."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            self._refreshing = None
        self.session.lesions.followNames()
        with self.state as state, self.session.lesions.held():
            self.session.visibility.show(self.volume)
            rows = self.rows.rows()
            ids = [row["id"] for row in rows]
            if state.selected not in ids:
                state.selected = ids[-1] if ids else ""
            state.lesions = rows
            self.appearance.showHandles()
            state.image = self.volume.GetName() if self.volume is not None else ""
            state.busy = self.running.busy
            state.pending = len(self.session.pending(self.volume)) if self.volume else 0
            state.tool = "box" if self.boxes.active else self.touchUp.tool or self.windowing.tool
            if self._standing.over() and not state.busy:
                state.message, state.messageKind = "", ""
            state.undoTitle = self.session.history.undoTitle
            state.redoTitle = self.session.history.redoTitle
            state.device = deviceWords(self.devices, self.settings.device)
            state.places = self._places() if self.volume is not None else {}

    def _places(self) -> dict[str, dict[str, Any]]:
        """Tell of each slice view which slice it shows, which way is which, and its scale."""
        found = {}
        for name, view in self.views.slices.items():
            number, count = view.place()
            facts = {"number": number, "count": count, "edges": view.edges(), "mm": view.scale()}
            found[name] = facts
        return found

    def chooseTool(self, name: str) -> None:
        """Take the tool with a name, or put it away."""
        if name == self.windowing.NAME:
            self.windowing.toggle()
        else:
            self.touchUp.toggle(name)

    def askWorker(self) -> None:
        """Start the worker in advance, and ask where it computes."""

        def done(answer: dict[str, Any]) -> None:
            self.devices = answer["devices"]
            self.refreshSoon()

        self.session.ask("devices", {}, done, self.sayError)

    def close(self) -> None:
        """The tab is gone."""
        self.checking.dismiss()
        self.session.close()

    def _unsettle(self, lesionId: str) -> None:
        timer = self._settling.pop(lesionId, None)
        if timer is not None:
            timer.cancel()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeAdded(self, _scene: Any, _event: str, node: Any) -> None:
        modified = vtk.vtkCommand.ModifiedEvent
        if node.IsA("vtkMRMLMarkupsROINode"):
            for event in (modified, node.PointModifiedEvent):
                node.AddObserver(event, lambda caller, _: self.boxChanged(caller))
            node.AddObserver(node.PointEndInteractionEvent, self._onReleased)
        elif node.IsA("vtkMRMLSegmentationNode"):
            segmentation = node.GetSegmentation()
            for event in (
                segmentation.SegmentAdded,
                segmentation.SegmentRemoved,
                segmentation.SegmentModified,
                segmentation.SourceRepresentationModified,
            ):
                segmentation.AddObserver(event, lambda *_: self.refreshSoon())

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeLeaving(self, _scene: Any, _event: str, node: Any) -> None:
        """The 3D view would go on drawing a box that is removed while it is visible."""
        if node.IsA("vtkMRMLMarkupsROINode"):
            node.SetDisplayVisibility(False)

    def _onReleased(self, roi: Any, _event: str) -> None:
        """The mouse has let go of a box."""
        if roi.GetAttribute(LESION):
            self.boxEdited(roi.GetAttribute(LESION))
