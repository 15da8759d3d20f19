"""A tab as its user sees and handles it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pytest

SIZE = {"width": 1280, "height": 720}
SECONDS = 180_000  # ms; a first run loads PyTorch and the model

Box = tuple[np.ndarray, np.ndarray]


class Bench:
    """One tab in a browser context of its own.

    Args:
        browser: Playwright's.
        address: to open.
        size: of the page.
    """

    def __init__(self, browser: Any, address: str, size: dict[str, int] = SIZE) -> None:
        self.context = browser.new_context(viewport=size, accept_downloads=True)
        self.context.set_default_timeout(SECONDS)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", lambda dialog: dialog.accept())
        self.page.goto(address)
        self.get("start").wait_for()

    def __enter__(self) -> Bench:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: object, __: TracebackType | None
    ) -> None:
        self.context.close()
        if kind is None:
            assert self.errors == []

    def get(self, name: str) -> Any:
        """What has a test's name in the page."""
        return self.page.locator(f"[data-test={name}]")

    def text(self, name: str) -> str:
        """Its words."""
        return str(self.get(name).first.inner_text())

    def click(self, name: str) -> None:
        """With the mouse."""
        self.get(name).first.click()

    def until(self, expression: str, argument: Any = None) -> None:
        """Wait for something to be so in the page."""
        self.page.wait_for_function(expression, arg=argument)

    def untilText(self, name: str, part: str) -> None:
        """Wait for words to be there."""
        self.until(
            "([n, p]) => document.querySelector(`[data-test=${n}]`)?.innerText.includes(p)",
            [name, part],
        )

    def untilIdle(self, state: str = "done") -> None:
        """Wait until nothing is computed and the first lesion is in a state."""
        self.until(
            "s => document.querySelector('.workbench').dataset.busy === 'no' &&"
            " document.querySelector('[data-test=state]')?.innerText.startsWith(s)",
            state,
        )

    def open(self, sample: str) -> None:
        """Take a bundled sample."""
        self.click(f"start-{sample}")
        self.get("start").wait_for(state="detached")
        self.until("() => Object.keys(window.trame.state.get('places')).length === 3")
        self.untilDrawn()

    def untilDrawn(self, view: str = "view-Red") -> None:
        """Wait until a view shows a picture of its own size."""
        self.until(
            "n => { const v = document.querySelector(`[data-test=${n}]`), i = "
            "v?.querySelector('img'); return i && i.naturalWidth === v.clientWidth; }",
            view,
        )

    def places(self) -> dict[str, Any]:
        """Of the slice views: which slice, of how many, and mm of a pixel."""
        return dict(self.page.evaluate("() => window.trame.state.get('places')"))

    def middle(self, view: str) -> tuple[float, float]:
        """Page position of a view's centre."""
        found = self.get(f"view-{view}").bounding_box()
        return found["x"] + found["width"] / 2, found["y"] + found["height"] / 2

    def drag(self, start: tuple[float, float], *ends: tuple[float, float]) -> None:
        """Press, move through points, release."""
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down()
        for end in ends:
            mouse.move(*end, steps=6)
        mouse.up()

    def scrollTo(self, view: str, number: int) -> None:
        """Turn a slice view to a slice with the mouse wheel."""
        self.page.mouse.move(*self.middle(view))
        while (now := self.places()[view]["number"]) != number:
            self.page.mouse.wheel(0, -100 if number > now else 100)
            self.until("([v, n]) => window.trame.state.get('places')[v].number !== n", [view, now])

    def download(self, name: str, folder: Path) -> Path:
        """Press a button that saves, and take the file."""
        with self.page.expect_download() as waiting:
            self.click(name)
        path = folder / waiting.value.suggested_filename
        waiting.value.save_as(path)
        return path

    def upload(self, path: Path, name: str = "open") -> None:
        """Choose a file in the browser's own window."""
        with self.page.expect_file_chooser() as waiting:
            self.click(name)
        waiting.value.set_files(path)

    def screen(self, view: str, to: Callable[[dict[str, Any]], np.ndarray]) -> tuple[float, float]:
        """Page position of a place that is given in mm right of and below a view's centre."""
        right, down = to(self.places()[view])
        x, y = self.middle(view)
        return x + right, y + down


def processesBelow(pid: int) -> dict[int, str]:
    """Processes below one, with their command lines."""
    found = childrenOf(pid)
    for child in list(found):
        found |= processesBelow(child)
    return found


def childrenOf(pid: int) -> dict[int, str]:
    """Processes that one has started itself, with their command lines."""
    if not Path("/proc").is_dir():
        pytest.skip("Processes can be looked at on Linux alone")
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        try:
            if not entry.name.isdigit():
                continue
            parent = int((entry / "stat").read_text().rsplit(") ", 1)[1].split()[1])
            if parent == pid:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                found[int(entry.name)] = b" ".join(words).decode()
        except OSError:  # it has ended meanwhile
            continue
    return found
