"""Prompt: placing a tight box, and taking boxes that are there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from masam_core.errors import MasamError

from ..scene import ends, placing, views
from ..scene.lesions import LESION, LesionEntry
from ..wording import endWords

if TYPE_CHECKING:
    from .panel import Panel


class Prompt:
    """The buttons around the box of the selected lesion."""

    def __init__(self, panel: Panel) -> None:
        self.panel, self.ui = panel, panel.ui
        self._placing: str | None = None
        self.ui.placeButton.toggled.connect(self._onPlace)
        self.ui.firstSliceButton.clicked.connect(lambda *_: self._setEnd(ends.FIRST))
        self.ui.lastSliceButton.clicked.connect(lambda *_: self._setEnd(ends.LAST))
        self.ui.fitButton.clicked.connect(self._onFit)
        self.ui.addRoiButton.clicked.connect(self._onAddRoi)
        self.ui.roiSelector.connect(
            "currentNodeChanged(vtkMRMLNode*)", lambda *_: self.panel.refreshSoon()
        )

    def refresh(self) -> None:
        """Enable what can be done, and say what is wrong with the box."""
        volume, lesion = self.panel.volume, self.panel.selected
        hasBox = lesion is not None and lesion.roi is not None
        self.panel.enable(self.ui.placeButton, volume is not None, _("Choose a volume first."))
        for button in (self.ui.firstSliceButton, self.ui.lastSliceButton, self.ui.fitButton):
            self.panel.enable(button, hasBox, _("Place or select a box first."))
        roi = self.ui.roiSelector.currentNode()
        free = roi is not None and not roi.GetAttribute(LESION) and volume is not None
        self.panel.enable(
            self.ui.addRoiButton, free, _("Choose a ROI that is not in the list yet.")
        )
        self.ui.promptWarningLabel.text = placing.boxWarning(lesion)
        self.ui.promptWarningLabel.visible = bool(self.ui.promptWarningLabel.text)

    def togglePlacing(self) -> None:
        """The shortcut B."""
        if self.ui.placeButton.enabled:
            self.ui.placeButton.checked = not self.ui.placeButton.checked

    def stop(self) -> None:
        """Leave the tool (Esc, another module, the scene closes)."""
        self.ui.placeButton.checked = False

    def onInteractionMode(self) -> None:
        """The user has placed the box, or left place mode by other means."""
        if self._placing is not None and not views.isPlacing(self.panel.session.scene):
            self.ui.placeButton.checked = False

    def _onPlace(self, checked: bool) -> None:
        if checked:
            lesion = placing.lesionToPlace(
                self.panel.session.lesions, self.panel.volume, self.panel.parameters.segmentation
            )
            self._placing = lesion.id
            self.panel.select(lesion.id)
            views.startPlacing(lesion.roi)
            self.panel.say(
                _("Click two opposite corners of a tight box in a slice view."),
                holds=lambda: self._placing is not None,
            )
            return
        views.stopPlacing(self.panel.session.scene)
        placed, self._placing = self._placing, None
        if placed:
            placing.leavePlacing(self.panel.session.lesions, placed)
        self.panel.refreshSoon()

    def _setEnd(self, end: int) -> None:
        def change(lesion: LesionEntry) -> None:
            point = views.currentPoint(lesion.volume)
            self.panel.say(endWords(ends.setEndSlice(lesion.roi, lesion.volume, point, end)))

        self._change(change)

    def _onFit(self) -> None:
        self._change(lambda lesion: views.fitToView(lesion.roi, lesion.volume))

    def _change(self, change: Callable[[LesionEntry], None]) -> None:
        lesion = self.panel.selected
        if lesion is None or lesion.roi is None:
            return
        try:
            change(lesion)
        except (MasamError, ValueError) as error:
            self.panel.sayError(error)
        self.panel.boxEdited(lesion.id)

    def _onAddRoi(self) -> None:
        roi = self.ui.roiSelector.currentNode()
        if roi is None or self.panel.volume is None or roi.GetAttribute(LESION):
            return
        lesion = self.panel.session.lesions.add(
            self.panel.volume, self.panel.parameters.segmentation, roi
        )
        self.panel.select(lesion.id)
