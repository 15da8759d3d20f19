"""What leaves the tab: segments, measurements, the scene, a picture."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from MASAMSlicerLib.report import rowsOf
from MASAMSlicerLib.scene.export import saveSegmentation
from MASAMSlicerLib.scene.scenefile import saveScene
from PIL import Image

from masam_core.atomic import atomic_path
from masam_core.errors import MasamError, SegmentationError
from masam_core.export.measurements import write_measurements
from masam_core.image.volume import stem

if TYPE_CHECKING:
    from masam_workbench.tab.tab import Tab

WITH_NUMBERS = (".seg.nrrd", ".csv", ".mrb")  # measurements, as a table or in a segment's tags


class Saving:
    """Files are written into the tab's folder, and the browser fetches them from there."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab

    @property
    def folder(self) -> Path:
        """Folder of the files that the browser may fetch; nothing else is in it."""
        folder = self.tab.folder / "results"
        folder.mkdir(exist_ok=True)
        return folder

    def save(self, kind: str) -> None:
        """Write a file and have the browser fetch it."""
        makers: dict[str, Callable[[Path], list[str]]] = {
            ".seg.nrrd": self._segments,
            ".nii.gz": self._segments,
            ".csv": self._table,
            ".mrb": self._scene,
            ".png": self._picture,
        }
        tab = self.tab
        if kind not in makers or tab.volume is None:
            return
        tab.touchUp.endStroke()
        volume = tab.volume

        def write(note: str) -> None:
            if tab.volume is volume:  # else another image was opened meanwhile
                self._write(kind, makers[kind], note)

        if kind not in WITH_NUMBERS:
            write("")
        elif not tab.rows.whenMeasured(write):
            tab.say("Measuring what was changed by hand, then saving.")

    def _write(self, kind: str, make: Callable[[Path], list[str]], note: str) -> None:
        tab = self.tab
        path = self.folder / f"{plainName(stem(Path(tab.volume.GetName())))}{kind}"
        try:
            notes = [*make(path), *filter(None, [note])]
        except (MasamError, OSError) as error:
            tab.sayError(error)
            return
        # With a number, so that the same file again is a change that the page sees.
        number = int((tab.state.download or "0 ").split(" ", 1)[0]) + 1
        tab.state.download = f"{number} {path.name}"
        tab.say("\n".join([f"Saved {path.name}.", *notes]), "warning" if notes else "")

    def _segmentation(self) -> Any:
        """That of the selected lesion, or the first that there is."""
        lesions = [lesion for lesion in self.tab.lesions() if lesion.segmentation is not None]
        if not lesions:
            raise SegmentationError("There is no mask to save yet: press Segment first.")
        chosen = [lesion for lesion in lesions if lesion.id == self.tab.state.selected]
        return (chosen or lesions)[0].segmentation

    def _segments(self, path: Path) -> list[str]:
        return saveSegmentation(self._segmentation(), self.tab.volume, path)

    def _table(self, path: Path) -> list[str]:
        rows = rowsOf(self.tab.lesions())
        if not rows:
            raise SegmentationError("There is nothing measured yet: press Segment first.")
        write_measurements(path, rows)
        return []

    def _scene(self, path: Path) -> list[str]:
        saveScene(self.tab.scene, path)
        return []

    def _picture(self, path: Path) -> list[str]:
        with atomic_path(path) as temporary:
            Image.fromarray(self.tab.views.picture()).save(temporary, "PNG")
        return []


def plainName(name: str) -> str:
    """A file name of letters, digits, dots, hyphens and underscores from any text."""
    plain = re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).strip("._")
    return plain[:80] or "image"
