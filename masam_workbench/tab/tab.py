"""One tab of the browser: one scene, and a worker to ask."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from MASAMSlicerLib import workerprocess
from MASAMSlicerLib.control.front import ERROR
from MASAMSlicerLib.control.settling import Settling
from MASAMSlicerLib.control.watcher import Watcher
from MASAMSlicerLib.sampledata import SAMPLES
from MASAMSlicerLib.scene.volumes import geometryOf
from MASAMSlicerLib.session.session import Session
from MASAMSlicerLib.wording import deviceWords, modelName, planeNames

from masam_core.errors import ConfigError
from masam_core.lesion.terminology import TUMOUR_TYPES
from masam_core.worker.client import Transport
from masam_workbench.front.transport import LoopTransport
from masam_workbench.served.masks import Masks
from masam_workbench.served.surface import mz3, surfaceOf
from masam_workbench.tab.appearance import Appearance
from masam_workbench.tab.application import Application
from masam_workbench.tab.archive import NOTHING, Archive
from masam_workbench.tab.autosave import Autosave
from masam_workbench.tab.boxes import Boxes
from masam_workbench.tab.checking import Checking
from masam_workbench.tab.context import Settings, TabContext
from masam_workbench.tab.continuing import Continuing
from masam_workbench.tab.correcting import Correcting
from masam_workbench.tab.images import Images
from masam_workbench.tab.improve import Improve
from masam_workbench.tab.lesionlist import LesionRows
from masam_workbench.tab.measuring import Measuring
from masam_workbench.tab.nextdicom import NextDicom
from masam_workbench.tab.nextstudy import NextStudy
from masam_workbench.tab.running import Running
from masam_workbench.tab.saving import Saving
from masam_workbench.tab.shown import Shown
from masam_workbench.tab.state import STATE, State
from masam_workbench.tab.structures import Structures
from masam_workbench.tab.unsaved import Unsaved
from masam_workbench.tab.uploads import Uploads
from masam_workbench.tab.works import DAYS, Works

TOOLS = (
    "none",
    "box",
    "point",
    "notpoint",
    "scribble",
    "notscribble",
    "lasso",
    "line",
    "slicebox",
    "brush",
    "eraser",
)
MOST_SURFACES = 32
NO_WORKER = (
    "What computes the masks does not answer as it should. Press 'Check this installation' to see "
    "what is missing; images can be looked at all the same."
)


class Tab:
    """Puts the parts together; what they share is the context.

    Args:
        folder: the only place on disk that this tab writes to.
        settings: of the machine.
        limit: of an upload, in bytes.
        seconds: after which the tab ends when it is not connected.
        makeWorker: a transport to the worker.
        works: where unsaved work is kept; None keeps none.
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        limit: int,
        seconds: int,
        makeWorker: Callable[[], Transport],
        works: Works | None = None,
    ) -> None:
        keptDays = DAYS if works is not None else 0
        state = self.state = State({**STATE, **_constants(limit, seconds), "keptDays": keptDays})
        state.pacs = NOTHING
        application = Application(folder)
        scene = application.scene
        loop = asyncio.get_running_loop()
        command = workerprocess.workerCommand(settings.workerCommand)

        def makeTransport() -> LoopTransport:  # the check tries a worker of its own
            return LoopTransport(command, workerprocess.workerEnvironment(), loop)

        session = Session(scene, makeWorker)
        context = self.context = TabContext(
            state, folder, settings, application, session, self.refresh
        )
        self.shown = Shown(folder)
        self.masks = Masks(session.lesions)
        self._surfaces: OrderedDict[str, bytes] = OrderedDict()
        self.measuring = Measuring(context)
        self.unsaved = Unsaved()
        self.autosave = Autosave(context, works, self._facts)
        self.continuing = Continuing(context, self.autosave, self.measuring.soon)
        self.images = Images(
            context, self.shown, self._beforeLeaving, lambda: self.nextStudy.sceneOpened()
        )
        settling = Settling(context.later, lambda lesionId: self.running.runner.follow(lesionId))
        self.boxes = Boxes(context, onRest=settling.rest)
        self.appearance = Appearance(context)
        self.rows = LesionRows(context, self.masks)
        self.running = Running(
            context,
            stopTools=lambda: None,
            onResult=lambda _: self.appearance.showMasks(),
            measureSoon=self.measuring.soon,
        )
        self.structures = Structures(context, self.running)
        self.correcting = Correcting(context, self.running.runner, self.measuring.soon)
        self.saving = Saving(
            context,
            self.masks,
            self.measuring.whenMeasured,
            self.images.dicomGrid,
            lambda node: self._saving(node)(),
            self.structures.segmentations,
        )
        self.archive = Archive(context, self.images, self.saving.segmentation, self._saving)
        self.checking = Checking(context, makeTransport)
        self.improve = Improve(context, self._onModel)
        self.uploads = Uploads(context, self.images, limit)
        self.nextStudy = NextStudy(
            context,
            self.shown,
            self.rows,
            (self.uploads, self.archive),
            self.saving,
            self._saving,
        )
        self.nextDicom = NextDicom(
            context,
            self.images,
            self.archive,
            self.saving,
            self._saving,
            lambda: self.nextStudy.pair,
        )
        self.watcher = Watcher(scene, settling, context.refreshSoon)
        self.opening: asyncio.Task[bool] | None = None

    def refresh(self) -> None:
        """Bring the page in line with the scene."""
        context, state = self.context, self.state
        session, volume = context.session, context.volume
        session.lesions.followNames()
        with session.lesions.held():
            session.visibility.show(volume)
            rows = self.rows.rows()
            ids = [row["id"] for row in rows]
            if state.selected not in ids:
                state.selected = ids[-1] if ids else ""
            state.lesions = rows
            image = self.nextStudy.image()
            dicom = self.images.sources is not None
            state.image = None if image is None else {**image, "dicom": dicom}
            self.nextStudy.refresh()
            self.nextDicom.refresh()
            every = [*rows, *self.nextStudy.rows(), *self.structures.rows(beside=True)]
            state.saved = self.unsaved.isSaved(every)
            now = [{**row, "state": ""} for row in every]
            self.autosave.look((now, self.nextStudy.said()), not state.saved)
            if state.image is None:
                self.continuing.list()
            self.structures.refresh()
            state.busy = self.running.busy
            state.pending = len(session.pending(volume)) if volume is not None else 0
            context.dropOldMessage()
            state.undoTitle = session.history.undoTitle
            state.redoTitle = session.history.redoTitle
            state.device = deviceWords(context.devices, context.settings.device)

    def chooseTool(self, name: str) -> None:
        """Note which tool the page has in hand; messages about another one go.

        Raises:
            ConfigError: there is no such tool.
        """
        if name not in TOOLS:
            raise ConfigError(f"There is no tool '{str(name)[:40]}'.")
        self.state.tool = name
        self.context.refreshSoon()

    def surface(self, version: str) -> bytes | None:
        """The mesh of a mask that is shown, as an MZ3 file; None where there is no such mask."""
        mask = self.masks.known(version) or self.structures.known(version)
        if mask is None or self.context.volume is None:
            return None
        if version not in self._surfaces:
            self._surfaces[version] = mz3(*surfaceOf(mask, geometryOf(self.context.volume)))
        self._surfaces.move_to_end(version)
        while len(self._surfaces) > MOST_SURFACES:
            self._surfaces.popitem(last=False)
        return self._surfaces[version]

    def askWorker(self) -> None:
        """Start the worker in advance, ask where it computes, and have it load the model."""

        def done(answer: dict[str, Any]) -> None:
            self.context.devices = answer["devices"]
            self.context.refreshSoon()

        def failed(_: Exception) -> None:
            self.context.say(NO_WORKER, ERROR)

        self.context.session.ask("devices", {}, done, failed)
        ask = self.context.session.ask
        self._askModels()
        # Why it can't be loaded is told by the first run.
        ask("load_model", self.running.choice().fields(), lambda _: None, lambda _: None)

    def _askModels(self, chosen: str = "") -> None:
        """Ask which models are here, and choose one of them, if one is named."""

        def listed(answer: dict[str, Any]) -> None:
            here = [each for each in answer["models"] if each["here"]]
            names = [str(each["name"]) for each in here]
            self.structures.models(here)
            self.state.models = [
                {"name": name, "words": modelName(name) + self.structures.words(name)}
                for name in names
            ]
            if chosen in names:
                self.running.setModel(chosen)

        self.context.session.ask("models", {}, listed, lambda _: None)

    def _onModel(self, name: str) -> None:
        """A new model was taken over."""
        self._askModels(name)

    def _facts(self) -> dict[str, Any]:
        """What is known of the image that no file of ours says."""
        facts: dict[str, Any] = {"origin": self.shown.origin(), "images": self.images.sources}
        pair = self.nextStudy.pair
        if pair is not None:
            images = self.images.sourcesOf(pair.earlier)
            facts["earlier"] = {"name": pair.earlier.GetName(), "images": images}
        return facts

    def _beforeLeaving(self) -> None:
        """Another image is about to take the place of this one."""
        self.chooseTool("none")
        self.autosave.leave(keep=not self.state.saved)
        self.unsaved.clear()
        self.nextDicom.forget()
        self.nextStudy.forget()
        self.structures.forget()
        self.masks.clear()
        self._surfaces.clear()

    def _saving(self, node: Any) -> Callable[[], None]:
        """Note the lesions as they are now, of a segmentation node, or of all for None.

        Returns:
            What is to be called when they are in a file; for None with boxes and prompts.
        """
        lesions = [*self.context.lesions(), *self.nextStudy.lesions()]
        rows = self.rows.rowsOf(x for x in lesions if node is None or x.segmentation is node)
        rows += self.structures.rows(node, beside=True)
        volume = self.context.volume

        def saved() -> None:
            if self.context.volume is volume:  # else another image was opened meanwhile
                self.unsaved.saved(rows, node is None)
                self.context.refreshSoon()

        return saved

    def dropSaved(self) -> None:
        """The tab ends: what was kept of work that is in a file of its user's goes, too."""
        if self.state.saved:
            self.autosave.drop()

    def close(self) -> None:
        """The tab is gone."""
        self.dropSaved()
        self.checking.dismiss()
        self.improve.close()
        self.nextDicom.close()
        self.nextStudy.close()
        self.watcher.stop()
        self.context.session.close()


def _constants(limit: int, seconds: int) -> dict[str, Any]:
    """What the page is told once."""
    return {
        "samples": [
            {
                "folder": folder,
                "name": name,
                "short": _short(name),
                "picture": f"thumbnail/{folder}.png",
            }
            for name, folder, _, _ in SAMPLES
        ],
        "kinds": [{"key": key, "name": kind.code.meaning} for key, kind in TUMOUR_TYPES.items()],
        "planes": [{"word": word, "name": name} for word, name in planeNames().items()],
        "uploadLimit": limit,
        "minutes": round(seconds / 60),
    }


def _short(name: str) -> str:
    """A sample's name without the tool's."""
    word = name.removeprefix("MASAM ")
    return word[:1].upper() + word[1:]
