"""Two studies as DICOM: segmentation and report of the later one, and a report on both.

Written by a process of its own, then offered as one archive or sent to the PACS.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from MASAMSlicerLib.control.followupdicom import DicomStudy, FollowUpDicom, Written
from MASAMSlicerLib.control.front import ERROR, PLAIN, WARNING
from MASAMSlicerLib.control.twostudies import TwoStudies, dateOf

from masam_core.atomic import atomic_path
from masam_core.errors import ConfigError, MasamError, SegmentationError
from masam_workbench.front.transport import LoopTransport
from masam_workbench.tab.archive import Archive
from masam_workbench.tab.context import TabContext
from masam_workbench.tab.images import Images
from masam_workbench.tab.saving import Saving

ARCHIVE = "followup_dicom.zip"
NOTHING: dict[str, Any] = {"there": False, "writing": False, "percent": 0, "words": ""}


class NextDicom:
    """What the page may do with two studies that came from DICOM.

    Args:
        context: of the tab; its state's ``course`` says all that the page shows of it.
        images: know where each image came from.
        archive: sends to the PACS.
        saving: whose folder the browser fetches files from.
        noting: called with a segmentation node before its masks are written; what it returns, when
            they are in a file.
        pair: the two studies, or None.
    """

    def __init__(
        self,
        context: TabContext,
        images: Images,
        archive: Archive,
        saving: Saving,
        noting: Callable[[Any], Callable[[], None]],
        pair: Callable[[], TwoStudies | None],
    ) -> None:
        self.context, self._images, self._archive = context, images, archive
        self._saving, self._noting, self._pair = saving, noting, pair
        self._place: Path | None = None
        self._toPacs = False
        self._saved: list[Callable[[], None]] = []
        self._ending: asyncio.Task[None] | None = None  # the loop itself would let go of it
        loop = asyncio.get_running_loop()
        self._writing = FollowUpDicom(
            context.session,
            lambda command, environment: LoopTransport(command, environment, loop),
            lambda fraction, words: self._tell(percent=round(100 * fraction), words=words),
            self._onWritten,
            self._onEnd,
            self._onEnd,  # of differing patient IDs, somebody was asked when the study was opened
        )
        context.state.course = dict(NOTHING)

    def press(self, toPacs: bool = False) -> None:
        """Begin to write, or stop.

        Args:
            toPacs: whether it is sent to the PACS; else it is offered as an archive.

        Raises:
            MasamError: a study did not come from DICOM, or has no mask.
        """
        if self._writing.running:
            self._writing.cancel()
            self._tell(words="Stopping ...")
            return
        pair, context = self._pair(), self.context
        if pair is None:
            raise ConfigError("Open the next study first.")
        if self._ending is not None and not self._ending.done():
            raise ConfigError("Wait until the follow-up has gone where it was to go.")
        studies = [self._study(pair.earlier), self._study(pair.later)]
        lesions = [each for each in context.lesions() if each.segment is not None]
        nodes = {each.segmentation.GetID(): each.segmentation for each in lesions}
        place = context.folder / f"course-{secrets.token_hex(8)}"
        try:
            place.mkdir()
            # A study of another patient ID is beside this one only where somebody was sure.
            self._writing.start(studies, place, context.state.diameterPlane, samePatient=True)
        except OSError as error:
            shutil.rmtree(place, ignore_errors=True)
            raise SegmentationError(f"The follow-up can't be written: {error.strerror}.") from error
        except MasamError:
            shutil.rmtree(place, ignore_errors=True)
            raise
        self._place, self._toPacs = place, bool(toPacs)
        self._saved = [self._noting(node) for node in nodes.values()]
        context.refreshSoon()

    def refresh(self) -> None:
        """Tell the page what can be done."""
        pair = self._pair()
        nodes = () if pair is None else (pair.earlier, pair.later)
        there = bool(nodes) and all(self._images.sourcesOf(node) for node in nodes)
        self._tell(there=there)

    def forget(self) -> None:
        """Another image is about to take the place of both."""
        self._writing.stop()
        self._clear()
        self.context.state.course = dict(NOTHING)

    def close(self) -> None:
        """The tab is gone."""
        self._writing.stop()
        self._clear()

    def _study(self, node: Any) -> DicomStudy:
        try:
            images = self._images.dicomImages(node)
        except SegmentationError as error:
            raise SegmentationError(f"'{node.GetName()}': {error}") from error
        return DicomStudy(node, images=images, date=dateOf(node))

    def _onWritten(self, written: Written) -> None:
        self._ending = asyncio.get_running_loop().create_task(self._deliver(written))
        self._tell(words="")

    async def _deliver(self, written: Written) -> None:
        context, place, saved = self.context, self._place, self._saved
        self._place, self._saved = None, []
        try:
            if self._toPacs:
                words = "The PACS has the masks and reports of the follow-up."
                there = await self._archive.give(
                    written.files, written.folder, words, written.notes
                )
            else:
                await asyncio.to_thread(_pack, self._saving.folder / ARCHIVE, written)
                there = True
                self._saving.offer(ARCHIVE)
                kind = WARNING if written.notes else PLAIN
                context.say("\n".join([f"Saved {ARCHIVE}.", *written.notes]), kind)
        except Exception as error:  # nobody waits for this task: what is not said here is lost
            context.sayError(error)
            return
        finally:
            if place is not None:
                shutil.rmtree(place, ignore_errors=True)
        for done in saved if there else ():
            done()
        context.refreshSoon()

    def _onEnd(self, problem: str) -> None:
        self._clear()
        self._tell(words="")
        words = problem.replace(f"{self.context.folder}/", "")
        self.context.say(words or "Stopped; nothing was written.", ERROR if problem else PLAIN)

    def _clear(self) -> None:
        place, self._place, self._saved = self._place, None, []
        if place is not None:
            shutil.rmtree(place, ignore_errors=True)

    def _tell(self, **changes: Any) -> None:
        now = {**self.context.state.course, **changes}
        self.context.state.course = {**now, "writing": self._writing.running}


def _pack(path: Path, written: Written) -> None:
    with (
        atomic_path(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for file in written.files:
            archive.write(file, file.name)
