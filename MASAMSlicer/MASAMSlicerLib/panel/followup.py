"""The next study: lesions of an earlier volume looked for in the chosen one, and taken by a yes."""

from __future__ import annotations

from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from masam_core.errors import MasamError
from masam_core.followup.quality import Trust

from ..control.course import courseWords
from ..control.followup import FollowingUp, Proposal
from ..control.front import ERROR, PLAIN
from ..scene.followup import followedBy
from ..wording import breakable
from .combobox import choose, fill
from .context import STYLES, PanelContext
from .followupdicom import SaveAsDicom
from .qprocess import QProcessTransport


class FollowUp:
    """The button, and the frame that it opens below itself.

    Args:
        context: of the panel.
    """

    def __init__(self, context: PanelContext) -> None:
        self.context, self.ui = context, context.ui
        self._open = self._closed = False
        self._proposals: list[Proposal] = []
        self._sources: dict[str, str] = {}
        self._laterId = ""
        self.following = FollowingUp(
            context.session, QProcessTransport, self._show, self._onProposals, self._onEnd
        )
        self.dicom = SaveAsDicom(context, self._showProgress, self._say, self.refresh)
        self.ui.followUpButton.clicked.connect(lambda *_: self._onButton())
        self.ui.followUpStartButton.clicked.connect(lambda *_: self._onStart())
        self.ui.followUpTakeButton.clicked.connect(lambda *_: self._onTake())
        self.ui.followUpFrame.visible = False
        self._hide()

    def refresh(self) -> None:
        """Say what the buttons would do, and what became of lesions that were carried over."""
        if not self._open:
            return
        volume = self.context.volume
        if self._proposals and (volume is None or volume.GetID() != self._laterId):
            self._forget()  # they are boxes of another volume
        nodes = self.following.sources(volume) if volume is not None else []
        sources = {node.GetID(): node.GetName() for node in nodes}
        if sources != self._sources:
            kept = self._chosen()
            fill(self.ui.followUpSourceComboBox, sources)
            choose(self.ui.followUpSourceComboBox, kept)
            self._sources = sources
        running = self.following.running
        problem = ""
        if volume is None:
            problem = _("Choose the volume of the later study first.")
        elif not sources:
            problem = _("No other volume has lesions. Segment the earlier study first.")
        start = self.ui.followUpStartButton
        start.text = _("Cancel") if running else _("Look for its lesions")
        if self.dicom.running:
            problem = _("Wait until the follow-up is written, or cancel that.")
        self.context.enable(start, running or not problem, problem)
        self.ui.followUpSourceComboBox.enabled = not running
        lines = courseWords(self.context.session, volume) if volume is not None else []
        self.ui.followUpCourseLabel.text = breakable("\n".join(lines))
        self.ui.followUpCourseLabel.visible = bool(lines)
        self.dicom.refresh(volume, self._followed(volume), running)

    def sceneClosed(self) -> None:
        """The scene is about to be emptied: what is going on is stopped."""
        self.following.stop()
        self.dicom.stop()
        self._forget()

    def cleanup(self) -> None:
        """The module is unloaded."""
        self._closed = True
        self.following.stop()
        self.dicom.stop()

    def _chosen(self) -> str:
        box = self.ui.followUpSourceComboBox
        return str(box.itemData(box.currentIndex) or "")

    def _followed(self, volume: Any) -> Any:
        """The earlier volume from which lesions of this one were carried over; None for none."""
        if volume is None:
            return None
        pairs = followedBy(self.context.session.lesions, volume)
        found = [earlier.volume for earlier, _later in pairs if earlier.volume is not None]
        chosen = [node for node in found if node.GetID() == self._chosen()]
        return next(iter([*chosen, *found]), None)

    def _onButton(self) -> None:
        """Open the frame, or close it; what is going on goes on."""
        self._open = not self._open
        self.ui.followUpFrame.visible = self._open
        self.refresh()

    def _onStart(self) -> None:
        if self.following.running:
            self.following.cancel()
            self._say(_("Stopping ..."))
            return
        self._forget()
        earlier, later = slicer.mrmlScene.GetNodeByID(self._chosen()), self.context.volume
        self.ui.followUpProgressBar.visible = True
        try:
            if earlier is None or later is None:
                raise MasamError(_("Choose both volumes first."))
            self._laterId = later.GetID()
            self.following.start(earlier, later)
        except (MasamError, OSError) as error:
            self.ui.followUpProgressBar.visible = False
            self._say(str(error), ERROR)
        self.refresh()  # at once: a second click must find a button that says Cancel

    def _onProposals(self, proposals: list[Proposal]) -> None:
        self.ui.followUpProgressBar.visible = False
        self._proposals = proposals
        listed = self.ui.followUpList
        listed.clear()
        for each in proposals:
            item = qt.QListWidgetItem(f"{each.name}: {each.about}")
            item.setToolTip(each.about)
            if each.corners is not None:
                item.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsUserCheckable)
                good = each.trust is Trust.GOOD
                item.setCheckState(qt.Qt.Checked if good else qt.Qt.Unchecked)
            else:
                item.setFlags(qt.Qt.ItemIsEnabled)
            listed.addItem(item)
        found = sum(each.corners is not None for each in proposals)
        words = _("{found} of {all} lesions have a place in this volume. Check which to take.")
        self._say(words.format(found=found, all=len(proposals)))
        listed.visible = True
        self.ui.followUpTakeButton.visible = bool(found)
        self.refresh()

    def _onTake(self) -> None:
        listed = self.ui.followUpList
        chosen = [
            each
            for row, each in enumerate(self._proposals)
            if each.corners is not None and listed.item(row).checkState() == qt.Qt.Checked
        ]
        try:
            made = self.following.take(chosen)
        except MasamError as error:
            self._say(str(error), ERROR)
            return
        self._forget()
        self.context.select(made[0].id)
        words = _("{count} carried over. Look at each box, then press Segment.")
        self._say(words.format(count=len(made)))
        self.context.refreshSoon()

    def _show(self, fraction: float, words: str) -> None:
        self._showProgress(fraction)
        self._say(words)

    def _showProgress(self, fraction: float | None) -> None:
        """The bar with how much is done; None hides it."""
        self.ui.followUpProgressBar.value = int(1000 * (fraction or 0.0))
        self.ui.followUpProgressBar.visible = fraction is not None

    def _onEnd(self, problem: str) -> None:
        if self._closed:
            return
        self.ui.followUpProgressBar.visible = False
        self._say(problem or _("Stopped; nothing was changed."), ERROR if problem else PLAIN)
        self.refresh()

    def _forget(self) -> None:
        self._proposals = []
        self.ui.followUpList.clear()
        self._hide()

    def _hide(self) -> None:
        for widget in (
            self.ui.followUpProgressBar,
            self.ui.followUpList,
            self.ui.followUpTakeButton,
            self.ui.followUpLabel,
        ):
            widget.visible = False

    def _say(self, words: Any, kind: str = PLAIN) -> None:
        self.ui.followUpLabel.styleSheet = STYLES[kind]
        self.ui.followUpLabel.text = breakable(str(words))
        self.ui.followUpLabel.visible = True
