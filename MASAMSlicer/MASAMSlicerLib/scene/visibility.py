"""What is on screen: boxes and masks of the chosen volume, not those of other volumes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .classes import ofOtherVolumes
from .lesions import LesionList
from .nodes import nodesOfClass
from .promptnodes import DISPLAY, promptsByLesion

# No view has an ID with a blank in it, so a display node that is bound to such IDs alone is shown,
# and can be grabbed, nowhere. A scene file lists IDs with blanks in between: a saved scene holds
# what the user had chosen, whenever it is saved, and visibility stays the user's own.
_NOWHERE = " "
_KINDS = (DISPLAY, "vtkMRMLSegmentationDisplayNode")


class Visibility:
    """Takes the lesions of other volumes off the views, and brings them back.

    Only what is in the lesion list is taken off: other boxes and segmentations are the user's.
    What the user has hidden stays hidden all the while.

    Args:
        scene: vtkMRMLScene.
        lesions: of the scene.
    """

    def __init__(self, scene: Any, lesions: LesionList) -> None:
        self._scene, self._lesions = scene, lesions

    def show(self, volumeNode: Any) -> None:
        """Show what belongs to a volume alone; all, where it is None."""
        if volumeNode is None:
            self.showAll()
            return
        away = set(self._away(volumeNode))
        for display in self._displays():
            _setShown(display, display.GetID() not in away)

    def showAll(self) -> None:
        """Bring back what was taken off: another module is shown, or no volume is chosen."""
        for display in self._displays():
            _setShown(display, True)

    def _away(self, volumeNode: Any) -> Iterator[str]:
        """IDs of the display nodes of what belongs to other volumes alone: lesions, and classes."""
        holds: dict[str, list[bool]] = {}
        others = promptsByLesion(self._scene)
        for lesion in self._lesions.lesions():
            mine = lesion.volume is volumeNode
            if lesion.roi is not None and not mine:
                yield from _displayIds(lesion.roi)
            if not mine:
                for node in others.get(lesion.id, ()):
                    yield from _displayIds(node)
            if lesion.segment is not None:
                holds.setdefault(lesion.segmentation.GetID(), []).append(mine)
        for identity, those in holds.items():
            if not any(those):
                yield from _displayIds(self._scene.GetNodeByID(identity))

        for node in ofOtherVolumes(self._scene, volumeNode):
            if node.GetID() not in holds:
                yield from _displayIds(node)

    def _displays(self) -> list[Any]:
        return [node for kind in _KINDS for node in nodesOfClass(self._scene, kind)]


def _displayIds(node: Any) -> list[str]:
    return [node.GetNthDisplayNodeID(n) for n in range(node.GetNumberOfDisplayNodes())]


def _setShown(display: Any, shown: bool) -> None:
    """Bind a display node to the views that the user has chosen for it, or to none at all."""
    ids = list(display.GetViewNodeIDs())
    bare = [each.strip() for each in ids]
    wanted = [each for each in bare if each]
    if not shown:
        wanted = [each + _NOWHERE for each in wanted] or [_NOWHERE]
    if wanted == ids:
        return
    display.RemoveAllViewNodeIDs()
    for each in wanted:
        display.AddViewNodeID(each)
