"""The whole panel: its parts, what they share, and when they are refreshed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _

from .. import workerprocess
from ..control.settling import Settling
from ..control.watcher import Watcher
from ..scene.belonging import otherVolume
from ..session.session import Session
from . import settings
from .advanced import Advanced
from .batch import Batch
from .check import Check
from .context import PanelContext
from .inputs import Inputs
from .install import Install
from .lesiontable import LesionTable
from .prompt import Prompt
from .qprocess import QProcessTransport
from .results import Results
from .run import Run
from .setupline import SetupLine
from .shortcuts import Shortcuts

GREETING_MS = 1500  # after the module is shown, before the worker is started in advance
CHOSEN = ("volume", "segmentation")  # parameters that are nodes


def makeTransport() -> QProcessTransport:
    """A worker process as this machine's settings say."""
    command = workerprocess.workerCommand(str(settings.read("workerCommand")))
    return QProcessTransport(command, workerprocess.workerEnvironment())


class Panel:
    """Puts the parts together; what they share is the context.

    Args:
        widget: the qMRMLWidget made from the .ui file.
        ui: its named children.
        session: the lesions and the worker.
        parameters: the module's parameter node wrapper.
    """

    def __init__(self, widget: Any, ui: Any, session: Session, parameters: Any) -> None:
        context = self.context = PanelContext(widget, ui, session, parameters, self.refresh)
        self._volumeId = ""
        self._chosen: dict[str, str] = {}
        self._entered = False
        self._forgetGreeting: Callable[[], None] = lambda: None
        self.install = Install(context)
        self.inputs = Inputs(context)
        self.setupLine = SetupLine(context, devices=lambda: self.inputs.devices)
        self.results = Results(context)
        self.run = Run(
            context,
            problem=self._problem,
            before=lambda: self.prompt.stop(),
            onResult=self.results.showNew,
        )
        settling = Settling(context.later, self.run.runner.follow)
        self.prompt = Prompt(context, onRest=settling.rest)
        self.lesionTable = LesionTable(context, rerun=self.run.again)
        self.batch = Batch(context, problem=lambda: self.install.problem)
        self.advanced = Advanced(context, onWorkerChanged=self.install.check)
        self.check = Check(context, makeTransport)
        self.watcher = Watcher(session.scene, settling, context.refreshSoon)
        self._shortcuts = Shortcuts(
            slicer.util.mainWindow() or widget.window(),
            {
                "B": self.prompt.togglePlacing,
                "E": self.lesionTable.actions.goToNext,
                "V": self.results.toggleVisibility,
                "Esc": self.prompt.stop,
                "Ctrl+Z": self.run.runner.undo,
                "Ctrl+Y": self.run.runner.redo,
                "Ctrl+Return": self.run.press,
                "Ctrl+Enter": self.run.press,
            },
        )
        self.refresh()

    def entered(self) -> None:
        """The module is shown: look for what is missing, and have the worker ready in time."""
        self._entered = True
        self._shortcuts.enable(True)
        self.install.check()
        self._forgetGreeting()
        self._forgetGreeting = self.context.later(GREETING_MS, self._greet)
        self.context.refreshSoon()

    def left(self) -> None:
        """Another module is shown."""
        self._entered = False
        self._letGo()
        self._forgetGreeting()
        self.prompt.stop()
        self.results.leave()
        self._shortcuts.enable(False)

    def refresh(self) -> None:
        """Bring every part in line with the scene."""
        context = self.context
        self._showNewVolume()
        self._chosen = {name: _idOf(getattr(context.parameters, name)) for name in CHOSEN}
        context.session.lesions.followNames()
        with context.session.lesions.held():
            context.dropOldMessage()
            if self._entered:
                context.session.visibility.show(context.volume)
                context.session.handles.refresh()
            for part in (
                self.inputs,
                self.setupLine,
                self.prompt,
                self.lesionTable,
                self.run,
                self.results,
                self.batch,
                self.advanced,
                self.check,
            ):
                part.refresh()

    def mouseMoved(self, crosshairNode: Any) -> None:
        """The mouse is elsewhere, perhaps in another view."""
        if self._entered:
            self.context.session.handles.follow(crosshairNode)

    def nodeRemoved(self, node: Any) -> None:
        """A node has left the scene; where it was chosen, nothing is.

        Slicer's selector goes to the next node by itself, whomever it belongs to.
        """
        for name, identity in self._chosen.items():
            if identity and identity == node.GetID():
                setattr(self.context.parameters, name, None)
        self.context.refreshSoon()

    def sceneClosed(self) -> None:
        """The scene is about to be emptied."""
        self.prompt.stop()
        self.batch.sceneClosed()
        self.context.session.sceneClosed()
        self.results.sceneClosed()
        self.context.say("")

    def sceneOpened(self, parameters: Any) -> None:
        """Another scene is there, empty or just loaded, with its parameter node wrapper."""
        self.context.parameters = parameters
        self.watcher.watchAll()
        self.context.refreshSoon()

    def cleanup(self) -> None:
        """The module is unloaded; widgets that still live must not wake the panel again."""
        self.context.close()
        self.watcher.stop()
        self._shortcuts.remove()
        self.prompt.stop()
        self.batch.cleanup()
        self.check.cleanup()
        self.results.cleanup()
        self._letGo()
        self.context.session.close()

    def _letGo(self) -> None:
        """The views are the user's again."""
        self.context.session.visibility.showAll()
        self.context.session.handles.release()

    def _greet(self) -> None:
        if not self.install.missing and not self.inputs.devices:
            self.inputs.askWorker()

    def _problem(self) -> str:
        """Why nothing can be segmented, or an empty text."""
        if self.install.problem:
            return self.install.problem
        if not self.inputs.modelIsHere():
            return _("The model is not here yet: download it, or choose another.")
        return ""

    def _showNewVolume(self) -> None:
        """A volume that has just been chosen is shown, in its own planes.

        The segmentation of another volume is let go, so that no lesion of this one gets into it.
        """
        context = self.context
        identity = _idOf(context.volume)
        if identity and identity != self._volumeId:
            _showVolume(context.volume)
            chosen, lesions = context.parameters.segmentation, context.session.lesions.lesions()
            if chosen is not None and otherVolume(chosen, context.volume, lesions):
                context.parameters.segmentation = None
        self._volumeId = identity


def _showVolume(volumeNode: Any) -> None:
    """Make the volume the background of every slice view, in the volume's own planes."""
    slicer.util.setSliceViewerLayers(background=volumeNode, fit=True, rotateToVolumePlane=True)


def _idOf(node: Any) -> str:
    return str(node.GetID()) if node is not None else ""
