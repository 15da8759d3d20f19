"""What a reader has said of a lesion or a study, to be put back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .lesions import roiOf


@dataclass(frozen=True)
class KeptSaid:
    """Attributes of a node as they were.

    Attributes:
        lesion: id of the lesion whose box has them; empty where it is another node.
        nodeId: that node's ID; empty for a box, which may come back as another node.
        values: by name; None where there was none.
    """

    lesion: str
    nodeId: str
    values: tuple[tuple[str, str | None], ...]

    @classmethod
    def of(cls, node: Any, names: Sequence[str], lesion: str = "") -> KeptSaid:
        """What a node has now: the box of a lesion, or another node."""
        values = tuple((name, node.GetAttribute(name)) for name in names)
        return cls(lesion, "" if lesion else str(node.GetID()), values)

    def now(self, scene: Any) -> KeptSaid | None:
        """The same attributes as they are now; None where their node is gone."""
        node = self._node(scene)
        return KeptSaid.of(node, [name for name, _ in self.values], self.lesion) if node else None

    def putBack(self, scene: Any) -> None:
        """Say so again; nothing where the node is gone."""
        node = self._node(scene)
        for name, value in self.values if node is not None else ():
            if value is None:
                node.RemoveAttribute(name)
            else:
                node.SetAttribute(name, value)

    def _node(self, scene: Any) -> Any:
        return roiOf(scene, self.lesion) if self.lesion else scene.GetNodeByID(self.nodeId)
