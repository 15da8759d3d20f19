"""Images: reading them in a process of their own, and showing them."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from MASAMSlicerLib.sampledata import SAMPLES
from MASAMSlicerLib.scene.volumes import forgetVolumes, requireVolume
from MASAMSlicerLib.scene.windowlevel import applyPreset, presetsOf

from masam_core.catalog.bundled import sample_data_dir
from masam_core.errors import MasamError, VolumeError
from masam_core.image.apart import Reader, take_in_apart
from masam_workbench.tab.context import TabContext
from masam_workbench.tab.shown import Shown

READ_SECONDS = 300.0


class Images:
    """The tab's image: one at a time, with its lesions.

    Args:
        context: of the tab.
        shown: what the page sees of it.
        leaveTools: puts every tool away.
    """

    def __init__(self, context: TabContext, shown: Shown, leaveTools: Callable[[], None]) -> None:
        self.context, self._shown = context, shown
        self._leaveTools = leaveTools
        self._reading: asyncio.Task[dict[str, Any]] | None = None
        self._cancelled = False
        self._undecided: tuple[Path, str] | None = None  # a source with several series

    @property
    def samples(self) -> list[str]:
        """Folders of the bundled volumes."""
        return [sample[1] for sample in SAMPLES]

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

    async def open(self, path: Path, name: str, series: str | None = None) -> None:
        """Read a file or folder of unknown origin, and show it; errors are said, not raised.

        Where there are several DICOM series, the page asks which (see :meth:`chooseSeries`).
        """
        if self.reading:
            self.context.say("An image is being read. Wait for it, or cancel first.")
            return
        name = _without_odd(name)
        try:
            folder = Path(tempfile.mkdtemp(prefix="reading-", dir=self.context.folder))
        except OSError as error:
            self.context.sayError(VolumeError(f"'{name}' can't be read: {error.strerror}."))
            return
        target = folder / "image.nrrd"
        self._cancelled = False
        self._reading = asyncio.get_running_loop().create_task(read(path, target, name, series))
        self.context.state.series = []
        self.context.state.loading = name
        try:
            facts = await self._reading
            if "series" in facts:
                self._undecided = (path, name)
                self.context.state.series = facts["series"]
                return
            self._take(target, name, facts)
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

    async def chooseSeries(self, uid: str) -> None:
        """The series that the user has chosen; an empty text is none."""
        undecided, self._undecided = self._undecided, None
        known = [each["uid"] for each in self.context.state.series or []]
        self.context.state.series = []
        if undecided is not None and uid in known:
            await self.open(*undecided, uid)

    def choosePreset(self, name: str) -> None:
        """Window and level."""
        if self.context.volume is not None:
            applyPreset(self.context.volume, name)

    def _take(self, path: Path, name: str, facts: dict[str, Any]) -> None:
        """Put an image into the scene, in the place of the one that was there."""
        import slicer

        context = self.context
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
            hierarchy.SetItemAttribute(hierarchy.GetItemByDataNode(volume), key, str(modality))
        self._letGo()
        self.context.volume = volume
        self.choosePreset(next(iter(presetsOf(volume))))
        self._shown.show(volume, facts.get("origin"))
        notes = " ".join(str(note) for note in facts.get("notes", []))
        context.say(notes, "warning" if notes else "")

    def _letGo(self) -> None:
        """The image that was shown leaves, with its lesions; they were about it alone."""
        if self.context.volume is None:
            return
        context = self.context
        self._leaveTools()
        context.session.sceneClosed()
        for kind in ("vtkMRMLMarkupsROINode", "vtkMRMLSegmentationNode"):
            for node in context.nodes(kind):
                context.scene.RemoveNode(node)
        context.scene.RemoveNode(self.context.volume)
        self.context.volume = None
        self._shown.show(None)
        forgetVolumes()


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
