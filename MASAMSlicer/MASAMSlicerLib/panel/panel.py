"""The whole panel: its parts, what they share, and when they are refreshed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from masam_core.errors import MasamError
from masam_core.inference.options import SegmentOptions
from masam_core.installation.finding import State

from .. import workerprocess
from ..scene.belonging import otherVolume
from ..scene.lesions import LESION, LesionEntry
from ..session import Session
from ..standing import Standing, situationOf
from ..wording import breakable
from . import settings
from .advanced import Advanced
from .batch import Batch
from .check import Check
from .inputs import Inputs
from .install import Install
from .lesiontable import LesionTable
from .prompt import Prompt
from .qprocess import QProcessTransport
from .results import Results
from .run import Run
from .setupline import SetupLine
from .shortcuts import Shortcuts

REFRESH_MS = 40
SETTLED_MS = 500  # without a change after which a box counts as moved, if no mouse said so
GREETING_MS = 1500  # after the module is shown, before the worker is started in advance
CHOSEN = ("volume", "segmentation")  # parameters that are nodes
WARNING_STYLE, ERROR_STYLE = "color: #b26a00", "color: #c62828"


def makeTransport() -> QProcessTransport:
    """A worker process as this machine's settings say."""
    command = workerprocess.workerCommand(str(settings.read("workerCommand")))
    return QProcessTransport(command, workerprocess.workerEnvironment())


