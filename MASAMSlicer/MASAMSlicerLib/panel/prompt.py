"""Prompt: placing a tight box, and taking boxes that are there."""

from __future__ import annotations

from collections.abc import Callable

from slicer.i18n import tr as _

from ..control.boxactions import BoxActions
from ..scene import ends, placing, views
from ..scene.lesions import LESION
from .context import PanelContext


class Prompt:
    """The buttons around the box of the selected lesion.

    Args:
        context: of the panel.
        onRest: called with a lesion's id when its box was changed.
    """

    def __init__(self, context: PanelContext, onRest: Callable[[str], None]) -> None:
        self.context, self.ui = context, context.ui
        self._boxes = BoxActions(context, onRest)
        self._placing: str | None = None
        self.ui.placeButton.toggled.connect(self._onPlace)
        self.ui.firstSliceButton.clicked.connect(lambda *_: self._boxes.setEnd(ends.FIRST))
        self.ui.lastSliceButton.clicked.connect(lambda *_: self._boxes.setEnd(ends.LAST))
        self.ui.fitButton.clicked.connect(lambda *_: self._boxes.fitToView())
        self.ui.addRoiButton.clicked.connect(self._onAddRoi)
        self.ui.roiSelector.connect(
            "currentNodeChanged(vtkMRMLNode*)", lambda *_: self.context.refreshSoon()
        )

    def refresh(self) -> None:
        """Enable what can be done, and say what is wrong with the box."""
        volume, lesion = self.context.volume, self.context.selected
        hasBox = lesion is not None and lesion.roi is not None
        self.context.enable(self.ui.placeButton, volume is not None, _("Choose a volume first."))
        for button in (self.ui.firstSliceButton, self.ui.lastSliceButton, self.ui.fitButton):
            self.context.enable(button, hasBox, _("Place or select a box first."))
        roi = self.ui.roiSelector.currentNode()
        free = roi is not None and not roi.GetAttribute(LESION) and volume is not None
        self.context.enable(
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
        if self._placing is not None and not views.isPlacing(self.context.session.scene):
            self.ui.placeButton.checked = False

    def _onPlace(self, checked: bool) -> None:
        if checked:
            self._placing = self._boxes.startPlacing(self.context.parameters.segmentation)
            self.context.say(
                _("Click two opposite corners of a tight box in a slice view."),
                holds=lambda: self._placing is not None,
            )
            return
        placed, self._placing = self._placing, None
        self._boxes.stopPlacing(placed or "")

    def _onAddRoi(self) -> None:
        roi = self.ui.roiSelector.currentNode()
        if roi is None or self.context.volume is None or roi.GetAttribute(LESION):
            return
        lesion = self.context.session.lesions.add(
            self.context.volume, self.context.parameters.segmentation, roi
        )
        self.context.select(lesion.id)
