"""Advanced: settings of the scene and of this machine, and the log."""

from __future__ import annotations

from collections.abc import Callable

import qt
from slicer.i18n import tr as _

from masam_core.limits import CACHE_MB

from ..wording import planeNames
from . import settings
from .combobox import choose, fill
from .context import PanelContext


class Advanced:
    """Quality, cleaning, worker.

    Args:
        context: of the panel.
        onWorkerChanged: called when the next run starts another worker, which may need other
            packages.
        onPlane: measures lesions again after another plane of diameters was chosen.
    """

    def __init__(
        self,
        context: PanelContext,
        onWorkerChanged: Callable[[], None],
        onPlane: Callable[[], None],
    ) -> None:
        self.context, self.ui = context, context.ui
        self._onWorkerChanged, self._measureAgain = onWorkerChanged, onPlane
        fill(
            self.ui.qualityComboBox,
            {
                "fast": _("Fast: each slice once"),
                "balanced": _("Balanced: about twice"),
                "best": _("Best: five times, as in the paper"),
            },
        )
        fill(
            self.ui.keepComboBox,
            {
                "centre": _("Pieces that reach the middle of the box"),
                "largest": _("The largest piece"),
                "all": _("All pieces"),
            },
        )
        fill(self.ui.planeComboBox, planeNames())
        self.ui.workerEdit.text = str(settings.read("workerCommand"))
        self.ui.cacheSpinBox.setRange(int(CACHE_MB.low), int(CACHE_MB.high))
        self.ui.cacheSpinBox.value = int(settings.read("cacheMB"))
        self.ui.qualityComboBox.connect("activated(int)", self._onQuality)
        self.ui.keepComboBox.connect("activated(int)", self._onKeep)
        self.ui.planeComboBox.connect("activated(int)", self._onPlane)
        self.ui.workerEdit.editingFinished.connect(self._onCommand)
        self.ui.cacheSpinBox.editingFinished.connect(self._onCache)
        self.ui.restartButton.clicked.connect(lambda *_: self._restart())
        self.ui.copyLogButton.clicked.connect(self._onCopy)
        self.ui.advancedCollapsibleButton.connect(
            "contentsCollapsed(bool)", lambda *_: self.context.refreshSoon()
        )

    def refresh(self) -> None:
        """Show what the parameter node says, and the log while it can be seen."""
        parameters = self.context.parameters
        choose(self.ui.qualityComboBox, parameters.quality)
        choose(self.ui.keepComboBox, parameters.keep)
        choose(self.ui.planeComboBox, parameters.diameterPlane)
        self.context.enable(
            self.ui.thresholdSlider,
            bool(parameters.useThreshold),
            _("The model's own threshold is used; tick 'Own' to choose another."),
        )
        if not self.ui.advancedCollapsibleButton.collapsed:
            text = "\n".join(self.context.session.client.log)
            if self.ui.logText.plainText != text:
                self.ui.logText.plainText = text

    def _onQuality(self, index: int) -> None:
        self.context.parameters.quality = self.ui.qualityComboBox.itemData(index)
        self.context.refreshSoon()

    def _onKeep(self, index: int) -> None:
        self.context.parameters.keep = self.ui.keepComboBox.itemData(index)

    def _onPlane(self, index: int) -> None:
        self.context.parameters.diameterPlane = self.ui.planeComboBox.itemData(index)
        session, volume = self.context.session, self.context.volume
        # While something is computed, 'Measure again' stays for it.
        if not session.busy and session.unmeasured(volume, self.context.parameters.diameterPlane):
            self._measureAgain()
        self.context.refreshSoon()

    def _onCommand(self) -> None:
        command = self.ui.workerEdit.text.strip()
        if command != settings.read("workerCommand"):
            settings.write("workerCommand", command)
            self._restart()

    def _onCache(self) -> None:
        settings.write("cacheMB", int(self.ui.cacheSpinBox.value))

    def _restart(self) -> None:
        self.context.session.cancel()
        self.context.session.client.close()
        self._onWorkerChanged()
        self.context.say(_("The worker was stopped; the next run starts a new one."))
        self.context.refreshSoon()

    def _onCopy(self) -> None:
        qt.QApplication.clipboard().setText("\n".join(self.context.session.client.log))
