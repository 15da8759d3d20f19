"""A view in the browser: pictures out, mouse and keys in."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image
from vtkmodules.vtkWebCore import vtkRemoteInteractionAdapter

from masam_workbench.display.view import View

FRAME_SECONDS = 1 / 25
STILL_SECONDS = 0.2  # without a change, after which the picture is sent again without loss
MOST_AHEAD = 2  # pictures of a view on their way to the page at once
LOST_SECONDS = 2.0  # after which a picture that the page never confirmed is not waited for
KEYS = ("key", "char")  # how the types of key events begin
QUALITY = 85  # of pictures during movement


class Area:
    """A view as trame's remote controlled area wants it."""

    def __init__(self, view: View) -> None:
        self.view = view

    @property
    def img_cols_rows(self) -> tuple[np.ndarray, int, int]:
        """The picture, its width and its height."""
        picture = self.view.toArray()
        return picture, picture.shape[1], picture.shape[0]

    def process_resize_event(self, width: int, height: int) -> None:
        """The area in the page has another size."""
        self.view.resize(width, height)

    def process_interaction_event(self, event: dict[str, Any]) -> None:
        """Mouse or key, as VTK's interactor in the page describes it.

        Of a key, only what it modifies is kept: VTK has shortcuts of its own, as "3" for stereo.
        """
        kind = event["type"]
        if kind in ("StartInteractionEvent", "EndInteractionEvent"):
            return
        if kind.lower().startswith(KEYS):
            self._modify(event)
            return
        vtkRemoteInteractionAdapter.ProcessEvent(self.view.interactor, json.dumps(event))

    def _modify(self, event: dict[str, Any]) -> None:
        interactor = self.view.interactor
        interactor.SetControlKey(int(bool(event.get("controlKey") or event.get("ctrlKey"))))
        interactor.SetShiftKey(int(bool(event.get("shiftKey"))))
        interactor.SetAltKey(int(bool(event.get("altKey"))))


class Frames:
    """Draws a view when it asks for it: at once a quick picture, at rest one without loss.

    What a reader looks at while nothing moves has no compression in it. The page confirms each
    picture; where it falls behind, the ones that would pile up are never drawn.
    """

    def __init__(self, area: Area) -> None:
        self.rca = area
        self._push: Callable[[bytes, dict[str, Any]], None] = lambda *_: None
        self._wanted = asyncio.Event()
        self._number = 0
        self._ahead: list[int] = []  # numbers of pictures that the page has not confirmed
        self._confirmed = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run())
        area.view.onChange = self.schedule_render

    def set_push_callback(self, callback: Callable[[bytes, dict[str, Any]], None]) -> None:
        """Receiver of pictures."""
        self._push = callback

    def schedule_render(self) -> None:
        """Draw soon; many asks are one picture."""
        self._wanted.set()

    def confirm(self, number: int) -> None:
        """The page has a picture, and with it all that were sent before."""
        self._ahead = [each for each in self._ahead if each > number]
        self._confirmed.set()

    def reset(self) -> None:
        """Whoever confirmed the pictures is gone."""
        self.confirm(self._number)

    async def close(self) -> None:
        """Draw no more."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            await self._untilTaken()
            began = time.monotonic()
            self._wanted.clear()
            await self._try(still=False)
            await asyncio.sleep(max(0.0, FRAME_SECONDS - (time.monotonic() - began)))
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), STILL_SECONDS)
                continue
            await self._untilTaken()
            if not self._wanted.is_set():
                await self._try(still=True)

    async def _untilTaken(self) -> None:
        """Until the page has taken enough of what was sent."""
        while len(self._ahead) >= MOST_AHEAD:
            self._confirmed.clear()
            try:
                await asyncio.wait_for(self._confirmed.wait(), LOST_SECONDS)
            except asyncio.TimeoutError:
                self._ahead.clear()

    async def _try(self, still: bool) -> None:
        """One picture that fails is not the end of the view."""
        try:
            await self._send(still)
        except Exception:
            logging.getLogger(__name__).exception("A view could not be drawn")

    async def _send(self, still: bool) -> None:
        picture, width, height = self.rca.img_cols_rows
        taken = int(time.time() * 1000)
        loop = asyncio.get_running_loop()
        data = await loop.run_in_executor(None, _encode, picture, still)
        kind = "image/png" if still else "image/jpeg"
        meta = {"type": kind, "codec": "", "w": width, "h": height, "st": taken, "key": "key"}
        self._number += 1
        self._ahead.append(self._number)
        self._push(data, {**meta, "quality": 100 if still else QUALITY, "number": self._number})


def _encode(picture: np.ndarray, still: bool) -> bytes:
    out = io.BytesIO()
    image = Image.fromarray(picture)
    if still:
        image.save(out, "PNG", compress_level=1)
    else:
        image.save(out, "JPEG", quality=QUALITY, subsampling=0)
    return out.getvalue()
