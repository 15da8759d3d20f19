"""What leaves the tab: segments, measurements, the scene."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from MASAMSlicerLib.control.front import PLAIN, WARNING
from MASAMSlicerLib.scene.dicomfiles import SUFFIXES, saveDicom
from MASAMSlicerLib.scene.export import saveSegmentation
from MASAMSlicerLib.scene.lesions import LesionEntry
from MASAMSlicerLib.scene.scenefile import saveScene

from masam_core.atomic import why_not_written
from masam_core.errors import MasamError, SegmentationError
from masam_core.image.geometry import Geometry
from masam_core.image.volume import stem
from masam_workbench.served.masks import Masks
from masam_workbench.tab.context import TabContext
from masam_workbench.tab.table import writeTable

# What follows the image's own name, so that no file is taken for the image.
ENDINGS = {
    ".seg.nrrd": ".seg.nrrd",
    ".nii.gz": "_seg.nii.gz",
    ".csv": "_measurements.csv",
    ".mrb": "_scene.mrb",
    ".seg.dcm": ".seg.dcm",
    ".rt.dcm": ".rt.dcm",
    ".sr.dcm": ".sr.dcm",
}
WITH_MASKS = (".seg.nrrd", ".nii.gz", ".mrb", ".seg.dcm", ".rt.dcm")
# Measurements, as a table, a report, or in a segment's tags.
WITH_NUMBERS = (".seg.nrrd", ".csv", ".mrb", ".sr.dcm")


STRUCTURES_LEFT_OUT = (
    "What the model found in the whole volume is not all in this file: save as .mrb for everything."
)


class Saving:
    """Files are written into the tab's folder, and the browser fetches them from there.

    Args:
        context: of the tab.
        masks: of its lesions.
        whenMeasured: see :meth:`~masam_workbench.tab.measuring.Measuring.whenMeasured`.
        dicomGrid: see :meth:`~masam_workbench.tab.images.Images.dicomGrid`.
        onSaved: called when masks are in a file; with the segmentation node whose masks they are,
            or None where it is the whole scene with boxes and prompts.
        structures: segmentations that a model has made of the whole volume.
    """

    def __init__(
        self,
        context: TabContext,
        masks: Masks,
        whenMeasured: Callable[[Callable[[str], None]], bool],
        dicomGrid: Callable[[], Geometry],
        onSaved: Callable[[Any], None] = lambda _: None,
        structures: Callable[[], list[Any]] = list,
    ) -> None:
        self.context, self._masks = context, masks
        self._whenMeasured, self._dicomGrid = whenMeasured, dicomGrid
        self._onSaved, self._structures = onSaved, structures

    @property
    def folder(self) -> Path:
        """Folder of the files that the browser may fetch; nothing else is in it."""
        folder = self.context.folder / "results"
        folder.mkdir(exist_ok=True)
        return folder

    def save(self, kind: str) -> None:
        """Write a file and have the browser fetch it."""
        makers: dict[str, Callable[[Path], list[str]]] = {
            ".seg.nrrd": self._segments,
            ".nii.gz": self._segments,
            ".csv": self._table,
            ".mrb": self._scene,
            **{ending: self._dicom for ending in SUFFIXES},
        }
        context = self.context
        if kind not in makers or context.volume is None:
            return
        volume = context.volume

        def write(note: str) -> None:
            if context.volume is volume:  # else another image was opened meanwhile
                self._write(kind, makers[kind], note)

        if kind not in WITH_NUMBERS:
            write("")
        elif not self._whenMeasured(write):
            context.say("Measuring what was changed by hand, then saving.")

    def _write(self, kind: str, make: Callable[[Path], list[str]], note: str) -> None:
        context = self.context
        name = f"{plainName(stem(Path(context.volume.GetName())))}{ENDINGS[kind]}"
        try:
            path = self.folder / name
            notes = [*make(path), *filter(None, [note])]
        except MasamError as error:
            context.sayError(
                SegmentationError(str(error).replace(f"{context.folder}/results/", ""))
            )
            return
        except (OSError, RuntimeError) as error:
            context.sayError(SegmentationError(why_not_written(Path(name), error)))
            return
        if kind in WITH_MASKS:
            node = None if kind == ".mrb" else self.segmentation()
            notes += leftOut(context.lesions(), node)
            if node is not None and any(each is not node for each in self._structures()):
                notes.append(STRUCTURES_LEFT_OUT)
            self._onSaved(node)
        self.offer(path.name)
        context.say("\n".join([f"Saved {path.name}.", *notes]), WARNING if notes else PLAIN)

    def offer(self, name: str) -> None:
        """Have the browser fetch a file of the folder."""
        # With a number, so that the same file again is a change that the page sees.
        number = int((self.context.state.download or "0 ").split(" ", 1)[0]) + 1
        self.context.state.download = f"{number} {name}"

    def segmentation(self) -> Any:
        """That of the selected lesion, or the first that there is; without lesions, structures."""
        lesions = [lesion for lesion in self.context.lesions() if lesion.segmentation is not None]
        structures = self._structures()
        if not lesions and structures:
            return structures[0]
        if not lesions:
            raise SegmentationError("There is no mask to save yet: press Segment first.")
        chosen = [lesion for lesion in lesions if lesion.id == self.context.state.selected]
        return (chosen or lesions)[0].segmentation

    def _segments(self, path: Path) -> list[str]:
        return saveSegmentation(self.segmentation(), self.context.volume, path)

    def _dicom(self, path: Path) -> list[str]:
        """Masks or their report as DICOM of the image's patient and study."""
        grid = self._dicomGrid()
        return saveDicom(self.segmentation(), self.context.volume, path, grid)

    def _table(self, path: Path) -> list[str]:
        writeTable(path, self.context.lesions(), self._masks)
        return []

    def _scene(self, path: Path) -> list[str]:
        with self.context.session.handles.released():  # the mouse may have come from 3D
            saveScene(self.context.scene, path)
        return []


def leftOut(lesions: Sequence[LesionEntry], segmentation: Any) -> list[str]:
    """A note where a segmentation does not hold all masks that there are; None stands for all."""
    others = [x for x in lesions if x.segment is not None and x.segmentation is not segmentation]
    if segmentation is None or not others:
        return []
    what = "1 lesion" if len(others) == 1 else f"{len(others)} lesions"
    verb, them = ("is", "it") if len(others) == 1 else ("are", "one of them")
    return [
        f"{what} of another segmentation {verb} not in this file: select {them} and save again."
    ]


def plainName(name: str) -> str:
    """A file name of letters, digits, dots, hyphens and underscores from any text."""
    plain = re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).strip("._")
    return plain[:80] or "image"
