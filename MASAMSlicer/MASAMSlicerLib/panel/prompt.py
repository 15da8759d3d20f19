"""Prompt: placing a tight box, and taking boxes that are there."""

from __future__ import annotations

from collections.abc import Callable

from slicer.i18n import tr as _

from masam_core.errors import MasamError

from ..control.boxactions import BoxActions
from ..scene import ends, placing, views
from ..scene.lastview import LastView
from ..scene.lesions import LESION
from ..scene.volumes import hasImage
from ..wording import endNames
from .context import PanelContext


class Prompt:
    """The buttons around the box of the selected lesion.

    Args:
        context: of the panel.
        onRest: called with a lesion's id when its box was changed.
        before: puts other tools away.
    """

    def __init__(
        self,
        context: PanelContext,
        onRest: Callable[[str], None],
        before: Callable[[], None],
    ) -> None:
        self.context, self.ui = context, context.ui
        self._boxes = BoxActions(context, onRest)
        self._lastView = LastView(context.session.scene, context.refreshSoon)
        self._before = before
        self._placing: str | None = None
        self.ui.placeButton.toggled.connect(self._onPlace)
        self.ui.upperEndButton.clicked.connect(lambda *_: self._setEnd(ends.UPPER))
        self.ui.lowerEndButton.clicked.connect(lambda *_: self._setEnd(ends.LOWER))
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
        for button in (self.ui.upperEndButton, self.ui.lowerEndButton, self.ui.fitButton):
            self.context.enable(button, hasBox, _("Place or select a box first."))
        self._lastView.watch()
        plane = self._lastView.plane(volume) if hasImage(volume) else "axial"
        self.ui.upperEndButton.text, self.ui.lowerEndButton.text = endNames(plane)
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

    def cleanup(self) -> None:
        """The module is unloaded."""
        self.stop()
        self._lastView.stop()

    def _setEnd(self, end: int) -> None:
        volume = self.context.volume
        if volume is None:
            return
        try:
            point, plane = self._lastView.point(volume), self._lastView.plane(volume)
        except (MasamError, ValueError) as error:
            self.context.sayError(error)
            return
        self._boxes.setEnd(end, point, plane)

    def _onPlace(self, checked: bool) -> None:
        if checked:
            self._before()
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
