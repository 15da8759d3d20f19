"""The end of a run without prompts: a segment a class, all in one step that can be undone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from masam_core.errors import MasamError
from masam_core.lesion.telling import shared_notes

from ..scene.belonging import requireOwn
from ..scene.classes import (
    CLASS,
    HOLDS_CLASSES,
    MadeBefore,
    bringToView,
    madeBefore,
    newClasses,
)
from ..scene.history import History
from ..scene.lesions import LesionList
from ..scene.provenance import Provenance
from ..scene.segments import Look, requireWritable, writeSegment
from ..scene.transforms import sameTransform
from ..scene.volumes import geometryOf

if TYPE_CHECKING:
    from masam_core.image.volume import Volume
    from masam_core.worker.automatic import FoundClass, WholeOutcome


@dataclass
class WholeReport:
    """What came of a run without prompts.

    Attributes:
        volume: name of the volume.
        segmentation: name of the segmentation that holds the result; empty where there is none.
        written: classes that have got a segment.
        missing: classes of which nothing was found.
        kept: classes whose earlier segment was left as it is, and why.
        notes: what is to be looked at twice of what was written, with the names it is about.
        seconds: from start to the last segment, waiting included.
        model: the worker's description of the model (see ``load_model`` in the protocol).
    """

    volume: str
    segmentation: str = ""
    written: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    model: dict[str, Any] = field(default_factory=dict)


@dataclass
class WholeCommit:
    """Writes what a model has found in a whole volume.

    What the same model made of the volume before is replaced, but for segments that were edited by
    hand or locked since; all else in the scene stays as it is.

    Attributes:
        scene: vtkMRMLScene.
        lesions: the list, which says whose segmentations are.
        history: where the step is kept.
        volumeId: of the volume node.
        image: that was segmented.
        segmentationNode: that was chosen for the result; None for that of an earlier run of the
            same model, or a new one.
    """

    scene: Any
    lesions: LesionList
    history: History
    volumeId: str
    image: Volume
    segmentationNode: Any = None

    def write(self, outcome: WholeOutcome, report: WholeReport) -> None:
        """Write every class in one step; when that fails, nothing has changed.

        Raises:
            MasamError: the volume has gone or changed meanwhile, or the segmentation can't take it.
        """
        volumeNode = self.scene.GetNodeByID(self.volumeId)
        if volumeNode is None:
            raise MasamError("The volume was deleted from the scene while it was being segmented.")
        if not geometryOf(volumeNode).same_grid(self.image.geometry):
            raise MasamError(
                f"'{volumeNode.GetName()}' was moved or changed while it was being segmented; the "
                "result does not fit it any more. Segment it again."
            )
        report.model = outcome.model
        report.missing = [each.term.name for each in outcome.classes if not each.found]
        before = madeBefore(self.scene, volumeNode, str(outcome.model.get("sha256", "")))
        before = {name: made for name, made in before.items() if self._within(made, volumeNode)}
        asked = {each.term.name for each in outcome.classes}
        report.kept = {
            name: why
            for name, made in before.items()
            if name in asked and (why := made.protection(volumeNode))
        }
        new = [c for c in outcome.classes if c.found and c.term.name not in report.kept]
        gone = [name for name in report.missing if name in before and name not in report.kept]
        if not new and not gone:
            return
        created: list[Any] = []
        title = f"Segment {new[0].term.name}" if len(new) == 1 else f"Segment {len(new)} structures"
        try:
            with self.history.step(title) as touched:
                node = self._target(volumeNode, before, outcome, created) if new else None
                shown: dict[Any, list[str]] = {}
                for each in new:
                    made = before.get(each.term.name)
                    place = (made.node, made.segmentId) if made else (node, self._fresh(node, each))
                    touched.append(place)
                    shown.setdefault(place[0], []).append(self._write(each, outcome, *place))
                for name in gone:
                    touched.append((before[name].node, before[name].segmentId))
                    segmentation = before[name].node.GetSegmentation()
                    segmentation.RemoveSegment(before[name].segmentId)
        except BaseException:
            for made_node in created:
                self.scene.RemoveNode(made_node)
            raise
        for each_node, ids in shown.items():
            bringToView(each_node, ids)
        report.written = [each.term.name for each in new]
        report.notes = shared_notes([(each.term.name, each.messages) for each in new])
        report.segmentation = "" if node is None else node.GetName()

    def _within(self, made: MadeBefore, volumeNode: Any) -> bool:
        """Whether a segment of an earlier run lies where this run's result goes."""
        chosen = self.segmentationNode
        if chosen is not None and made.node is not chosen:
            return False
        return bool(sameTransform(made.node, volumeNode))

    def _target(
        self,
        volumeNode: Any,
        before: dict[str, MadeBefore],
        outcome: WholeOutcome,
        created: list[Any],
    ) -> Any:
        chosen = self.segmentationNode
        if chosen is not None and chosen.GetScene() is self.scene:
            requireOwn(chosen, volumeNode, self.lesions.lesions())
            requireWritable(chosen, volumeNode)
            chosen.SetAttribute(HOLDS_CLASSES, "1")
            return chosen
        if before:
            return next(iter(before.values())).node
        created.append(newClasses(volumeNode, str(outcome.model.get("name", "MASAM"))))
        return created[0]

    def _fresh(self, node: Any, each: FoundClass) -> str:
        words = "_".join(each.term.name.split())
        return str(node.GetSegmentation().GenerateUniqueSegmentID(f"MASAM_{words}"))

    def _write(self, each: FoundClass, outcome: WholeOutcome, node: Any, segmentId: str) -> str:
        term = each.term
        tags = {**self._made(each, outcome).tags(), CLASS: term.name}
        look = Look(_capital(term.name), term.color, term.entry)
        volumeNode = self.scene.GetNodeByID(self.volumeId)
        return writeSegment(node, segmentId, volumeNode, each.mask, each.offset_kji, look, tags)

    def _made(self, each: FoundClass, outcome: WholeOutcome) -> Provenance:
        """The segment's origin; it names no lesion."""
        low = [float(o) - 0.5 for o in each.offset_kji[::-1]]
        high = [a + n for a, n in zip(low, each.mask.shape[::-1], strict=True)]
        corners = [[(low, high)[n >> a & 1][a] for a in range(3)] for n in range(8)]
        box = self.image.geometry.lps_from_ijk(corners)
        return Provenance.ofAnswer("", box, outcome.model, each, self.image)


def _capital(name: str) -> str:
    """A name as a list shows it, e.g. Left kidney."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]
