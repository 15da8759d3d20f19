"""First run: what is missing is found, explained, and installed on one click.

Only the application can install; what is decided here is kept apart from that (see ``plan``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from .. import workerprocess
from . import settings
from .context import PanelContext

TWO_WAYS = _("Quick: processor and Intel graphics, 0.1 GB. NVIDIA: up to 3 GB.")
NO_MANAGER = _(
    "This Slicer was built without the extensions manager, so the extension 'PyTorch' can't be "
    "installed from here. Install PyTorch yourself: PythonSlicer -m pip install torch. "
    "Or press 'From a folder of wheels'. Then open this module again."
)


class Install:
    """The frame at the top, shown only while something is missing.

    Attributes:
        problem: why nothing can be segmented, or an empty text.
    """

    def __init__(self, context: PanelContext) -> None:
        self.context, self.ui = context, context.ui
        self.problem = ""
        self.missing: list[str] = []
        self.ui.installButton.clicked.connect(lambda *_: self._onInstall(None))
        self.ui.installNvidiaButton.clicked.connect(lambda *_: self._onInstall(None, nvidia=True))
        self.ui.installFolderButton.clicked.connect(self._onFolder)
        self.check()

    def check(self) -> None:
        """Look again for what is missing; a worker elsewhere needs less here."""
        remote = bool(str(settings.read("workerCommand")).strip())
        self.missing = (
            workerprocess.missingForPanel() if remote else workerprocess.missingForWorker()
        )
        self.ui.installFrame.visible = bool(self.missing)
        both = self._lacksEngine()
        self.ui.installNvidiaButton.visible = both
        self.ui.installButton.text = _("Quick") if both else _("Install")
        self.problem = ""
        if self.missing:
            self.problem = _("Install what is missing first (see the top of the panel).")
            lines = [
                _("Missing in Slicer's Python: {names}.").format(names=", ".join(self.missing))
            ]
            if both:
                lines.append(TWO_WAYS)
            lines.append(_("Slicer stays usable; restart it if you are asked to."))
            self.ui.installLabel.text = "\n".join(lines)

    def _lacksEngine(self) -> bool:
        """Whether nothing is here that computes."""
        return any(name in workerprocess.QUICK for name in self.missing)

    def _onFolder(self) -> None:
        folder = self.context.askForFolder(_("Folder of wheels"), str(settings.read("wheels")))
        if folder:
            settings.write("wheels", folder)
            self._onInstall(folder)

    def _onInstall(self, wheels: str | None, nvidia: bool = False) -> None:
        try:
            with slicer.util.tryWithErrorDisplay(_("The installation failed."), waitCursor=True):
                if nvidia and self._lacksEngine():
                    if not installPyTorch():
                        return
                    self.check()
                arguments = plan(self.missing, wheels)
                if arguments:
                    slicer.util.pip_install(arguments)
        except Exception as error:  # shown in a window already
            missing = self.missing
            self.context.sayError(error, lambda: self.missing == missing)
        self.check()
        self.context.refreshSoon()


def plan(missing: Sequence[str], wheels: str | None) -> list[str]:
    """pip's arguments for what is missing; from a folder of wheels alone where one is given.

    Raises:
        ValueError: the folder holds no wheel.
    """
    known = {
        **workerprocess.QUICK,
        **workerprocess.FROM_PIP,
        **workerprocess.FROM_SLICER,
    }
    if wheels is not None and _holds(wheels, "torch") and not _holds(wheels, "openvino"):
        known |= dict.fromkeys(workerprocess.QUICK, workerprocess.FROM_PYTORCH["torch"])
    packages = [known[name] for name in missing]
    if not packages:
        return []
    if wheels is None:
        return packages
    if not any(Path(wheels).glob("*.whl")):
        raise ValueError(
            _("{folder} holds no .whl file. Fill it on a machine with a network: {command}").format(
                folder=wheels, command="pip download -d FOLDER " + " ".join(packages)
            )
        )
    return ["--no-index", "--find-links", wheels, *packages]


def _holds(folder: str, package: str) -> bool:
    return any(Path(folder).glob(f"{package}-*.whl"))


def installPyTorch() -> bool:
    """Install torch by Slicer's PyTorch extension, which knows the GPU; False if declined.

    Raises:
        RuntimeError: the extension is not installed, or can't be; it says what to do.
    """
    try:
        import PyTorchUtils  # of the extension
    except ImportError as error:
        managers = getattr(slicer.app, "extensionsManagerModel", None)
        if managers is None:
            raise RuntimeError(NO_MANAGER) from error
        manager = managers()
        if not slicer.util.confirmOkCancelDisplay(
            _("MASAM needs Slicer's extension 'PyTorch'. Install it now? Slicer restarts after it.")
        ):
            return False
        if not manager.installExtensionFromServer("PyTorch"):
            raise RuntimeError(
                _(
                    "The extension 'PyTorch' could not be installed. Without a network, install "
                    "torch from a folder of wheels instead."
                )
            ) from error
        slicer.util.restart()
        return False
    logic = PyTorchUtils.PyTorchUtilsLogic()
    if logic.torchInstalled():
        return True
    return logic.installTorch(askConfirmation=True) is not None
