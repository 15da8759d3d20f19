"""The button that saves a follow-up as DICOM; it is written beside Slicer, which stays usable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import slicer
from slicer.i18n import tr as _

from masam_core.errors import MasamError

from ..control.followupdicom import DicomStudy, FollowUpDicom, Written, chainOf
from ..control.front import ERROR, PLAIN, WARNING
from ..scene.dicomfiles import dicomFilesOf, isDicom
from .context import PanelContext
from .qprocess import QProcessTransport


class Says(Protocol):
    """Writes words below the frame's buttons; see ``FollowUp``."""

    def __call__(self, words: Any, kind: str = PLAIN) -> None:
        """Write them."""


class SaveAsDicom:
    """The last button of the frame of the next study.

    Args:
        context: of the panel.
        showProgress: called with the fraction done; None hides the bar.
        say: writes words into the frame.
        refresh: brings the frame in line with what is going on.
    """

    def __init__(
        self,
        context: PanelContext,
        showProgress: Callable[[float | None], None],
        say: Says,
        refresh: Callable[[], None],
    ) -> None:
        self.context, self.ui = context, context.ui
        self._showProgress, self._say, self._refresh = showProgress, say, refresh
        self._earlier: Any = None
        self._begin: Callable[[bool], None] = lambda _same: None
        self._writing = FollowUpDicom(
            context.session,
            QProcessTransport,
            self._show,
            self._onWritten,
            self._onEnd,
            self._onDoubt,
        )
        self.ui.followUpDicomButton.clicked.connect(lambda *_: self._onButton())
        self.ui.followUpDicomButton.visible = False

    @property
    def running(self) -> bool:
        """Whether files are being written."""
        return self._writing.running

    def refresh(self, volume: Any, earlier: Any, searching: bool) -> None:
        """Say what the button would do.

        Args:
            volume: that is chosen, or None.
            earlier: the volume from which its lesions were carried over, or None.
            searching: whether the earlier lesions are being looked for.
        """
        button = self.ui.followUpDicomButton
        self._earlier = earlier
        button.visible = earlier is not None or self.running
        button.text = _("Cancel") if self.running else _("Save the follow-up as DICOM ...")
        problem = ""
        if earlier is not None and not self.running:
            nodes = chainOf(self.context.session, earlier, volume)
            foreign = [node.GetName() for node in nodes if not isDicom(node)]
            lesions = self.context.session.lesions.lesions(volume)
            if foreign:
                words = _(
                    "'{name}' was not loaded from Slicer's DICOM database, so it belongs to no "
                    "patient and study. Import its series there and load it from there."
                )
                problem = words.format(name=foreign[0])
            elif not any(lesion.segment is not None for lesion in lesions):
                problem = _("There is no segment yet: press Segment first.")
            elif searching:
                problem = _("Wait until the places are found, or cancel that.")
        self.context.enable(button, self.running or not problem, problem)

    def stop(self) -> None:
        """The scene is about to be emptied, or the module unloaded."""
        self._writing.stop()
        self._showProgress(None)

    def _onButton(self) -> None:
        if self.running:
            self._writing.cancel()
            self._say(_("Stopping ..."))
            return
        target = self.context.askForFolder(_("Folder for the follow-up as DICOM"), "")
        later, earlier = self.context.volume, self._earlier
        if not target or later is None or earlier is None:
            return
        plane = str(self.context.parameters.diameterPlane)
        nodes = chainOf(self.context.session, earlier, later)

        def begin(samePatient: bool) -> None:
            try:
                studies = [DicomStudy(node, tuple(dicomFilesOf(node))) for node in nodes]
                self._writing.start(studies, Path(target), plane, samePatient)
            except (MasamError, OSError) as error:
                self._onEnd(str(error))
            self._refresh()

        self._begin = begin
        begin(False)

    def _show(self, fraction: float, words: str) -> None:
        self._showProgress(fraction)
        self._say(_("DICOM: {words}").format(words=words))

    def _onWritten(self, written: Written) -> None:
        self._showProgress(None)
        names = ", ".join(path.name for path in written.files)
        words = _("Saved in {folder}: {names}.").format(folder=written.folder, names=names)
        self._say("\n".join([words, *written.notes]), WARNING if written.notes else PLAIN)
        self._refresh()

    def _onEnd(self, problem: str) -> None:
        self._showProgress(None)
        self._say(problem or _("Stopped; nothing was written."), ERROR if problem else PLAIN)
        self._refresh()

    def _onDoubt(self, words: str) -> None:
        """The patient IDs differ, which a person can explain."""
        question = _(
            "{words}\n\nIf they are of one patient all the same (numbers of two hospitals, say), "
            "press OK to write it into the newest study."
        )
        if slicer.util.confirmOkCancelDisplay(question.format(words=words)):
            self._begin(True)
        else:
            self._onEnd(words)
