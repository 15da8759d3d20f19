"""The whole panel: its parts, what they share, and when they are refreshed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _

from .. import workerprocess
from ..control.promptactions import PromptActions
from ..control.settling import Settling
from ..control.watcher import Watcher
from ..scene.belonging import otherVolume, segmentationOf
from ..session.session import Session
from . import settings
from .addpytorch import BUTTON, AddPyTorch
from .advanced import Advanced
from .batch import Batch
from .check import Check
from .classes import Classes
from .context import PanelContext
from .corrections import LASSOS, LINE_TOOL, NOT, SCRIBBLES, YES, Corrections
from .followup import FollowUp
from .improve import Improve
from .inputs import Inputs
from .install import Install
from .lesiontable import LesionTable
from .prompt import Prompt
from .qprocess import QProcessTransport
from .results import Results
from .run import Run
from .setupline import SetupLine
from .shortcuts import Shortcuts
from .spaceviews import SpaceViews
from .touchup import TouchUp

GREETING_MS = 1500  # after the module is shown, before the worker is started in advance
CHOSEN = ("volume", "segmentation")  # parameters that are nodes
SELECTORS = ("roiSelector", "batchSegmentationSelector")  # bound to no parameter


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
        self._selected: dict[str, str] = {}
        self._entered = False
        self._forgetGreeting: Callable[[], None] = lambda: None
        self.install = Install(context)
        self.inputs = Inputs(context)
        self.addPyTorch = AddPyTorch(
            context,
            self.install,
            busy=lambda: session.busy or self.inputs.asking,
            onAdded=self.inputs.askWorker,
        )
        self.setupLine = SetupLine(context, devices=lambda: self.inputs.devices)
        self.results = Results(context)
        self.touchUp = TouchUp(context)
        self.run = Run(
            context,
            problem=self._problem,
            before=self._leaveTools,
            onResult=self.results.showNew,
        )
        self.classes = Classes(
            context,
            model=self.inputs.chosenModel,
            run=self.run,
            problem=self._problem,
            before=self._leaveTools,
        )
        settling = Settling(context.later, self.run.runner.follow)
        self.prompt = Prompt(context, onRest=settling.rest, before=lambda: self.corrections.stop())
        self.corrections = Corrections(
            context,
            PromptActions(context, self.run.runner),
            leaveTools=self._leaveTools,
            problem=self._problem,
        )
        self.lesionTable = LesionTable(context, rerun=self.run.again)
        self.batch = Batch(
            context,
            problem=lambda: self.install.problem,
            whole=self.classes.forBatch,
        )
        self.advanced = Advanced(
            context,
            onWorkerChanged=self.install.check,
            onPlane=self.results.measureAgain,
        )
        self.check = Check(context, makeTransport)
        self.improve = Improve(context, problem=self._whyNoTraining, onTaken=self.inputs.askWorker)
        self.followUp = FollowUp(context)
        self.watcher = Watcher(session.scene, settling, context.refreshSoon)
        self.spaceViews = SpaceViews(session.handles.mouseIn3D)
        self._shortcuts = Shortcuts(
            slicer.util.mainWindow() or widget.window(),
            {
                "B": self.prompt.togglePlacing,
                "R": lambda: self.corrections.toggle((LINE_TOOL,)),
                "P": lambda: self.corrections.toggle((YES,)),
                "N": lambda: self.corrections.toggle((NOT,)),
                "S": lambda: self.corrections.toggle(SCRIBBLES),
                "L": lambda: self.corrections.toggle(LASSOS),
                "E": self.lesionTable.actions.goToNext,
                "V": self.results.toggleVisibility,
                "Esc": self._leaveTools,
                "Ctrl+Z": lambda: self.touchUp.undo() or self.run.runner.undo(),
                "Ctrl+Y": lambda: self.touchUp.redo() or self.run.runner.redo(),
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
        self.addPyTorch.entered()
        self._forgetGreeting()
        self._forgetGreeting = self.context.later(GREETING_MS, self._greet)
        self.context.refreshSoon()

    def left(self) -> None:
        """Another module is shown."""
        self._entered = False
        self._letGo()
        self._forgetGreeting()
        self._leaveTools()
        self.corrections.leave()
        self._shortcuts.enable(False)

    def refresh(self) -> None:
        """Bring every part in line with the scene."""
        context = self.context
        isNew = self._showNewVolume()
        self._chosen = {name: _idOf(getattr(context.parameters, name)) for name in CHOSEN}
        self._selected = {
            name: _idOf(getattr(context.ui, name).currentNode()) for name in SELECTORS
        }
        context.session.lesions.followNames()
        with context.session.lesions.held():
            context.dropOldMessage()
            if self._entered:
                context.session.visibility.show(context.volume)
                if isNew:  # a run may have ended while another volume was chosen
                    self.results.lookAtSurface()
                context.session.handles.refresh()
                self.spaceViews.watch()
            for part in (
                self.inputs,
                self.setupLine,
                self.prompt,
                self.corrections,
                self.lesionTable,
                self.run,
                self.classes,  # after those whose buttons make way for it
                self.results,
                self.touchUp,
                self.batch,
                self.advanced,
                self.addPyTorch,
                self.check,
                self.improve,
                self.followUp,
            ):
                part.refresh()

    def onInteractionMode(self) -> None:
        """Slicer's mouse has another mode: something was placed, or its tool was left."""
        self.prompt.onInteractionMode()
        self.corrections.onInteractionMode()

    def nodeRemoved(self, node: Any) -> None:
        """A node has left the scene; where it was chosen, nothing is.

        Slicer's selector goes to the next node by itself, whomever it belongs to.
        """
        for name, identity in self._chosen.items():
            if identity and identity == node.GetID():
                setattr(self.context.parameters, name, None)
        for name, identity in self._selected.items():
            if identity and identity == node.GetID():
                getattr(self.context.ui, name).setCurrentNode(None)
        self.context.refreshSoon()

    def sceneClosed(self) -> None:
        """The scene is about to be emptied."""
        self.prompt.stop()
        self.corrections.leave()
        self.batch.sceneClosed()
        self.followUp.sceneClosed()
        self.context.session.sceneClosed()
        self.results.sceneClosed()
        self.touchUp.sceneClosed()
        self.context.say("")

    def sceneEmptied(self) -> None:
        """The scene is empty: what a refresh has read while its nodes went is forgotten, too."""
        self.context.session.lesions.forget()
        self.watcher.forgetGone()

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
        self.prompt.cleanup()
        self.corrections.leave()
        self.batch.cleanup()
        self.check.cleanup()
        self.improve.cleanup()
        self.followUp.cleanup()
        self.touchUp.cleanup()
        self._letGo()
        self.context.session.close()

    def _leaveTools(self) -> None:
        """The mouse is for looking again."""
        self.prompt.stop()
        self.corrections.stop()
        self.touchUp.leave()

    def _letGo(self) -> None:
        """The views are the user's again."""
        self.spaceViews.stop()
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

    def _whyNoTraining(self) -> str:
        """Why no model can be trained, or an empty text."""
        if self.install.lacksPyTorch:
            return _("Training needs PyTorch: press '{button}' above.").format(button=BUTTON)
        return self._problem()

    def _showNewVolume(self) -> bool:
        """Show a volume that has just been chosen, in its own planes; whether there is one.

        The segmentation of another volume makes way for that of this one's lesions, if they are in
        one: new lesions go to the others, and selector and folded title say so.
        """
        context = self.context
        identity = _idOf(context.volume)
        isNew = bool(identity) and identity != self._volumeId
        if isNew:
            _showVolume(context.volume)
            chosen, lesions = context.parameters.segmentation, context.session.lesions.lesions()
            if chosen is None or otherVolume(chosen, context.volume, lesions):
                context.parameters.segmentation = segmentationOf(context.volume, lesions)
        self._volumeId = identity
        return isNew


def _showVolume(volumeNode: Any) -> None:
    """Make the volume the background of every slice view, in the volume's own planes."""
    slicer.util.setSliceViewerLayers(background=volumeNode, fit=True, rotateToVolumePlane=True)


def _idOf(node: Any) -> str:
    return str(node.GetID()) if node is not None else ""
