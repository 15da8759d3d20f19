"""Images: reading them in a process of their own, and showing them."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from MASAMSlicerLib.control.front import PLAIN, WARNING
from MASAMSlicerLib.control.twostudies import TwoStudies
from MASAMSlicerLib.sampledata import SAMPLES
from MASAMSlicerLib.scene.dicomfiles import sameGridAs
from MASAMSlicerLib.scene.volumes import (
    forgetVolumes,
    frameOf,
    framesOf,
    geometryOf,
    requireVolume,
    showFrame,
)
from MASAMSlicerLib.scene.windowlevel import applyPreset, presetsOf

from masam_core.catalog.bundled import sample_data_dir
from masam_core.errors import ConfigError, MasamError, SegmentationError, VolumeError
from masam_core.image.apart import Reader, take_in_apart
from masam_core.image.formats.dicom.origin import SourceImages
from masam_core.image.geometry import Geometry
from masam_workbench.tab.bundle import requireWholeNrrd, unpackScene
from masam_workbench.tab.context import TabContext
from masam_workbench.tab.opening import (
    adoptSegments,
    importScene,
    readSegmentation,
    removeAllBut,
)
from masam_workbench.tab.shown import Shown

READ_SECONDS = 300.0
SCENES, MASKS = (".mrb",), (".seg.nrrd",)


class Beside(Protocol):
    """What an image joins that does not take the place of the one that is shown."""

    def require(self, name: str, facts: dict[str, Any]) -> None:
        """Refuse what does not belong there, with a MasamError."""

    def join(self, volumeNode: Any) -> None:
        """It is in the scene, and is about to be shown."""


class Images:
    """The tab's image: one at a time, with its lesions.

    Args:
        context: of the tab.
        shown: what the page sees of it.
        onLeave: called before what is shown leaves.
        onScene: called when a saved scene was opened.
    """

    def __init__(
        self,
        context: TabContext,
        shown: Shown,
        onLeave: Callable[[], None],
        onScene: Callable[[], None] = lambda: None,
    ) -> None:
        self.context, self._shown = context, shown
        self._onLeave, self._onScene = onLeave, onScene
        self._reading: asyncio.Task[dict[str, Any]] | None = None
        self._cancelled = False
        # A source with several series, and what it joins.
        self._undecided: tuple[Path, str, Beside | None] | None = None
        # By the volume's node; of DICOM images alone: ``SourceImages.to_dict``.
        self._sources: dict[str, dict[str, Any]] = {}
        self._isScene = False  # whether what is shown was a saved scene

    @property
    def samples(self) -> list[str]:
        """Folders of the bundled volumes."""
        return [sample[1] for sample in SAMPLES]

    @property
    def sources(self) -> dict[str, Any] | None:
        """``SourceImages.to_dict`` of the shown image's DICOM images; None where it is no DICOM."""
        return self.sourcesOf(self.context.volume)

    def sourcesOf(self, volume: Any) -> dict[str, Any] | None:
        """The same of any volume node, or of None."""
        return None if volume is None else self._sources.get(volume.GetID())

    @property
    def reading(self) -> bool:
        """Whether an image is being read."""
        return self._reading is not None

    def cancel(self) -> bool:
        """End a reading; whether there was one."""
        if self._reading is None:
            return False
        self._cancelled = True
        self._reading.cancel()
        return True

    async def openSample(self, folder: str) -> None:
        """One of the bundled volumes, by the name of its folder."""
        known = {sample[1]: sample[2] for sample in SAMPLES}
        if folder in known:
            await self.open(sample_data_dir() / folder / "image.nii.gz", known[folder])

    async def open(
        self,
        path: Path,
        name: str,
        series: str | None = None,
        masks: Sequence[Path] = (),
        known: dict[str, Any] | None = None,
        beside: Beside | None = None,
    ) -> bool:
        """Read a file or folder of unknown origin, and show it; errors are said, not raised.

        Where there are several DICOM series, the page asks which (see :meth:`chooseSeries`). A
        saved scene is opened as it was; a segmentation joins the image that is shown.

        Args:
            path: of the file or folder.
            name: for people.
            series: UID of a DICOM series.
            masks: segmentations of the same image, read with it.
            known: facts that the file does not say, in place of those that are read.
            beside: takes the image in beside the one that is shown, which stays.

        Returns:
            Whether it was opened.
        """
        if self.reading:
            self.context.say("An image is being read. Wait for it, or cancel first.")
            return False
        name = _without_odd(name)
        if beside is not None and _endsIn(path, (*MASKS, *SCENES)):
            self.context.say(f"'{name}' is no image. Choose the image of the next study.", WARNING)
            return False
        if _endsIn(path, MASKS):
            return self.addMasks([path], name)
        try:
            folder = Path(tempfile.mkdtemp(prefix="reading-", dir=self.context.folder))
        except OSError as error:
            self.context.sayError(VolumeError(f"'{name}' can't be read: {error.strerror}."))
            return False
        scene = _endsIn(path, SCENES)
        target = folder / "image.nrrd"
        self._cancelled = False
        reading = _unpacked(path, folder) if scene else read(path, target, name, series)
        self._reading = asyncio.get_running_loop().create_task(reading)
        self.context.state.series = []
        self.context.state.loading = name
        try:
            facts = await self._reading
            if "series" in facts:
                self._undecided = (path, name, beside)
                self.context.state.series = facts["series"]
                return False
            if scene:
                self._takeScene(Path(facts["scene"]), known or {})
            else:
                self._take(target, name, {**facts, **(known or {})}, beside)
            return not masks or self.addMasks(masks, name)
        except asyncio.CancelledError:
            if not self._cancelled:
                raise
            # Not before all is gone that it had unpacked.
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            self.context.say("Cancelled; everything is as it was.")
        except (MasamError, OSError) as error:
            self.context.sayError(error)
        finally:
            self._reading = None
            shutil.rmtree(folder, ignore_errors=True)
            self.context.state.loading = ""
            self.context.refresh()
        return False

    def addMasks(self, paths: Sequence[Path], name: str) -> bool:
        """Put the lesions of segmentation files on the image that is shown; errors are said."""
        context = self.context
        if context.volume is None:
            context.say(
                f"'{name}' holds masks without their image. Open the image first, or both files "
                "together.",
                WARNING,
            )
            return False
        try:
            for path in paths:
                requireWholeNrrd(path)
                node = readSegmentation(context.scene, path, context.volume, name)
                count = adoptSegments(context.session.lesions, node, context.volume)
                words = "1 lesion" if count == 1 else f"{count} lesions"
                context.say(f"Opened {words} of '{name}'.")
        except (MasamError, OSError) as error:
            context.sayError(error)
            return False
        finally:
            context.refreshSoon()
        return True

    async def chooseSeries(self, uid: str) -> None:
        """The series that the user has chosen; an empty text is none."""
        undecided, self._undecided = self._undecided, None
        known = [each["uid"] for each in self.context.state.series or []]
        self.context.state.series = []
        if undecided is not None and uid in known:
            path, name, beside = undecided
            await self.open(path, name, uid, beside=beside)

    def stepFrame(self, by: int) -> None:
        """Show another frame of a sequence.

        Args:
            by: how many frames further; below zero back. It ends at the first and the last.

        Raises:
            ConfigError: a run is going on, whose masks are of the frame that is shown.
        """
        context = self.context
        if context.volume is None or not framesOf(context.volume):
            return
        if context.session.segmenting:
            raise ConfigError("Wait for the run, or cancel it, before you go to another frame.")
        before = frameOf(context.volume)
        showFrame(context.volume, before + int(by), context.application.logics["Sequences"])
        if frameOf(context.volume) != before:
            forgetVolumes()
            self._shown.showAnew()
            context.refreshSoon()

    def choosePreset(self, name: str) -> None:
        """Window and level."""
        if self.context.volume is not None:
            applyPreset(self.context.volume, name)

    def _take(
        self, path: Path, name: str, facts: dict[str, Any], beside: Beside | None = None
    ) -> None:
        """Put an image into the scene, in the place of the one that was there, or beside it."""
        import slicer

        context = self.context
        if beside is not None:
            beside.require(name, facts)
        logic = context.application.logics["Volumes"]
        volume = logic.AddArchetypeVolume(str(path), name)
        if volume is None:
            raise VolumeError(f"'{name}' could not be shown.")
        try:
            requireVolume(volume)
        except MasamError:
            context.scene.RemoveNode(volume)
            raise
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(context.scene)
        modality = facts.get("modality")
        if modality and hierarchy is not None:
            key = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMSeriesModalityAttributeName()
            item = hierarchy.GetItemByDataNode(volume)
            # Without the application nobody else gives a node its item.
            item = item or hierarchy.CreateItem(hierarchy.GetSceneItemID(), volume)
            hierarchy.SetItemAttribute(item, key, str(modality))
        if beside is None:
            self._letGo([volume, volume.GetDisplayNode(), volume.GetStorageNode()])
            volume.SetName(name)  # the scene numbers names that were there when it was read
        else:
            beside.join(volume)
        self._show(volume, facts.get("origin"))
        self._keepSources(volume, facts.get("images"))
        notes = " ".join(str(note) for note in facts.get("notes", []))
        context.say(notes, WARNING if notes else PLAIN)

    def _takeScene(self, path: Path, known: dict[str, Any]) -> None:
        """Put a saved scene in the place of what was there.

        Args:
            path: of the .mrml file.
            known: facts about the image of the name ``image``, which no scene holds.
        """
        context = self.context
        volume, came = importScene(context.scene, path)
        self._letGo(came)
        same = known.get("image", "") == volume.GetName()
        self._show(volume, known.get("origin") if same else None)
        self._isScene = True
        if same:
            self._keepSources(volume, known.get("images"))
            self._keepEarlier(volume, known.get("earlier") or {})
        for lesion in context.lesions():
            if lesion.roi is None:
                context.session.lesions.adopt(lesion)
        context.say("Opened the scene as it was saved.")
        self._onScene()

    def dicomGrid(self) -> Geometry:
        """The shown image's grid with the names of its DICOM slices; see :meth:`dicomImages`."""
        volume = self.context.volume
        return sameGridAs(volume, self.dicomImages(volume))

    def dicomImages(self, volume: Any) -> SourceImages:
        """The names of an image's DICOM slices, along k.

        Args:
            volume: its node, or None.

        Raises:
            SegmentationError: it was not read from DICOM.
        """
        sources = self.sourcesOf(volume)
        if volume is not None and sources is None and self._isScene:
            raise SegmentationError(
                "A saved scene holds neither patient nor study of its images, so they don't leave "
                "with it. For DICOM: save the masks as .seg.nrrd, open the DICOM series, drop the "
                ".seg.nrrd on it, and save as DICOM there."
            )
        if volume is None or sources is None:
            raise SegmentationError("This image is no DICOM series: it has no patient or study.")
        images = SourceImages.from_dict(sources)
        if len(images.slices) != geometryOf(volume).shape[0]:
            raise SegmentationError(
                "The image has other slices than its DICOM series had: open the series again."
            )
        return images

    def _keepSources(self, volume: Any, sources: dict[str, Any] | None) -> None:
        if sources:
            self._sources[volume.GetID()] = dict(sources)

    def _keepEarlier(self, volume: Any, known: dict[str, Any]) -> None:
        """What was kept of the study before the one that is shown."""
        pair = TwoStudies.of(self.context.scene)
        if pair is None or pair.later is not volume:
            return
        if known.get("name", "") == pair.earlier.GetName():
            self._keepSources(pair.earlier, known.get("images"))

    def _show(self, volume: Any, origin: dict[str, Any] | None) -> None:
        self.context.volume = volume
        self.choosePreset(next(iter(presetsOf(volume))))
        self._shown.show(volume, origin)

    def _letGo(self, came: Sequence[Any]) -> None:
        """What was shown leaves, with all that belongs to it; ``came`` takes its place."""
        context = self.context
        self._onLeave()
        self._isScene = False
        self._sources.clear()
        context.session.sceneClosed()
        removeAllBut(context.scene, came)
        context.session.lesions.forget()  # also what was read while it left
        context.volume = None
        self._shown.show(None)
        forgetVolumes()


async def _unpacked(path: Path, folder: Path) -> dict[str, Any]:
    """Unpack a scene beside what is read."""
    place = folder / "unpacked"
    place.mkdir()
    return {"scene": str(await asyncio.to_thread(unpackScene, path, place))}


def _endsIn(path: Path, endings: tuple[str, ...]) -> bool:
    return path.name.lower().endswith(endings)


async def read(path: Path, target: Path, name: str, series: str | None = None) -> dict[str, Any]:
    """Have a process of its own take in an image; see :func:`masam_core.image.intake.take_in`.

    Cancelled, it returns when the process has ended.

    Raises:
        VolumeError: it can't be read, took too long, or the process ended.
    """
    reader = Reader()
    reading = asyncio.create_task(
        asyncio.to_thread(take_in_apart, reader, path, target, name, series, READ_SECONDS)
    )
    reading.add_done_callback(lambda task: task.exception())  # heard, though nobody waits any more
    try:
        return await asyncio.shield(reading)
    finally:
        reader.close()
        await asyncio.wait([reading])


def _without_odd(name: str) -> str:
    """A name as it can be shown: neither control characters nor halves of characters."""
    return "".join(c if c.isprintable() else "_" for c in name)[:120] or "image"
