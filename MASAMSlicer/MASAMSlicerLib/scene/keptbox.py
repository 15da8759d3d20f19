"""A lesion's box as it was, to be put back when its removal is undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .lesions import (
    ROI_CLASS,
    SEGMENTATION_REFERENCE,
    VOLUME_REFERENCE,
    colorOf,
    roiOf,
    showBox,
)
from .nodes import removeWhole
from .transforms import arrayToMatrix, matrixToArray

_REFERENCES = (VOLUME_REFERENCE, SEGMENTATION_REFERENCE)


@dataclass(frozen=True)
class KeptBox:
    """Values, not the node: one that left the scene has lost what it was bound to.

    Attributes:
        lesion: id of the lesion.
        values: of the ROI; None where there was none.
    """

    lesion: str
    values: dict[str, Any] | None

    @classmethod
    def of(cls, scene: Any, lesion: str) -> KeptBox:
        """The box of a lesion as it is now."""
        roi = roiOf(scene, lesion)
        if roi is None:
            return cls(lesion, None)
        values = {
            "name": roi.GetName(),
            "attributes": {name: roi.GetAttribute(name) for name in roi.GetAttributeNames()},
            "matrix": matrixToArray(roi.GetObjectToNodeMatrix()),
            "size": tuple(roi.GetSize()),
            "transform": roi.GetTransformNodeID(),
            "references": {role: roi.GetNodeReferenceID(role) for role in _REFERENCES},
            "visible": bool(roi.GetDisplayVisibility()),
        }
        return cls(lesion, values)

    def putBack(self, scene: Any) -> None:
        """Make the box be there, or not, as it was; one that is there stays as it is."""
        roi, values = roiOf(scene, self.lesion), self.values
        if values is None:
            if roi is not None:
                removeWhole(scene, roi)
        elif roi is None:
            roi = scene.AddNewNodeByClass(ROI_CLASS, values["name"])
            roi.CreateDefaultDisplayNodes()
            roi.SetAndObserveTransformNodeID(values["transform"])
            roi.SetAndObserveObjectToNodeMatrix(arrayToMatrix(values["matrix"]))
            roi.SetSize(*values["size"])
            for role, identity in values["references"].items():
                if identity and scene.GetNodeByID(identity) is not None:
                    roi.SetNodeReferenceID(role, identity)
            for name, value in values["attributes"].items():
                roi.SetAttribute(name, value)
            showBox(roi, colorOf(roi))
            roi.SetDisplayVisibility(values["visible"])
