"""One tab of the browser: one scene, its views, its worker."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import vtk
from MASAMSlicerLib import workerprocess
from MASAMSlicerLib.control.settling import Settling
from MASAMSlicerLib.control.watcher import Watcher
from MASAMSlicerLib.session.session import Session
from MASAMSlicerLib.wording import deviceWords

from masam_workbench.display.application import Application
from masam_workbench.tab.appearance import Appearance
from masam_workbench.tab.boxes import Boxes
from masam_workbench.tab.checking import Checking
from masam_workbench.tab.context import Settings, TabContext
from masam_workbench.tab.images import Images
from masam_workbench.tab.lesionlist import LesionRows
from masam_workbench.tab.measuring import Measuring
from masam_workbench.tab.running import Running
from masam_workbench.tab.saving import Saving
from masam_workbench.tab.state import STATE
from masam_workbench.tab.touchup import TouchUp
from masam_workbench.tab.transport import LoopTransport
from masam_workbench.tab.uploads import Uploads
from masam_workbench.tab.windowing import Windowing


class Tab:
    """Puts the parts together; what they share is the context.

    Args:
        state: trame's state, shared with the page.
        folder: the only place on disk that this tab writes to.
        settings: of the machine.
        limit: of an upload, in bytes.
    """

    def __init__(self, state: Any, folder: Path, settings: Settings, limit: int) -> None:
        state.update({name: value for name, value in STATE.items() if name not in state.to_dict()})
        application = Application(folder)
        scene = application.scene
        loop = asyncio.get_running_loop()
        command = workerprocess.workerCommand(settings.workerCommand)

        def makeTransport() -> LoopTransport:
            return LoopTransport(command, workerprocess.workerEnvironment(), loop)

        session = Session(scene, makeTransport)
        context = self.context = TabContext(
            state, folder, settings, application, session, self.refresh
        )
        self.measuring = Measuring(context)
        self.images = Images(context, self.leaveTools)
        self.touchUp = TouchUp(context, self.leaveTools, onStroke=self.measuring.soon)
        settling = Settling(context.later, lambda lesionId: self.running.runner.follow(lesionId))
        self.boxes = Boxes(context, self.leaveTools, onRest=settling.rest)
        self.windowing = Windowing(context, self.leaveTools)
        self.appearance = Appearance(context)
        self.rows = LesionRows(context)
        self.running = Running(
            context,
            stopTools=self._beforeRun,
            endStroke=self.touchUp.endStroke,
            onResult=lambda _: self.appearance.showMasks(),
            measureSoon=self.measuring.soon,
        )
        self.saving = Saving(context, self.touchUp.endStroke, self.measuring.whenMeasured)
        self.checking = Checking(context, makeTransport)
        self.uploads = Uploads(context, self.images, limit)
        self.watcher = Watcher(scene, settling, context.refreshSoon)
        self.connecting: asyncio.Task[None] | None = None
        self.opening: asyncio.Task[None] | None = None
        scene.AddObserver(scene.NodeAboutToBeRemovedEvent, self._onNodeLeaving)
        for view in context.views.slices.values():
            view.node.AddObserver(vtk.vtkCommand.ModifiedEvent, context.refreshSoon)

    def fit(self) -> None:
        """Show the whole image in every view."""
        if self.context.volume is not None:
            self.context.views.show(self.context.volume)

    def goToSlice(self, name: str, number: int) -> None:
        """Turn a slice view to a slice, counted from 1."""
        if name in self.context.views.slices:
            self.context.views.slices[name].goToSlice(int(number))

    def leaveTools(self) -> None:
        """Esc."""
        self.boxes.stop()
        self.touchUp.stop()
        self.windowing.stop()

    def refresh(self) -> None:
        """Bring the page in line with the scene."""
        context = self.context
        session, volume = context.session, context.volume
        session.lesions.followNames()
        with context.state as state, session.lesions.held():
            session.visibility.show(volume)
            rows = self.rows.rows()
            ids = [row["id"] for row in rows]
            if state.selected not in ids:
                state.selected = ids[-1] if ids else ""
            state.lesions = rows
            self.appearance.showHandles()
            state.image = volume.GetName() if volume is not None else ""
            state.busy = self.running.busy
            state.pending = len(session.pending(volume)) if volume is not None else 0
            state.tool = "box" if self.boxes.active else self.touchUp.tool or self.windowing.tool
            context.dropOldMessage()
            state.undoTitle = session.history.undoTitle
            state.redoTitle = session.history.redoTitle
            state.device = deviceWords(context.devices, context.settings.device)
            state.places = self._places() if volume is not None else {}

    def _places(self) -> dict[str, dict[str, Any]]:
        """Tell of each slice view which slice it shows, which way is which, and its scale."""
        found = {}
        for name, view in self.context.views.slices.items():
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
            self.context.devices = answer["devices"]
            self.context.refreshSoon()

        self.context.session.ask("devices", {}, done, self.context.sayError)

    def close(self) -> None:
        """The tab is gone."""
        self.checking.dismiss()
        self.watcher.stop()
        self.context.session.close()

    def _beforeRun(self) -> None:
        self.boxes.stop()
        self.touchUp.endStroke()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeLeaving(self, _scene: Any, _event: str, node: Any) -> None:
        """The 3D view would go on drawing a box that is removed while it is visible."""
        if node.IsA("vtkMRMLMarkupsROINode"):
            node.SetDisplayVisibility(False)
