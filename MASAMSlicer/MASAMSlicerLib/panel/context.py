"""What the parts of the panel share; none of them knows the panel or its siblings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from masam_core.errors import NeedsPyTorch
from masam_core.inference.options import SegmentOptions

from ..control.context import Context
from ..control.front import ERROR, PLAIN, WARNING
from ..session.session import Session
from ..wording import breakable
from . import settings
from .timers import Timers

REFRESH_MS = 40
STYLES = {PLAIN: "", WARNING: "color: #b26a00", ERROR: "color: #c62828"}


class PanelContext(Context):
    """Scene, choices, status line and dialogs.

    Args:
        widget: the qMRMLWidget made from the .ui file.
        ui: its named children.
        session: the lesions and the worker.
        parameters: the module's parameter node wrapper; replaced when a scene was closed.
        refresh: brings every part in line with the scene.
    """

    def __init__(
        self, widget: Any, ui: Any, session: Session, parameters: Any, refresh: Callable[[], None]
    ) -> None:
        super().__init__(session, lambda: self.parameters.model)
        self.widget, self.ui, self.parameters = widget, ui, parameters
        self.wantsPyTorch = False  # what the message is about needs it
        self._refresh = refresh
        self._timers = Timers()
        self._callOff: Callable[[], None] = lambda: None

    @property
    def volume(self) -> Any:
        """The chosen volume node, or None."""
        return self.parameters.volume

    @property
    def chosen(self) -> str:
        """Id of the selected lesion, or an empty text."""
        return str(self.parameters.selectedLesion)

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
                "diameter_plane": p.diameterPlane,
            }
        )

    def select(self, lesionId: str) -> None:
        """Make a lesion the selected one."""
        self.parameters.selectedLesion = lesionId
        self.refreshSoon()

    def refreshSoon(self, *_: Any) -> None:
        """Refresh once, after everything that is going on now."""
        self._callOff()
        self._callOff = self.later(REFRESH_MS, self._refresh)

    def later(self, milliseconds: int, action: Callable[[], None]) -> Callable[[], None]:
        """Call ``action`` once after so long; what is returned calls it off."""
        return self._timers.later(milliseconds, action)

    def show(self, text: str, kind: str) -> None:
        """Write the status line under the large button."""
        self.wantsPyTorch = False
        self.ui.statusLabel.styleSheet = STYLES[kind]
        self.ui.statusLabel.text = breakable(text)

    def sayError(self, error: Exception, holds: Callable[[], bool] | None = None) -> None:
        """Show an error; where PyTorch would help here, the panel offers it below the words."""
        here = not str(settings.read("workerCommand")).strip()
        wants = here and getattr(error, "code", "") == NeedsPyTorch.code
        if wants:
            error = NeedsPyTorch(str(error).replace(NeedsPyTorch.advice, "").strip())
        super().sayError(error, holds)
        self.wantsPyTorch = wants

    def progress(self, fraction: float | None) -> None:
        """Show the bar of a run with how much of it is done; None hides it."""
        self.ui.progressBar.value = int(1000 * (fraction or 0.0))
        self.ui.progressBar.visible = fraction is not None

    def showProgress(self, fraction: float, text: str) -> None:
        """Say how far a download is."""
        self.say(f"{text} ({fraction:.0%})" if fraction else text)

    def ask(
        self,
        kind: str,
        fields: dict[str, Any],
        onDone: Callable[[dict[str, Any]], None],
        onError: Callable[[Exception], None] | None = None,
        onProgress: Callable[[float, str], None] | None = None,
    ) -> Any:
        """Send the worker a request beside the runs."""
        return self.session.ask(kind, fields, onDone, onError or self.sayError, onProgress)

    def enable(self, widget: Any, able: bool, problem: str, hint: str | None = None) -> None:
        """Enable a widget; a disabled one says why, an enabled one what it does."""
        if widget.property("masamHint") is None:
            widget.setProperty("masamHint", widget.toolTip)
        widget.enabled = able
        widget.toolTip = (hint or widget.property("masamHint")) if able else problem

    def askForFile(self, title: str, pattern: str) -> str:
        """A file to open; empty if the user thinks better of it."""
        return _first(qt.QFileDialog.getOpenFileName(self.widget, title, "", pattern))

    def askForTarget(self, title: str, name: str, pattern: str) -> str:
        """A file to write; empty if the user thinks better of it."""
        return _first(qt.QFileDialog.getSaveFileName(self.widget, title, name, pattern))

    def askForFolder(self, title: str, start: str) -> str:
        """A folder; empty if the user thinks better of it."""
        return str(qt.QFileDialog.getExistingDirectory(self.widget, title, start) or "")

    def close(self) -> None:
        """The panel is gone: widgets that still live must not wake it again."""
        self._timers.close()


def _first(answer: Any) -> str:
    """A file dialog's answer: PythonQt gives the name, PySide the name and the filter."""
    return str(answer[0] if isinstance(answer, tuple) else answer or "")
