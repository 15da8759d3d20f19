"""qMRML widgets that act on the real scene."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import slicer
import vtk
from PySide6 import QtCore, QtWidgets

from Testing.slicer_harness.assigning import assign
from Testing.slicer_harness.qt import connect, disconnect

Property, Signal = QtCore.Property, QtCore.Signal
EFFECTS = ("Paint", "Draw", "Erase", "Threshold", "Grow", "Scissors", "Islands")


class qMRMLWidget(QtWidgets.QWidget):
    """The root of a panel; hands the scene on to the widgets that the .ui file connects."""

    connect, disconnect, __setattr__ = connect, disconnect, assign

    mrmlSceneChanged = Signal(object)

    def setMRMLScene(self, scene: Any) -> None:
        """Give the panel its scene."""
        self.mrmlSceneChanged.emit(scene)


def _kept(name: str, kind: Any) -> Any:
    """A property that the .ui file sets, kept in ``_values``."""

    def write(self: Any, value: Any) -> None:
        self._values[name] = value
        self._update()

    return Property(kind, lambda self: self._values.get(name), write)


class qMRMLNodeComboBox(QtWidgets.QComboBox):
    """Chooses a node of the scene."""

    connect, disconnect, __setattr__ = connect, disconnect, assign

    currentNodeChanged = Signal(object)
    nodeTypes = _kept("nodeTypes", "QStringList")
    noneEnabled = _kept("noneEnabled", bool)
    noneDisplay = _kept("noneDisplay", str)
    addEnabled = _kept("addEnabled", bool)
    removeEnabled = _kept("removeEnabled", bool)
    renameEnabled = _kept("renameEnabled", bool)
    showChildNodeTypes = _kept("showChildNodeTypes", bool)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._node: Any = None
        self._tags: list[int] = []
        self._values: dict[str, Any] = {"nodeTypes": [], "noneEnabled": False, "noneDisplay": ""}
        self.activated.connect(self._onActivated)

    def setMRMLScene(self, scene: Any) -> None:
        """Show the nodes of a scene, now and as they come and go."""
        if self._scene is not None:
            for tag in self._tags:
                self._scene.RemoveObserver(tag)
        self._scene = scene
        events = (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndCloseEvent)
        self._tags = [scene.AddObserver(event, lambda *_: self._update()) for event in events]
        self._tags.append(scene.AddObserver(scene.NodeAboutToBeRemovedEvent, self._onLeaving))
        self._update()

    def currentNode(self) -> Any:
        """The chosen node, or None."""
        return self._node

    def setCurrentNode(self, node: Any) -> None:
        """Choose a node; None for none."""
        if node is not self._node:
            self._node = node
            self._update()
            self.currentNodeChanged.emit(node)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onLeaving(self, _scene: Any, _event: str, node: Any) -> None:
        """As QComboBox does: the row that takes the removed one's place is chosen, or the last.

        That is another node, although there is a row for none; seen in the application.
        """
        if node is not self._node or self._scene.IsClosing():
            return
        rows: list[Any] = [None] if self._values["noneEnabled"] else []
        rows += self._nodes()
        place = rows.index(node)
        rows.remove(node)
        self._node = rows[min(place, len(rows) - 1)] if rows else None
        self.currentNodeChanged.emit(self._node)

    def _nodes(self) -> list[Any]:
        found: list[Any] = []
        for kind in self._values["nodeTypes"]:
            for number in range(self._scene.GetNumberOfNodesByClass(kind)):
                node = self._scene.GetNthNodeByClass(number, kind)
                exact = node.GetClassName() == kind or self._values.get("showChildNodeTypes", True)
                if exact and not node.GetHideFromEditors() and node not in found:
                    found.append(node)
        return found

    def _update(self) -> None:
        if self._scene is None:
            return
        nodes = self._nodes()
        gone = self._node is not None and self._node not in nodes
        self.clear()
        if self._values["noneEnabled"]:
            self.addItem(self._values["noneDisplay"] or "None")
        for node in nodes:
            self.addItem(node.GetName(), node.GetID())
        if gone or (self._node is None and nodes and not self._values["noneEnabled"]):
            self._node = nodes[0] if nodes and not self._values["noneEnabled"] else None
            self.currentNodeChanged.emit(self._node)
        offset = 1 if self._values["noneEnabled"] else 0
        self.setCurrentIndex(nodes.index(self._node) + offset if self._node is not None else 0)

    def _onActivated(self, index: int) -> None:
        identity = self.itemData(index)
        self.setCurrentNode(self._scene.GetNodeByID(identity) if identity else None)


class qMRMLSegmentEditorWidget(QtWidgets.QFrame):
    """Stands where the Segment Editor would be; keeps what it is pointed at.

    As in the application its strokes have a history of their own, which begins anew with another
    segmentation.
    """

    connect, disconnect, __setattr__ = connect, disconnect, assign

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._history = slicer.vtkSegmentationHistory()
        layout = QtWidgets.QGridLayout(self)
        for number, name in enumerate(EFFECTS):
            button = QtWidgets.QToolButton()
            button.setText(name)
            button.setEnabled(False)
            layout.addWidget(button, number // 4, number % 4)

    def setMRMLScene(self, scene: Any) -> None:
        """Nothing to show without effects."""

    def setMRMLSegmentEditorNode(self, node: Any) -> None:
        """The node that holds the editor's state."""
        self._node = node

    def mrmlSegmentEditorNode(self) -> Any:
        """See above."""
        return self._node

    def setSegmentationNode(self, node: Any) -> None:
        """What is edited."""
        self._node.SetAndObserveSegmentationNode(node)
        self._history.RemoveAllStates()
        self._history.SetSegmentation(node.GetSegmentation() if node is not None else None)

    def segmentationNode(self) -> Any:
        """See above."""
        return self._node.GetSegmentationNode() if self._node is not None else None

    def setSourceVolumeNode(self, node: Any) -> None:
        """The image under it."""
        self._node.SetAndObserveSourceVolumeNode(node)

    def setCurrentSegmentID(self, identity: str) -> None:
        """The segment that effects work on."""
        self._node.SetSelectedSegmentID(identity)

    def currentSegmentID(self) -> str:
        """See above."""
        return str(self._node.GetSelectedSegmentID() or "")

    def setActiveEffectByName(self, name: str) -> None:
        """A name that is none leaves the effect; without a segmentation there is no effect."""
        if self._node is not None:
            known = name in EFFECTS and self.segmentationNode() is not None
            self._node.SetActiveEffectName(name if known else "")

    def activeEffect(self) -> Any:
        """What has the mouse, or None."""
        name = self._node.GetActiveEffectName() if self._node is not None else ""
        return SimpleNamespace(name=name) if name else None

    def saveStateForUndo(self) -> None:
        """Called by an effect before each stroke."""
        self._history.SaveState()

    def undo(self) -> None:
        """Take the last stroke back, if there is one."""
        self._history.RestorePreviousState()

    def redo(self) -> None:
        """Do it again."""
        self._history.RestoreNextState()
