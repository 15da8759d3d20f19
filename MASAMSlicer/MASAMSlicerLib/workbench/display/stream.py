"""A view in the browser: pictures out, mouse and keys in."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image
from vtkmodules.vtkWebCore import vtkRemoteInteractionAdapter

from .view import View

FRAME_SECONDS = 1 / 25
STILL_SECONDS = 0.2  # without a change, after which the picture is sent again without loss
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
        """Mouse or key, as VTK's interactor in the page describes it."""
        if event["type"] not in ("StartInteractionEvent", "EndInteractionEvent"):
            vtkRemoteInteractionAdapter.ProcessEvent(self.view.interactor, json.dumps(event))


class Frames:
    """Draws a view when it asks for it: at once a quick picture, at rest one without loss.

    What a reader looks at while nothing moves has no compression in it.
    """

    def __init__(self, area: Area) -> None:
        self.rca = area
        self._push: Callable[[bytes, dict[str, Any]], None] = lambda *_: None
        self._wanted = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run())
        area.view.onChange = self.schedule_render

    def set_push_callback(self, callback: Callable[[bytes, dict[str, Any]], None]) -> None:
        """Where pictures go."""
        self._push = callback

    def schedule_render(self) -> None:
        """Draw soon; many asks are one picture."""
        self._wanted.set()

    def reset(self) -> None:
        """Nothing is kept between pictures."""

    async def close(self) -> None:
        """Draw no more."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            began = time.monotonic()
            self._wanted.clear()
            await self._send(still=False)
            await asyncio.sleep(max(0.0, FRAME_SECONDS - (time.monotonic() - began)))
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), STILL_SECONDS)
                continue
            await self._send(still=True)

    async def _send(self, still: bool) -> None:
        picture, width, height = self.rca.img_cols_rows
        taken = int(time.time() * 1000)
        loop = asyncio.get_running_loop()
        data = await loop.run_in_executor(None, _encode, picture, still)
        kind = "image/png" if still else "image/jpeg"
        meta = {"type": kind, "codec": "", "w": width, "h": height, "st": taken, "key": "key"}
        self._push(data, {**meta, "quality": 100 if still else QUALITY})


def _encode(picture: np.ndarray, still: bool) -> bytes:
    out = io.BytesIO()
    image = Image.fromarray(picture)
    if still:
        image.save(out, "PNG", compress_level=1)
    else:
        image.save(out, "JPEG", quality=QUALITY, subsampling=0)
    return out.getvalue()
