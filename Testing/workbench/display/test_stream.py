"""Pictures on their way to the page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import numpy as np
import pytest

from Testing.workbench.conftest import requireWorkbench


@pytest.fixture(autouse=True)
def _needed(harness: Any) -> None:
    requireWorkbench()


class Picture:
    """Stands for an area: each picture is brighter than the one before."""

    def __init__(self) -> None:
        self.view = self
        self.onChange: Callable[[], None] = lambda: None
        self.drawn = 0
        self.failures: Iterator[Exception | None] = iter(())

    @property
    def img_cols_rows(self) -> tuple[np.ndarray, int, int]:
        """The picture, its width and its height."""
        failure = next(self.failures, None)
        if failure is not None:
            raise failure
        self.drawn += 1
        return np.full((8, 8, 3), self.drawn, np.uint8), 8, 8


def run(work: Callable[[Any, Picture, list[int]], Awaitable[None]]) -> None:
    """With frames that nobody confirms but the test."""
    from masam_workbench.display.stream import Frames

    async def all() -> None:
        picture, sent = Picture(), list[int]()
        frames = Frames(picture)  # type: ignore[arg-type]
        frames.set_push_callback(lambda _, meta: sent.append(meta["number"]))
        try:
            await asyncio.wait_for(work(frames, picture, sent), 20)
        finally:
            await frames.close()

    asyncio.run(all())


async def change(picture: Picture, times: int) -> None:
    """The view moves."""
    for _ in range(times):
        picture.onChange()
        await asyncio.sleep(0.02)


def test_no_more_pictures_are_sent_than_the_page_takes() -> None:
    async def work(frames: Any, picture: Picture, sent: list[int]) -> None:
        await change(picture, 40)
        assert sent == [1, 2]
        assert picture.drawn == 2  # what would pile up is not even drawn
        frames.confirm(2)
        await asyncio.sleep(0.15)
        assert sent == [1, 2, 3]  # the newest, once

    run(work)


def test_a_page_that_confirms_gets_every_change_and_a_picture_without_loss() -> None:
    async def work(frames: Any, picture: Picture, sent: list[int]) -> None:
        for _ in range(6):
            await change(picture, 4)
            frames.confirm(sent[-1])
        assert len(sent) >= 6
        await asyncio.sleep(0.5)
        last = len(sent)
        await asyncio.sleep(0.5)
        assert len(sent) == last

    run(work)


def test_a_page_that_went_without_confirming_does_not_stop_the_view(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from masam_workbench.display import stream

    monkeypatch.setattr(stream, "LOST_SECONDS", 0.3)

    async def work(frames: Any, picture: Picture, sent: list[int]) -> None:
        await change(picture, 10)
        assert sent == [1, 2]
        await change(picture, 30)
        assert len(sent) > 2

    run(work)


def test_a_picture_that_fails_is_logged_and_the_next_one_is_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work(frames: Any, picture: Picture, sent: list[int]) -> None:
        picture.failures = iter([RuntimeError("no context")])
        picture.onChange()
        await asyncio.sleep(0.1)
        assert sent == []
        assert "no context" in caplog.text
        picture.onChange()
        await asyncio.sleep(0.1)
        assert sent == [1]

    run(work)
