"""The hospital's archive (PACS) in a tab: search, pictures, fetch, send back."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from MASAMSlicerLib.control.front import ERROR, PLAIN, WARNING
from MASAMSlicerLib.scene.dicomfiles import saveDicom

from masam_core.errors import Cancelled, MasamError, PacsError
from masam_core.image.geometry import Geometry
from masam_core.pacs.fetching import fetch_series
from masam_core.pacs.files import digest
from masam_core.pacs.opening import open_pacs
from masam_core.pacs.pacs import Pacs
from masam_core.pacs.records import Query, Series
from masam_core.pacs.sending import send_files
from masam_core.pacs.settings import read_settings, settings_path
from masam_core.pacs.thumbnail import thumbnail
from masam_workbench.tab.context import TabContext
from masam_workbench.tab.images import Beside, Images
from masam_workbench.tab.saving import leftOut

NOTHING: dict[str, Any] = {
    "there": False,
    "words": "",
    "doing": "",
    "had": 0,
    "total": 0,
    "rows": [],
    "more": False,
    "message": "",
    "kind": "",
}
_ASKED = ("patient", "name", "dates", "modality")
_PICTURES_AT_ONCE = 2
_NOT_IMAGES = ("SEG", "SR", "PR", "KO", "RTSTRUCT", "RTPLAN", "RTDOSE", "DOC")


class Archive:
    """What the page may do with the PACS of the settings file; one thing at a time.

    Args:
        context: of the tab; its state's ``pacs`` says all that the page shows.
        images: opens what was fetched.
        segmentation: gives the segmentation node that is sent; raises SegmentationError.
        sending: called with that node before it is sent; what it returns, when the PACS has it.
    """

    def __init__(
        self,
        context: TabContext,
        images: Images,
        segmentation: Callable[[], Any],
        sending: Callable[[Any], Callable[[], None]],
    ) -> None:
        self.context, self._images = context, images
        self._segmentation, self._sending = segmentation, sending
        self._found: dict[str, Series] = {}
        self._pictures: dict[str, bytes] = {}
        self._drawing = asyncio.Semaphore(_PICTURES_AT_ONCE)
        self._cancelled = threading.Event()
        self._tell(there=settings_path().is_file())

    async def find(self, asked: dict[str, Any]) -> None:
        """Look for series; what was found before goes."""
        if self._isBusy():
            return
        given = {key: str(asked.get(key) or "").strip()[:100] for key in _ASKED}
        self._found, self._pictures = {}, {}
        self._tell(rows=[], more=False)

        def search(pacs: Pacs) -> tuple[list[Series], bool]:
            return pacs.find(Query(**given))

        answer = await self._work("search", search)
        if answer is None:
            return
        series, more = answer
        self._found = {digest(each.series): each for each in series}
        words = "" if series else "Nothing was found."
        rows = [_row(key, each) for key, each in self._found.items()]
        self._tell(rows=rows, more=more, message=words, kind=PLAIN)

    async def picture(self, key: str) -> bytes | None:
        """PNG of a series that was found; None where there is none."""
        series = self._found.get(key)
        if series is None or series.modality in _NOT_IMAGES:
            return None
        if key not in self._pictures:
            async with self._drawing:
                try:
                    self._pictures[key] = await asyncio.to_thread(_pictureOf, series)
                except MasamError:  # a row without a picture is a row all the same
                    self._pictures[key] = b""
        return self._pictures.get(key) or None

    async def fetch(self, key: str, beside: Beside | None = None) -> None:
        """Fetch a series that was found, and open it.

        Args:
            key: of the series.
            beside: see ``Images.open``.
        """
        series = self._found.get(key)
        if series is None:
            return
        if self._isBusy():  # its folder may be the same
            return
        folder = self.context.folder / "pacs" / key
        loop = asyncio.get_running_loop()

        def show(had: int, total: int) -> None:
            loop.call_soon_threadsafe(lambda: self._tell(had=had, total=total))

        def bring(pacs: Pacs) -> Path:
            folder.parent.mkdir(exist_ok=True)
            return fetch_series(
                pacs, series.study, series.series, folder, show, self._cancelled.is_set
            ).folder

        if await self._work("fetch", bring) is None:
            return
        name = series.description or series.modality or "series"
        try:
            more: dict[str, Any] = {} if beside is None else {"beside": beside}
            await self._images.open(folder, name, series.series, **more)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    async def send(self) -> None:
        """Send the masks as DICOM SEG, and their measurements as a report (SR)."""
        if self._isBusy():
            return
        folder = self.context.folder / "pacs" / f"out-{secrets.token_hex(8)}"
        try:
            folder.mkdir(parents=True)
            grid, node = self._images.dicomGrid(), self._segmentation()
            notes = leftOut(self.context.lesions(), node)
            files, sent = self._write(folder, node, grid), self._sending(node)
        except (MasamError, OSError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            self._tell(message=str(error), kind=ERROR)
            self.context.sayError(error)
            return

        if await self.give(files, folder, "The PACS has the masks and the report.", notes):
            sent()

    async def give(
        self, files: Sequence[Path], folder: Path, words: str, notes: Sequence[str] = ()
    ) -> bool:
        """Send DICOM files; whether the PACS has them, which is told, as is what went wrong.

        Args:
            files: in the order in which they are sent.
            folder: of the files, which goes at the end.
            words: what to tell when the PACS has them.
            notes: to be told with it.
        """

        def send(pacs: Pacs) -> str:
            for each in send_files(pacs, files, cancelled=self._cancelled.is_set):
                if not each.stored.kept:
                    raise PacsError(f"{each.path.name}: {each.stored.words}")
            return pacs.words

        try:
            there = await self._work("send", send) is not None
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if there:
            kind = WARNING if notes else PLAIN
            self._tell(message="\n".join([words, *notes]), kind=kind)
        told = self.context.state.pacs  # whoever sends looks at the views, not at the dialog
        self.context.say(told["message"], told["kind"])
        return there

    def cancel(self) -> None:
        """End what is going on; what was fetched until then is kept for the next try."""
        self._cancelled.set()

    def _write(self, folder: Path, node: Any, grid: Geometry) -> list[Path]:
        volume = self.context.volume
        masks, report = folder / "lesions.seg.dcm", folder / "report.sr.dcm"
        saveDicom(node, volume, masks, grid)
        saveDicom(node, volume, report, grid, (masks,))
        return [masks, report]

    async def _work(self, doing: str, work: Callable[[Pacs], Any]) -> Any:
        """Do something with the PACS beside the tab's own work; None where it did not succeed."""
        if self._isBusy():
            return None
        self._cancelled.clear()
        self._tell(doing=doing, had=0, total=0, message="", kind=PLAIN)
        try:
            words, answer = await asyncio.to_thread(_with, work)
            self._tell(words=words)
            return answer
        except Cancelled:
            self._tell(message="Cancelled.", kind=PLAIN)
        except (MasamError, OSError) as error:
            reason = str(error) if isinstance(error, MasamError) else f"{error.strerror}."
            self._tell(message=reason.replace(f"{self.context.folder}/", ""), kind=ERROR)
        finally:
            self._tell(doing="")
        return None

    def _isBusy(self) -> bool:
        """Whether something is going on with the PACS, which is told and goes on."""
        if not self.context.state.pacs["doing"]:
            return False
        self._tell(message="Wait for what is going on, or cancel it.", kind=PLAIN)
        return True

    def _tell(self, **changes: Any) -> None:
        self.context.state.pacs = {**self.context.state.pacs, **changes}


def _with(work: Callable[[Pacs], Any]) -> tuple[str, Any]:
    pacs = open_pacs(read_settings())
    try:
        return pacs.words, work(pacs)
    finally:
        pacs.close()


def _pictureOf(series: Series) -> bytes:
    return bytes(_with(lambda pacs: thumbnail(pacs, series.study, series.series))[1])


def _row(key: str, series: Series) -> dict[str, Any]:
    return {
        "key": key,
        "patient": series.patient,
        "name": series.name,
        "date": series.date,
        "study": digest(series.study),
        "about": series.study_description,
        "modality": series.modality,
        "description": series.description,
        "images": series.images,
        "picture": "" if series.modality in _NOT_IMAGES else f"pacs/{key}.png",
    }