class Panel:
    """Binds widgets to a session.

    Args:
        widget: the qMRMLWidget made from the .ui file.
        ui: its named children.
        session: the lesions and the worker.
        parameters: the module's parameter node wrapper.
    """

    def __init__(self, widget: Any, ui: Any, session: Session, parameters: Any) -> None:
        self.widget, self.ui, self.session, self.parameters = widget, ui, session, parameters
        self._settling: dict[str, Any] = {}
        self._timer = _once(REFRESH_MS, self.refresh)
        self._volumeId = ""
        self._standing = Standing(
            lambda: (self.parameters.model, situationOf(self.session, self.volume))
        )
        self._chosen: dict[str, str] = {}
        self._entered = False
        self._closed = False
        self._greeting = _once(GREETING_MS, self._greet)
        self.install = Install(self)
        self.inputs = Inputs(self)
        self.setupLine = SetupLine(self)
        self.prompt = Prompt(self)
        self.lesionTable = LesionTable(self)
        self.run = Run(self)
        self.results = Results(self)
        self.batch = Batch(self)
        self.advanced = Advanced(self)
        styles = {State.NOTE: WARNING_STYLE, State.PROBLEM: ERROR_STYLE}
        self.check = Check(self, makeTransport, styles)
        self._shortcuts = Shortcuts(
            slicer.util.mainWindow() or widget.window(),
            {
                "B": self.prompt.togglePlacing,
                "E": self.lesionTable.goToNext,
                "V": self.results.toggleVisibility,
                "Esc": self.prompt.stop,
                "Ctrl+Z": self.run.undo,
                "Ctrl+Y": self.run.redo,
                "Ctrl+Return": self.run.press,
                "Ctrl+Enter": self.run.press,
            },
        )
        self.refresh()

    @property
    def volume(self) -> Any:
        """The chosen volume node, or None."""
        return self.parameters.volume

    @property
    def selected(self) -> LesionEntry | None:
        """The selected lesion of the chosen volume."""
        chosen = self.parameters.selectedLesion
        lesion = self.session.lesions.lesion(chosen) if chosen else None
        return lesion if lesion is not None and lesion.volume is self.volume else None

    def choice(self) -> Any:
        """Model, device and cache as chosen."""
        from masam_core.worker.steps import ModelChoice

        return ModelChoice(
            model=self.parameters.model,
            device=str(settings.read("device")),
            cache_bytes=int(settings.read("cacheMB")) << 20,
        )

    def options(self) -> SegmentOptions:
        """Settings as chosen; raises ConfigError."""
        p = self.parameters
        return SegmentOptions.from_dict(
            {
                "quality": p.quality,
                "threshold": float(p.threshold) if p.useThreshold else None,
                "margin_mm": float(p.marginMm),
                "keep": p.keep,
                "fill_holes": bool(p.fillHoles),
                "smooth_mm": float(p.smoothMm),
            }
        )

    def entered(self) -> None:
        """The module is shown: look for what is missing, and have the worker ready in time."""
        self._entered = True
        self._shortcuts.enable(True)
        self.install.check()
        self._greeting.start()
        self.refreshSoon()

    def left(self) -> None:
        """Another module is shown."""
        self._entered = False
        self.session.visibility.showAll()
        self.session.handles.release()
        self._greeting.stop()
        self.prompt.stop()
        self.results.leave()
        self._shortcuts.enable(False)

    def _greet(self) -> None:
        if not self.install.missing and not self.inputs.devices:
            self.inputs.askWorker()

    def refreshSoon(self, *_: Any) -> None:
        """Refresh once, after everything that is going on now."""
        if not self._closed:
            self._timer.start()

    def refresh(self) -> None:
        """Bring every part in line with the scene."""
        self._showNewVolume()
        self._chosen = {name: _idOf(getattr(self.parameters, name)) for name in CHOSEN}
        self.session.lesions.followNames()
        with self.session.lesions.held():
            if self._standing.over():
                self.say("")
            if self._entered:
                self.session.visibility.show(self.volume)
                self.session.handles.refresh()
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

    def select(self, lesionId: str) -> None:
        """Make a lesion the selected one."""
        self.parameters.selectedLesion = lesionId
        self.refreshSoon()

    def mouseMoved(self, crosshairNode: Any) -> None:
        """The mouse is elsewhere, perhaps in another view."""
        if self._entered:
            self.session.handles.follow(crosshairNode)

    def nodeRemoved(self, node: Any) -> None:
        """A node has left the scene; where it was chosen, nothing is.

        Slicer's selector goes to the next node by itself, whomever it belongs to.
        """
        for name, identity in self._chosen.items():
            if identity and identity == node.GetID():
                setattr(self.parameters, name, None)
        self.refreshSoon()

    def boxChanged(self, roiNode: Any) -> None:
        """A ROI was modified, perhaps in the middle of a drag."""
        lesionId = roiNode.GetAttribute(LESION)
        if not lesionId:
            return
        if lesionId not in self._settling:
            self._settling[lesionId] = _once(SETTLED_MS, lambda: self.boxEdited(lesionId))
        self._settling[lesionId].start()
        self.refreshSoon()

    def boxEdited(self, lesionId: str) -> None:
        """A box has come to rest: the end of a drag, or a button."""
        timer = self._settling.get(lesionId)
        if timer is not None:
            timer.stop()
        self.run.follow(lesionId)
        self.refreshSoon()

    def say(
        self, text: str, warning: bool = False, holds: Callable[[], bool] | None = None
    ) -> None:
        """The status line under the large button.

        It stands as long as ``holds`` says so; if that is not given, as long as model, volume and
        list of lesions are what they are.
        """
        self._show(text, WARNING_STYLE if warning else "", holds)

    def sayError(self, error: Exception, holds: Callable[[], bool] | None = None) -> None:
        """An error in the status line; no window pops up. ``holds``: see :meth:`say`."""
        text = str(error) or type(error).__name__
        if not isinstance(error, (MasamError, ValueError)):
            text = _("Something unforeseen happened: {what}").format(what=text)
        self._show(text, ERROR_STYLE, holds)
        self.refreshSoon()

    def _show(self, text: str, style: str, holds: Callable[[], bool] | None) -> None:
        self.ui.statusLabel.styleSheet = style
        self.ui.statusLabel.text = breakable(text)
        self._standing.said(holds)

    def showProgress(self, fraction: float, text: str) -> None:
        """Show how far a download is."""
        self.say(f"{text} ({fraction:.0%})" if fraction else text)

    def ask(
        self,
        kind: str,
        fields: dict[str, Any],
        onDone: Callable[[dict[str, Any]], None],
        onError: Callable[[Exception], None] | None = None,
        onProgress: Callable[[float, str], None] | None = None,
    ) -> Any:
        """A request to the worker beside the runs."""
        return self.session.ask(kind, fields, onDone, onError or self.sayError, onProgress)

    def enable(self, widget: Any, able: bool, problem: str, hint: str | None = None) -> None:
        """Enable a widget; a disabled one says why, an enabled one what it does."""
        if widget.property("masamHint") is None:
            widget.setProperty("masamHint", widget.toolTip)
        widget.enabled = able
        widget.toolTip = (hint or widget.property("masamHint")) if able else problem

    def sceneClosed(self) -> None:
        """The scene is about to be emptied."""
        self.prompt.stop()
        self.batch.sceneClosed()
        self.session.sceneClosed()
        self.results.sceneClosed()
        self.say("")

    def cleanup(self) -> None:
        """The module is unloaded; widgets that still live must not wake the panel again."""
        self._closed = True
        self._timer.stop()
        self._greeting.stop()
        for timer in self._settling.values():
            timer.stop()
        self._shortcuts.remove()
        self.prompt.stop()
        self.batch.cleanup()
        self.check.cleanup()
        self.results.cleanup()
        self.session.visibility.showAll()
        self.session.handles.release()
        self.session.close()

    def askForFile(self, title: str, pattern: str) -> str:
        """A file to open; empty if the user thinks better of it."""
        return _first(qt.QFileDialog.getOpenFileName(self.widget, title, "", pattern))

    def askForTarget(self, title: str, name: str, pattern: str) -> str:
        """A file to write; empty if the user thinks better of it."""
        return _first(qt.QFileDialog.getSaveFileName(self.widget, title, name, pattern))

    def askForFolder(self, title: str, start: str) -> str:
        """A folder; empty if the user thinks better of it."""
        return str(qt.QFileDialog.getExistingDirectory(self.widget, title, start) or "")

    def _showNewVolume(self) -> None:
        """A volume that has just been chosen is shown, in its own planes.

        The segmentation of another volume is let go, so that no lesion of this one gets into it.
        """
        identity = self.volume.GetID() if self.volume is not None else ""
        if identity and identity != self._volumeId:
            _showVolume(self.volume)
            chosen, lesions = self.parameters.segmentation, self.session.lesions.lesions()
            if chosen is not None and otherVolume(chosen, self.volume, lesions):
                self.parameters.segmentation = None
        self._volumeId = identity


def _showVolume(volumeNode: Any) -> None:
    """Make the volume the background of every slice view, in the volume's own planes."""
    slicer.util.setSliceViewerLayers(background=volumeNode, fit=True, rotateToVolumePlane=True)


def _once(milliseconds: int, slot: Callable[[], None]) -> Any:
    """A timer that, once started, waits so long and calls ``slot`` a single time."""
    timer = qt.QTimer()
    timer.setSingleShot(True)  # as a property PythonQt hides it behind the static method
    timer.interval = milliseconds
    timer.timeout.connect(slot)
    return timer


def _idOf(node: Any) -> str:
    return str(node.GetID()) if node is not None else ""


def _first(answer: Any) -> str:
    """A file dialog's answer: PythonQt gives the name, PySide the name and the filter."""
    return str(answer[0] if isinstance(answer, tuple) else answer or "")
