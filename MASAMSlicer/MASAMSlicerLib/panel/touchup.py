"""Touch up: Slicer's own Segment Editor on the selected lesion's segment."""

from __future__ import annotations

from typing import Any

import slicer

from .context import PanelContext


class TouchUp:
    """The embedded Segment Editor, which works only while it is unfolded."""

    def __init__(self, context: PanelContext) -> None:
        self.context, self.ui = context, context.ui
        self._node: Any = None
        self.ui.editorCollapsibleButton.connect("contentsCollapsed(bool)", self._onFold)

    def refresh(self) -> None:
        """Point the editor at the selected lesion's segment."""
        if self.ui.editorCollapsibleButton.collapsed:
            return
        editor = self.ui.segmentEditorWidget
        if self._node is None:
            self._node = slicer.mrmlScene.AddNewNodeByClass(
                "vtkMRMLSegmentEditorNode", "MASAM touch-up"
            )
            self._node.SetHideFromEditors(True)
            # A brush must not eat what lies beside it.
            self._node.SetOverwriteMode(self._node.OverwriteNone)
            editor.setMRMLSegmentEditorNode(self._node)
        lesion = self.context.selected
        node = lesion.segmentation if lesion is not None else None
        if node is None or self.context.volume is None:
            return
        if editor.segmentationNode() is not node:
            editor.setSegmentationNode(node)
        editor.setSourceVolumeNode(self.context.volume)
        if (
            lesion is not None
            and lesion.segmentId
            and editor.currentSegmentID() != lesion.segmentId
        ):
            editor.setCurrentSegmentID(lesion.segmentId)

    @property
    def active(self) -> bool:
        """Whether a brush or another effect has the mouse."""
        return (
            not self.ui.editorCollapsibleButton.collapsed
            and self.ui.segmentEditorWidget.activeEffect() is not None
        )

    def undo(self) -> bool:
        """Take the last stroke back; whether an effect is active, so that the key was meant for it.

        Strokes are in the editor's own history. Where that is at its end nothing happens: the
        step before the strokes is the whole mask, which a painter does not mean.
        """
        if self.active:
            self.ui.segmentEditorWidget.undo()
            return True
        return False

    def redo(self) -> bool:
        """Do the stroke again that was taken back; see :meth:`undo`."""
        if self.active:
            self.ui.segmentEditorWidget.redo()
            return True
        return False

    def leave(self) -> None:
        """Put the brush away (Esc, a run, another module)."""
        self.ui.segmentEditorWidget.setActiveEffectByName("")

    def sceneClosed(self) -> None:
        """The editor's node is gone with the scene."""
        self._node = None
        self.cleanup()

    def cleanup(self) -> None:
        """Let go of the Segment Editor."""
        self.ui.segmentEditorWidget.setMRMLSegmentEditorNode(None)

    def _onFold(self, collapsed: bool) -> None:
        if collapsed:
            self.leave()
        self.refresh()
