"""The tab's work is written to the server's disk at every change, and taken up from there again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from MASAMSlicerLib.scene.classes import HOLDS_CLASSES
from MASAMSlicerLib.scene.export import saveSegmentation
from MASAMSlicerLib.scene.keptbox import KeptBox
from MASAMSlicerLib.scene.lesions import (
    LESION,
    SEGMENTATION_REFERENCE,
    VOLUME_REFERENCE,
    LesionEntry,
)
from MASAMSlicerLib.scene.nodes import nodesOfClass
from MASAMSlicerLib.scene.promptnodes import Prompt, writePrompts
from MASAMSlicerLib.scene.scenefile import saveScene
from MASAMSlicerLib.scene.volumes import geometryOf, modalityOf

from masam_core.errors import MasamError, VolumeError
from masam_core.image.plain_nrrd import write_plain_nrrd
from masam_workbench.tab.context import TabContext
from masam_workbench.tab.opening import readSegmentation
from masam_workbench.tab.works import Claim, Works

SOON_MS = 400  # after the last change
REST = 5  # times as long as a whole scene took to write, during which the page had to wait
MOST_REST = 15.0  # seconds
VERSION = 1
IMAGE = "image.nrrd"
SETTINGS = ("useThreshold", "threshold", "diameterPlane", "follow")


class Autosave:
    """Keeps one folder of unsaved work in line with the scene.

    The image is written once. Masks, boxes and prompts are written anew under new names, then the
    list of what the folder holds, and only then what it held before goes.

    Args:
        context: of the tab.
        works: the user's unsaved work; None keeps nothing.
        facts: what is known of the image besides, as its reading told it.
    """

    def __init__(
        self, context: TabContext, works: Works | None, facts: Callable[[], dict[str, Any]]
    ) -> None:
        self.context, self.works = context, works
        self._facts = facts
        self._folder: Path | None = None
        self._claim = Claim()
        self._mark = ""  # of the folder's content, as this tab has written or read it
        self._written: Any = None  # what the folder holds of
        self._imageWritten = False
        self._callOff: Callable[[], None] = lambda: None
        self._task: asyncio.Task[None] | None = None
        self._again = False
        self._watched = False  # whether a page is open
        self._notBefore = 0.0  # on the monotonic clock, in seconds

    def look(self, now: Any, unsaved: bool) -> None:
        """Notice what there is.

        Args:
            now: something that is another thing after each change.
            unsaved: whether there is anything that would be lost.
        """
        if self.works is None or now == self._written:
            return
        self._written = now
        self._callOff()
        if unsaved or self._folder is not None:
            self._callOff = self.context.later(self._wait(), self._begin)

    def _wait(self) -> int:
        """Milliseconds until the next writing: soon, but no large scene after each change."""
        return max(SOON_MS, round(1000 * (self._notBefore - time.monotonic())))

    def setWatched(self, watched: bool) -> None:
        """A page was opened, or the last one has gone: what nobody works at can be continued.

        Where that was done elsewhere meanwhile, this tab goes on with a folder of its own.
        """
        self._watched = watched
        if self._folder is None:
            return
        if not watched:
            if self._task is None or self._task.done():  # else it lets go at its end
                self._claim.release()
        elif not self._isOurs(self._folder):
            self._folder, self._imageWritten, self._written = None, False, None
            self.context.refreshSoon()

    @property
    def folder(self) -> Path | None:
        """Folder in which the work is kept; None where there is none."""
        return self._folder

    def leave(self, keep: bool) -> None:
        """Another image takes the place of this one; its work stays to be continued, or goes."""
        self._callOff()
        folder, self._folder, self._imageWritten = self._folder, None, False
        dropped = folder is not None and not keep and self._isOurs(folder)
        self._claim.release()
        if self._task is not None:
            self._again = False
            self._task.cancel()
            self._task = None
        if dropped and folder is not None and self.works is not None:
            self.works.drop(folder)

    def drop(self) -> None:
        """Delete what is kept; also from another thread, when the tab ends."""
        folder = self._folder
        if folder is not None and self.works is not None and self._isOurs(folder):
            self.works.drop(folder)

    def image(self, folder: Path) -> tuple[Path, dict[str, Any]]:
        """The image of a piece of work, to be opened before :meth:`fill`, and what is known of it.

        Raises:
            VolumeError: it is not there any more.
        """
        assert self.works is not None
        content = self.works.read(folder)
        place = folder / str(content.get("scene") or IMAGE)
        if not place.is_file() or not content:
            raise VolumeError("This work can't be continued: its image is not there any more.")
        name = content.get("name", "image")
        facts = {"name": name, "image": name, "modality": content.get("modality")}
        return place, {**facts, **content.get("facts", {})}

    def fill(self, folder: Path, claim: Claim) -> None:
        """Put masks, boxes and prompts of a piece of work onto its image, which is shown.

        Args:
            folder: of the work.
            claim: that holds it, which is this tab's from now on.

        Raises:
            MasamError: they can't be read; nothing of them is lost on disk.
        """
        assert self.works is not None
        context, content = self.context, self.works.read(folder)
        volume, scene = context.volume, context.scene
        nodes: dict[str, Any] = {}
        for each in content.get("segmentations", []):
            node = readSegmentation(scene, folder / str(each["file"]), volume, str(each["name"]))
            node.SetName(str(each["name"]))
            nodes[str(each["id"])] = node
        for each in content.get("lesions", []):
            values = _unpackedBox(each["box"], volume, nodes)
            KeptBox(str(each["id"]), values).putBack(scene)
            prompts = [
                Prompt(p["id"], p["kind"], p["positive"], p["first"], np.array(p["points"], float))
                for p in each["prompts"]
            ]
            writePrompts(scene, str(each["id"]), volume, prompts)
        context.state.selected = str(content.get("selected", ""))
        for name in SETTINGS:
            if name in content.get("settings", {}):
                setattr(context.state, name, content["settings"][name])
        self._claim.release()
        self._folder, self._imageWritten = folder, (folder / IMAGE).is_file()
        self._claim, self._mark = claim, str(content.get("mark", ""))
        if not self._watched:
            self._claim.release()

    def _begin(self) -> None:
        if self._task is not None and not self._task.done():
            self._again = True
            return
        self._task = asyncio.get_running_loop().create_task(self._save())

    async def _save(self) -> None:
        try:
            await self._write()
        except (MasamError, OSError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self.context.say(
                f"Your work could not be kept on the server's disk ({reason}). Save it to a file.",
                "warning",
            )
        if self._again:
            self._again = False
            self._callOff = self.context.later(self._wait(), self._begin)

    async def _write(self) -> None:
        assert self.works is not None
        volume = self.context.volume
        if volume is None:
            return
        if self._folder is None or not self._isOurs(self._folder):
            # None yet, or another tab went on with it: what that has written must stay.
            self._folder, self._imageWritten, self._mark = self.works.new(), False, ""
            self._claim.hold(self._folder)
        try:
            if isPlain(self.context.scene, volume):
                await self._writeParts(self._folder, volume)
            else:
                self._writeScene(self._folder, volume)
        finally:
            if not self._watched:
                self._claim.release()

    def _isOurs(self, folder: Path) -> bool:
        """Claim a folder, if nobody else has, and if it holds what this tab has put there."""
        assert self.works is not None
        if not self._claim.held and not self._claim.hold(folder):
            return False
        if self.works.mark(folder) == self._mark:
            return True
        self._claim.release()
        return False

    async def _writeParts(self, folder: Path, volume: Any) -> None:
        """An image and lesions on it, each in a file."""
        assert self.works is not None
        context = self.context
        if not self._imageWritten:
            array, geometry = slicer.util.arrayFromVolume(volume), geometryOf(volume)
            await asyncio.to_thread(_writeImage, folder / IMAGE, array, geometry)
            self._imageWritten = True
            if context.volume is not volume or self._folder is not folder:
                return
        mark = secrets.token_hex(4)
        lesions = context.lesions()
        segmentations = []
        for number, node in enumerate(_segmentationsOf(lesions)):
            name = f"{mark}-{number}.seg.nrrd"
            saveSegmentation(node, volume, folder / name)
            (folder / name).chmod(0o600)
            segmentations.append({"id": node.GetID(), "name": node.GetName(), "file": name})
        self._mark = self.works.write(
            folder,
            {
                **self._content(volume, lesions),
                "segmentations": segmentations,
                "lesions": [_packed(context.scene, lesion) for lesion in lesions],
            },
        )
        for path in folder.glob("*.seg.nrrd"):
            if not path.name.startswith(mark):
                path.unlink(missing_ok=True)

    def _writeScene(self, folder: Path, volume: Any) -> None:
        """A scene with more in it than the tab makes, whole: slower, and nothing is left out."""
        assert self.works is not None
        name, began = f"{secrets.token_hex(4)}.mrb", time.monotonic()
        saveScene(self.context.scene, folder / name)
        ended = time.monotonic()
        self._notBefore = ended + min(REST * (ended - began), MOST_REST)
        (folder / name).chmod(0o600)
        content = self._content(volume, self.context.lesions())
        self._mark = self.works.write(folder, {**content, "scene": name})
        for path in folder.glob("*.mrb"):
            if path.name != name:
                path.unlink(missing_ok=True)

    def _content(self, volume: Any, lesions: list[LesionEntry]) -> dict[str, Any]:
        state = self.context.state
        return {
            "version": VERSION,
            "name": volume.GetName(),
            "modality": modalityOf(volume),
            "facts": self._facts(),
            "count": len(lesions),
            "selected": state.selected,
            "settings": {name: getattr(state, name) for name in SETTINGS},
        }


def isPlain(scene: Any, volumeNode: Any) -> bool:
    """Whether a scene holds nothing but an image and lesions that belong to it."""
    others = [node for node in nodesOfClass(scene, "vtkMRMLVolumeNode") if node is not volumeNode]
    markups = nodesOfClass(scene, "vtkMRMLMarkupsNode")
    return not (
        others
        or any(
            node.GetAttribute(HOLDS_CLASSES)
            for node in nodesOfClass(scene, "vtkMRMLSegmentationNode")
        )
        or nodesOfClass(scene, "vtkMRMLTransformNode")
        or nodesOfClass(scene, "vtkMRMLSequenceNode")
        or any(not node.GetAttribute(LESION) for node in markups)
    )


def _writeImage(path: Path, array: np.ndarray, geometry: Any) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    write_plain_nrrd(path, array, geometry)


def _segmentationsOf(lesions: list[LesionEntry]) -> list[Any]:
    """The segmentation nodes that hold the lesions' masks, each once."""
    found = {x.segmentation.GetID(): x.segmentation for x in lesions if x.segment is not None}
    return list(found.values())


def _packed(scene: Any, lesion: LesionEntry) -> dict[str, Any]:
    """A lesion's box and prompts, as JSON can hold them."""
    values = KeptBox.of(scene, lesion.id).values
    if values is not None:
        values = {**values, "matrix": np.asarray(values["matrix"]).tolist()}
    prompts = [
        {
            "id": p.id,
            "kind": p.kind,
            "positive": p.positive,
            "first": p.first,
            "points": p.points.tolist(),
        }
        for p in lesion.prompts
    ]
    return {"id": lesion.id, "box": values, "prompts": prompts}


def _unpackedBox(
    values: dict[str, Any] | None, volume: Any, nodes: dict[str, Any]
) -> dict[str, Any] | None:
    """A box's values with the nodes of today."""
    if values is None:
        return None
    segmentation = nodes.get(str(values["references"].get(SEGMENTATION_REFERENCE)))
    references = {VOLUME_REFERENCE: volume.GetID()}
    if segmentation is not None:
        references[SEGMENTATION_REFERENCE] = segmentation.GetID()
    return {
        **values,
        "matrix": np.array(values["matrix"], float),
        "size": tuple(values["size"]),
        "transform": volume.GetTransformNodeID(),
        "references": references,
    }
