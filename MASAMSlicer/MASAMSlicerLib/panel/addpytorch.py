"""Add PyTorch to an installation whose first choice was the quick one, without it.

Stands where the panel says what is installed, and under a message that something needs PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import slicer
from slicer.i18n import tr as _

from .. import workerprocess
from ..control.front import WARNING
from . import settings
from .context import PanelContext
from .install import Install, installPyTorch, offline

BUTTON = _("Add PyTorch ...")
IS_HERE = _("PyTorch is here: other models, NVIDIA GPUs and training can be used now.")
NOT_FOUND = _(
    "Slicer's Python does not find PyTorch yet. Restart Slicer, then look at Advanced again."
)


class AddPyTorch:
    """The line that says what computes, its buttons, and the one under the message.

    Args:
        context: of the panel.
        install: knows what is missing.
        busy: whether the worker is at work and must not be ended.
        onAdded: called when PyTorch is here and the worker that knew of none has ended.
    """

    def __init__(
        self,
        context: PanelContext,
        install: Install,
        busy: Callable[[], bool],
        onAdded: Callable[[], None],
    ) -> None:
        self.context, self.ui = context, context.ui
        self._install, self._busy, self._onAdded = install, busy, onAdded
        self.ui.addPyTorchButton.text = self.ui.offerButton.text = BUTTON
        self.ui.addPyTorchButton.clicked.connect(lambda *_: self._add(installPyTorch))
        self.ui.addPyTorchFolderButton.clicked.connect(lambda *_: self._onFolder())
        self.ui.offerButton.clicked.connect(lambda *_: self._add(installPyTorch))

    def refresh(self) -> None:
        """Say what computes here, and offer what does not."""
        install, busy, lacks = self._install, self._busy(), self._install.lacksPyTorch
        self.ui.engineLabel.visible = not install.elsewhere and not install.missing
        self.ui.engineLabel.text = _words(install)
        wait = _("Wait until the run or the download has ended, or cancel it.")
        for button in (self.ui.addPyTorchButton, self.ui.addPyTorchFolderButton):
            button.visible = lacks
            self.context.enable(button, not busy, wait)
        self.ui.offerButton.visible = lacks and self.context.wantsPyTorch
        self.context.enable(self.ui.offerButton, not busy, wait)

    def entered(self) -> None:
        """The module is shown, perhaps after the restart that the extension needed."""
        if not settings.read("addPyTorch") or find_spec("PyTorchUtils") is None:
            return
        settings.write("addPyTorch", 0)
        if self._install.lacksPyTorch:
            words = _("Slicer's extension 'PyTorch' is here now: press '{button}' to go on.")
            self.context.say(words.format(button=BUTTON))
            self.context.wantsPyTorch = True

    def _onFolder(self) -> None:
        folder = self.context.askForFolder(_("Folder of wheels"), str(settings.read("wheels")))
        if not folder:
            return
        settings.write("wheels", folder)

        def fromFolder() -> str:
            slicer.util.pip_install(offline(workerprocess.FOR_ALL_MODELS, folder))
            return ""

        self._add(fromFolder)

    def _add(self, work: Callable[[], str]) -> None:
        """Do it, and say what came of it: the words that ``work`` returns, or that it is here."""
        context, install = self.context, self._install
        if self._busy() or not install.lacksPyTorch:
            return
        wanted = context.wantsPyTorch
        try:
            with slicer.util.tryWithErrorDisplay(
                _("PyTorch could not be installed."), waitCursor=True
            ):
                words = work()
        except Exception as error:  # shown in a window already
            install.check()
            context.sayError(error, lambda: install.lacksPyTorch)
        else:
            install.check()
            self._tell(words)
        context.wantsPyTorch = wanted and install.lacksPyTorch  # it stays on offer
        context.refreshSoon()

    def _tell(self, words: str) -> None:
        context, install = self.context, self._install
        if words:
            context.say(words)
        elif install.lacksPyTorch:
            context.say(NOT_FOUND, WARNING, lambda: install.lacksPyTorch)
        else:
            context.session.client.close()  # it has looked for PyTorch, and goes on without
            context.say(IS_HERE)
            self._onAdded()


def _words(install: Install) -> str:
    """What computes here, and what it is not enough for."""
    if install.lacksPyTorch:
        return _(
            "Computes with OpenVINO: the bundled model, on the processor and Intel graphics. Other "
            "models, NVIDIA GPUs and training need PyTorch, too (0.2 to 3 GB, some minutes)."
        )
    both = _("Computes with PyTorch and OpenVINO.")
    return both if install.hasOpenVINO else _("Computes with PyTorch.")
