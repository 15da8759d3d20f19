"""Prompts besides the box: Markups nodes of our own, each of one lesion, saved with the scene.

A prompt is a point list of one point, a line, or a curve, which bears the id of its lesion, what it
stands for, and its number in the order in which the lesion's prompts were given. It lies under the
transform of the lesion's volume and so moves along with it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from masam_core.image.geometry import LPS_TO_RAS
from masam_core.prompts.corrections import CorrectionKind

from .nodes import nodesOfClass, removeWhole
from .transforms import nodeToWorld, worldToNode

LESION = "MASAM.Lesion"
PROMPT, POSITIVE, FIRST, NUMBER, IDENTITY = (
    "MASAM.Prompt",
    "MASAM.Positive",
    "MASAM.First",
    "MASAM.PromptNumber",
    "MASAM.PromptID",
)
POINT, SCRIBBLE, LASSO = (kind.value for kind in CorrectionKind)
LINE, ACROSS, SLICE_BOX = "line", "across", "slice_box"
FIRSTS = (LINE, ACROSS, SLICE_BOX, POINT)
MARKUPS, DISPLAY = "vtkMRMLMarkupsNode", "vtkMRMLMarkupsDisplayNode"
_CLASSES = {
    POINT: "vtkMRMLMarkupsFiducialNode",
    SCRIBBLE: "vtkMRMLMarkupsCurveNode",
    LASSO: "vtkMRMLMarkupsClosedCurveNode",
    LINE: "vtkMRMLMarkupsLineNode",
    ACROSS: "vtkMRMLMarkupsLineNode",
    SLICE_BOX: "vtkMRMLMarkupsClosedCurveNode",
}
# Blue and vermilion are told apart by every kind of colour vision (Okabe and Ito, 2008).
POSITIVE_COLOR, NEGATIVE_COLOR = (0.34, 0.71, 0.91), (0.84, 0.37, 0.0)
SAME_MM = 0.01


@dataclass(frozen=True, eq=False)
class Prompt:
    """One prompt of a lesion, by its values.

    Attributes:
        id: its own, for as long as it is there.
        kind: POINT, SCRIBBLE or LASSO; of a first prompt LINE, ACROSS (the second diameter of a
            line), SLICE_BOX or POINT.
        positive: whether it belongs to the lesion.
        first: whether the lesion begins with it.
        points: (n, 3) in the volume's own LPS, mm.
    """

    id: str
    kind: str
    positive: bool
    first: bool
    points: np.ndarray

    def same(self, other: Prompt) -> bool:
        """Whether it says what the other one says, at the same place."""
        return (
            (self.kind, self.positive, self.first) == (other.kind, other.positive, other.first)
            and self.points.shape == other.points.shape
            and bool(np.abs(self.points - other.points).max(initial=0) <= SAME_MM)
        )

    @classmethod
    def new(
        cls, kind: str, points: np.ndarray, positive: bool = True, first: bool = False
    ) -> Prompt:
        """A prompt with an id of its own; points (n, 3) in the volume's own LPS, mm."""
        return cls(uuid.uuid4().hex[:8], kind, positive, first, np.asarray(points, float))


def sameAll(one: Sequence[Prompt], other: Sequence[Prompt]) -> bool:
    """Whether two lists say the same in the same order."""
    return len(one) == len(other) and all(a.same(b) for a, b in zip(one, other, strict=True))


def promptNodes(scene: Any, lesion: str) -> list[Any]:
    """The nodes of a lesion's prompts, in the order in which they were given."""
    found = [
        node
        for node in nodesOfClass(scene, MARKUPS)
        if node.GetAttribute(PROMPT) and node.GetAttribute(LESION) == lesion
    ]
    return sorted(found, key=_number)


def promptsOf(scene: Any, lesion: str, volumeNode: Any) -> list[Prompt]:
    """The prompts of a lesion; one whose points were all deleted is none any more."""
    found = [_read(node, volumeNode) for node in promptNodes(scene, lesion)]
    return [prompt for prompt in found if len(prompt.points)]


def promptsByLesion(scene: Any) -> dict[str, list[Any]]:
    """The nodes of all prompts of a scene by the ids of their lesions, each in its order."""
    found: dict[str, list[Any]] = {}
    for node in nodesOfClass(scene, MARKUPS):
        if node.GetAttribute(PROMPT) and node.GetAttribute(LESION):
            found.setdefault(node.GetAttribute(LESION), []).append(node)
    return {lesion: sorted(nodes, key=_number) for lesion, nodes in found.items()}


def promptsFrom(nodes: Sequence[Any], volumeNode: Any) -> tuple[Prompt, ...]:
    """The prompts of nodes, in their order; see :func:`promptsOf`."""
    found = [_read(node, volumeNode) for node in nodes]
    return tuple(prompt for prompt in found if len(prompt.points))


def writePrompts(scene: Any, lesion: str, volumeNode: Any, prompts: Sequence[Prompt]) -> None:
    """Make a lesion have these prompts and no others, in this order."""
    known = {node.GetAttribute(IDENTITY): node for node in promptNodes(scene, lesion)}
    for number, prompt in enumerate(prompts):
        node = known.pop(prompt.id, None)
        if node is None or not node.IsA(_CLASSES[prompt.kind]):
            if node is not None:
                removeWhole(scene, node)
            node = _make(scene, lesion, volumeNode, prompt)
        elif not prompt.same(_read(node, volumeNode)):
            _setPoints(node, volumeNode, prompt.points)
        node.SetAttribute(NUMBER, str(number))
    for node in known.values():
        removeWhole(scene, node)


