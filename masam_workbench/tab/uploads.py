"""Files from the browser: streamed to the tab's folder, with a limit."""

from __future__ import annotations

import errno
import re
import secrets
import shutil
from pathlib import Path
from typing import Any

from aiohttp import web
from MASAMSlicerLib.control.front import ERROR

from masam_workbench.tab.context import TabContext
from masam_workbench.tab.images import MASKS, Beside, Images
from masam_workbench.tab.saving import Saving

MOST_FILES = 20_000  # of a DICOM folder
_ENDING = re.compile(r"(\.nii\.gz|\.seg\.nrrd|\.[A-Za-z0-9]{1,8})$")


class Uploads:
    """Takes files in. A name from the browser gives a file its ending, and nothing else.

    Args:
        context: of the tab whose folder they go to.
        images: reads what was sent.
        limit: bytes of all the files of one upload.
    """

    def __init__(self, context: TabContext, images: Images, limit: int) -> None:
        self.context, self.limit = context, limit
        self._images = images
        self._batches: dict[str, list[int]] = {}  # files and bytes so far

    async def take(self, request: web.Request) -> web.Response:
        """POST: the body is a file. The answer is the batch that further files may join."""
        batch = request.query.get("batch", "")
        if request.headers.get("X-Masam") != "1":
            return web.Response(status=403, text="Not from the page.")
        if self._images.reading:  # its files must stay
            return web.Response(status=409, text="An image is being read. Cancel that first.")
        if not batch:
            self._forgetAll()
            batch = secrets.token_hex(8)
            self._batches[batch] = [0, 0]
        elif batch not in self._batches:
            return web.Response(status=404, text="This upload has ended.")
        count = self._batches[batch]
        if count[0] >= MOST_FILES:
            return self._refuse(batch, f"There are more than {MOST_FILES} files.")
        if (request.content_length or 0) > self.limit - count[1]:
            return self._refuse(batch, self._tooLarge())
        found = _ENDING.search(request.query.get("name", ""))
        path = self._folder(batch) / f"{count[0]}{found[0].lower() if found else ''}"
        count[0] += 1
        try:
            whole = await self._write(request, path, count)
        except OSError as error:
            if isinstance(error, ConnectionError):  # the browser has gone
                self._forget(batch)
                raise
            return self._refuse(batch, _notKept(error), 507)
        except BaseException:  # half a file is none: with the page, or the time, ended
            self._forget(batch)
            raise
        return web.Response(text=batch) if whole else self._refuse(batch, self._tooLarge())

    async def _write(self, request: web.Request, path: Path, count: list[int]) -> bool:
        """Write a body to a new file; False where it is more than the limit."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as out:
            async for data in request.content.iter_chunked(1 << 18):
                count[1] += len(data)
                if count[1] > self.limit:
                    return False
                out.write(data)
        return True

    async def opened(self, batch: str, name: str, beside: Beside | None = None) -> None:
        """The browser has sent all files of a batch: read them.

        Args:
            batch: which.
            name: for people.
            beside: see ``Images.open``.
        """
        if batch not in self._batches:
            return
        folder = self._folder(batch)
        try:
            files = sorted(folder.iterdir())
        except OSError:  # nothing was sent
            return
        masks = [path for path in files if path.name.endswith(MASKS)]
        others = [path for path in files if path not in masks]
        together = len(others) == 1 and bool(masks)  # an image and what was drawn on it
        source = files[0] if len(files) == 1 else others[0] if together else folder
        title = str(name)[:120] or "image"
        more: dict[str, Any] = {} if beside is None else {"beside": beside}
        if together:
            await self._images.open(source, title, masks=masks, **more)
        else:
            await self._images.open(source, title, **more)
        if not self.context.state.series:  # else it is read again when one is chosen
            self._forget(batch)

    def forget(self, batch: str) -> None:
        """Delete what was sent, which nobody is going to open."""
        if batch in self._batches:
            self._forget(batch)

    def failed(self, words: str) -> None:
        """The browser could not send a file."""
        self.context.say(str(words)[:300], ERROR)

    def _tooLarge(self) -> str:
        return f"This is more than {self.limit / 1e9:.3g} GB, the limit of this server."

    def _refuse(self, batch: str, words: str, status: int = 413) -> web.Response:
        self._forget(batch)
        return web.Response(status=status, text=words)

    def _folder(self, batch: str) -> Path:
        return self.context.folder / "uploads" / batch

    def _forget(self, batch: str) -> None:
        self._batches.pop(batch, None)
        shutil.rmtree(self._folder(batch), ignore_errors=True)

    def _forgetAll(self) -> None:
        for batch in list(self._batches):
            self._forget(batch)


def _notKept(error: OSError) -> str:
    """Why the server could not keep a file, for the page; without its paths."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            "The server's disk for temporary files is full, so nothing was opened. Make room there "
            "and try again."
        )
    return f"The server could not keep the file, so nothing was opened: {error.strerror}."


async def result(saving: Saving, request: web.Request) -> web.StreamResponse:
    """GET: a file that was saved. Only a name that is in the folder of results is ever opened."""
    name = request.match_info["name"]
    known = {path.name: path for path in saving.folder.iterdir() if path.is_file()}
    if name not in known:
        return web.Response(status=404, text="There is no such file.")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.FileResponse(known[name], headers=headers)
