"""First run: what is missing is found, explained, and installed on one click.

Only the application can install; what is decided here is kept apart from that (see ``plan``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from masam_core.errors import MasamError

from .. import workerprocess
from ..scene.nodes import nodesOfClass
from . import settings
from .context import PanelContext

TWO_WAYS = _("Quick: processor and Intel graphics, 0.1 GB. NVIDIA: up to 3 GB.")
NO_MANAGER = _(
    "This Slicer was built without the extensions manager, so the extension 'PyTorch' can't be "
    "installed from here. Install PyTorch yourself: PythonSlicer -m pip install torch. "
    "Or press 'From a folder of wheels'. Then open this module again."
)
DECLINED = _("PyTorch was not installed; everything is as it was.")
SAVE_FIRST = _(
    "The extension 'PyTorch' is installed. Save the scene, restart Slicer and open this module "
    "again: it goes on with PyTorch itself."
)


class Install:
    """The frame at the top, shown only while something is missing.

    Attributes:
        problem: why nothing can be segmented, or an empty text.
        missing: names of what is needed and not there.
        elsewhere: whether another machine computes, so that less is needed here.
        hasOpenVINO: whether that is installed.
        lacksPyTorch: whether all works here, but without PyTorch.
    """

    def __init__(self, context: PanelContext) -> None:
        self.context, self.ui = context, context.ui
        self.problem = ""
        self.missing: list[str] = []
        self.elsewhere = self.hasOpenVINO = self.lacksPyTorch = False
        self.ui.installButton.clicked.connect(lambda *_: self._onInstall(None))
        self.ui.installNvidiaButton.clicked.connect(lambda *_: self._onInstall(None, nvidia=True))
        self.ui.installFolderButton.clicked.connect(self._onFolder)
        self.check()

    def check(self) -> None:
        """Look again for what is missing; a worker elsewhere needs less here."""
        self.elsewhere = bool(str(settings.read("workerCommand")).strip())
        self.missing = (
            workerprocess.missingForPanel() if self.elsewhere else workerprocess.missingForWorker()
        )
        absent = workerprocess.missing([*workerprocess.QUICK, *workerprocess.FROM_PYTORCH])
        self.hasOpenVINO = not set(workerprocess.QUICK) & set(absent)
        lacks = bool(set(workerprocess.FROM_PYTORCH) & set(absent))
        self.lacksPyTorch = lacks and not self.missing and not self.elsewhere
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
            lines.append(_("Slicer waits until it is done; restart it if you are asked to."))
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
                    words = installPyTorch()
                    if words:
                        self.context.say(words)
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
    return packages if wheels is None else offline(packages, wheels)


def offline(packages: Sequence[str], wheels: str) -> list[str]:
    """pip's arguments for packages from a folder of wheels alone.

    Raises:
        ValueError: the folder holds no wheel.
    """
    if not any(Path(wheels).glob("*.whl")):
        raise ValueError(
            _("{folder} holds no .whl file. Fill it on a machine with a network: {command}").format(
                folder=wheels, command="pip download -d FOLDER " + " ".join(packages)
            )
        )
    return ["--no-index", "--find-links", wheels, *packages]


def _holds(folder: str, package: str) -> bool:
    return any(Path(folder).glob(f"{package}-*.whl"))


def installPyTorch() -> str:
    """Install torch by Slicer's PyTorch extension, which knows the GPU.

    Returns:
        What to tell the user where it is not here at the end; else an empty text.

    Raises:
        MasamError: the extension is not installed, or can't be; it says what to do.
    """
    try:
        import PyTorchUtils  # of the extension
    except ImportError as error:
        managers = getattr(slicer.app, "extensionsManagerModel", None)
        if managers is None:
            raise MasamError(NO_MANAGER) from error
        manager = managers()
        if not slicer.util.confirmOkCancelDisplay(
            _("MASAM needs Slicer's extension 'PyTorch'. Install it now? Slicer restarts after it.")
            if nothingToLose()
            else _(
                "MASAM needs Slicer's extension 'PyTorch'. Install it now? After it you save the "
                "scene and restart Slicer."
            )
        ):
            return DECLINED
        if not manager.installExtensionFromServer("PyTorch"):
            raise MasamError(
                _(
                    "The extension 'PyTorch' could not be installed. Without a network, install "
                    "torch from a folder of wheels instead."
                )
            ) from error
        settings.write("addPyTorch", 1)
        if nothingToLose():
            slicer.util.restart()
        return SAVE_FIRST
    logic = PyTorchUtils.PyTorchUtilsLogic()
    if logic.torchInstalled() or logic.installTorch(askConfirmation=True) is not None:
        return ""
    return DECLINED


def nothingToLose() -> bool:
    """Whether a restart takes nothing with it: the scene has no image, mask or markup."""
    kinds = ("vtkMRMLVolumeNode", "vtkMRMLSegmentationNode", "vtkMRMLMarkupsNode")
    return not any(nodesOfClass(slicer.mrmlScene, kind) for kind in kinds)