def removePrompts(scene: Any, lesion: str) -> None:
    """Take away all prompts of a lesion besides its box."""
    for node in promptNodes(scene, lesion):
        removeWhole(scene, node)


def lesionOfPrompt(node: Any) -> str:
    """Id of the lesion whose prompt a node is; empty where it is none."""
    return (node.GetAttribute(LESION) or "") if node.GetAttribute(PROMPT) else ""


def _make(scene: Any, lesion: str, volumeNode: Any, prompt: Prompt) -> Any:
    node = scene.CreateNodeByClass(_CLASSES[prompt.kind])
    node.UnRegister(None)
    node.SetName(_name(prompt))
    # Before it joins the scene, so that whoever hears of it knows whose it is.
    for name, value in (
        (LESION, lesion),
        (PROMPT, prompt.kind),
        (POSITIVE, "1" if prompt.positive else "0"),
        (FIRST, "1" if prompt.first else "0"),
        (IDENTITY, prompt.id),
    ):
        node.SetAttribute(name, value)
    node = scene.AddNode(node)
    node.CreateDefaultDisplayNodes()
    if volumeNode is not None:
        node.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
    if node.IsA("vtkMRMLMarkupsCurveNode"):
        node.SetCurveTypeToLinear()
    _show(node, prompt)
    _setPoints(node, volumeNode, prompt.points)
    return node


def _name(prompt: Prompt) -> str:
    """Words for Slicer's lists of nodes."""
    words = {
        POINT: "Click",
        SCRIBBLE: "Scribble",
        LASSO: "Lasso",
        LINE: "Longest diameter",
        ACROSS: "Diameter across",
        SLICE_BOX: "Box on a slice",
    }
    if prompt.first:
        return words[prompt.kind]
    return f"{words[prompt.kind]} ({'lesion' if prompt.positive else 'not lesion'})"


def _show(node: Any, prompt: Prompt) -> None:
    """Plus and minus for clicks, thin lines, no words on the image."""
    display = node.GetDisplayNode()
    if display is None:
        return
    color = POSITIVE_COLOR if prompt.positive else NEGATIVE_COLOR
    display.SetSelectedColor(*color)
    display.SetColor(*color)
    display.SetPointLabelsVisibility(False)
    display.SetPropertiesLabelVisibility(False)
    glyph = display.ThickCross2D if prompt.positive else display.Dash2D
    display.SetGlyphType(glyph if prompt.kind == POINT else display.Circle2D)
    display.SetGlyphScale(2.5 if prompt.kind == POINT else 1.2)
    display.SetFillVisibility(False)
    if node.IsA("vtkMRMLMarkupsCurveNode") and prompt.kind != SLICE_BOX:
        display.SetGlyphScale(0.6)  # many points: the line is what counts


def _setPoints(node: Any, volumeNode: Any, points: np.ndarray) -> None:
    ras = points @ LPS_TO_RAS[:3, :3]
    world = nodeToWorld(volumeNode, ras) if volumeNode is not None else ras
    if node.GetNumberOfControlPoints() == len(world):
        for number, point in enumerate(world):
            node.SetNthControlPointPositionWorld(number, *[float(v) for v in point])
        return
    node.RemoveAllControlPoints()
    for point in world:
        node.AddControlPointWorld(*[float(v) for v in point])


def worldPoints(node: Any) -> np.ndarray:
    """(n, 3) world RAS of a Markups node's points that have been placed."""
    found, position = [], [0.0, 0.0, 0.0]
    for number in range(node.GetNumberOfControlPoints()):
        if node.GetNthControlPointPositionStatus(number) == node.PositionDefined:
            node.GetNthControlPointPositionWorld(number, position)
            found.append(list(position))
    return np.array(found, dtype=float).reshape(-1, 3)


def onVolume(world: np.ndarray, volumeNode: Any) -> np.ndarray:
    """World RAS (n, 3) in the volume's own LPS, mm."""
    ras = np.asarray(world, float).reshape(-1, 3)
    return np.asarray(worldToNode(volumeNode, ras) @ LPS_TO_RAS[:3, :3])


def inWorld(points: np.ndarray, volumeNode: Any) -> np.ndarray:
    """Points (n, 3) of a volume's own LPS in world RAS, mm."""
    return np.asarray(nodeToWorld(volumeNode, np.asarray(points) @ LPS_TO_RAS[:3, :3]))


def _read(node: Any, volumeNode: Any) -> Prompt:
    world = worldPoints(node)
    points = onVolume(world, volumeNode) if volumeNode is not None and len(world) else world
    if volumeNode is None:
        points = world @ LPS_TO_RAS[:3, :3]
    return Prompt(
        node.GetAttribute(IDENTITY) or "",
        node.GetAttribute(PROMPT),
        node.GetAttribute(POSITIVE) != "0",
        node.GetAttribute(FIRST) == "1",
        points,
    )


def _number(node: Any) -> int:
    text = node.GetAttribute(NUMBER) or ""
    return int(text) if text.isdigit() else 0
