"""A tab as its user sees and handles it: with a real mouse and real keys in a real browser."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import SimpleITK as sitk

SIZE = {"width": 1280, "height": 720}
SECONDS = 120_000  # ms; a busy machine, a first run that loads PyTorch and the model
POLL_MS = 50  # asked with each frame, the page would draw frames for as long as it waits
VIEWS = ("axial", "coronal", "sagittal")
LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])

Place = tuple[float, float]


class Case:
    """An image with its expert's mask, and where that lies.

    Args:
        image: file of the image.
        label: file of the mask.
    """

    def __init__(self, image: Path, label: Path) -> None:
        self.path = image
        self.label = sitk.ReadImage(str(label))
        self.expert = sitk.GetArrayFromImage(self.label) > 0
        inside = np.argwhere(self.expert)
        self.low, self.high = inside.min(axis=0), inside.max(axis=0)  # KJI, both ends included

    def ras(self, kji: Any) -> np.ndarray:
        """Position of a voxel, RAS, mm."""
        ijk = [float(each) for each in kji][::-1]
        return np.array(self.label.TransformContinuousIndexToPhysicalPoint(ijk)) * LPS_TO_RAS

    @property
    def middle(self) -> np.ndarray:
        """Of the expert's box, RAS, mm."""
        return self.ras((self.low + self.high) / 2)


class Bench:
    """One tab in a browser context of its own.

    Args:
        browser: Playwright's.
        address: to open.
        size: of the page.
        scale: how much the page is magnified.
    """

    def __init__(
        self, browser: Any, address: str, size: dict[str, int] = SIZE, scale: float = 1.0
    ) -> None:
        self.context = browser.new_context(
            viewport={key: round(value / scale) for key, value in size.items()},
            device_scale_factor=scale,
            accept_downloads=True,
        )
        self.context.set_default_timeout(SECONDS)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._hear)
        self.page.goto(address)
        self.get("start").wait_for()

    def _hear(self, message: Any) -> None:
        if message.type == "error" and "WebSocket" not in message.text:
            self.errors.append(message.text)

    def __enter__(self) -> Bench:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: object, __: TracebackType | None
    ) -> None:
        self.context.close()
        if kind is None:
            assert self.errors == [], self.errors

    def get(self, name: str) -> Any:
        """What has a test's name in the page."""
        return self.page.locator(f"[data-test={name}]")

    def text(self, name: str) -> str:
        """Its words."""
        return str(self.get(name).first.inner_text())

    def click(self, name: str) -> None:
        """With the mouse."""
        self.get(name).first.click()

    def press(self, *keys: str) -> None:
        """Keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def until(self, expression: str, argument: Any = None) -> None:
        """Wait for something to be so in the page."""
        self.page.wait_for_function(expression, arg=argument, polling=POLL_MS)

    def untilText(self, name: str, part: str) -> None:
        """Wait for words to be there."""
        self.until(
            "([n, p]) => document.querySelector(`[data-test=${n}]`)?.textContent.includes(p)",
            [name, part],
        )

    def untilIdle(self, state: str = "done") -> None:
        """Wait until nothing is computed and the selected lesion is in a state."""
        self.until(
            "s => document.querySelector('.workbench').dataset.busy === 'no' && document"
            ".querySelector('.lesion.selected [data-test=state]')?.textContent.startsWith(s)",
            state,
        )

    def untilLesions(self, count: int) -> None:
        """Wait for so many rows."""
        self.until("n => document.querySelectorAll('[data-test=lesion]').length === n", count)

    def untilDrawn(self) -> None:
        """Wait for two frames: what was changed before is on the screen."""
        self.page.evaluate(
            "() => new Promise(d => requestAnimationFrame(() => requestAnimationFrame(d)))"
        )

    def untilImage(self, before: str = "") -> None:
        """Wait for a picture; another one than before, where there was one."""
        self.until("b => document.body.dataset.image && document.body.dataset.image !== b", before)
        self.untilDrawn()

    def open(self, sample: str) -> None:
        """Take a bundled sample on the start screen."""
        self.click(f"start-{sample}")
        self.get("start").wait_for(state="hidden")
        self.untilImage()

    def again(self, sample: str) -> None:
        """Take a bundled sample in place of the image that is there, and begin anew."""
        self.press("Escape", "Escape")
        before = str(self.page.evaluate("() => document.body.dataset.image ?? ''"))
        if self.get("start").is_visible():
            self.click(f"start-{sample}")
        else:
            self.click("open-menu")
            self.click(f"sample-{sample}")
            self.untilDrawn()
            if self.get("question").count():
                self.click("question-yes")
        self.untilImage(before)
        self.untilLesions(0)
        self.click("layout-four")
        self.untilDrawn()

    def slice(self, view: str) -> tuple[int, int]:
        """Number of the slice that a view shows, and of how many."""
        self.untilDrawn()
        words = str(self.get(f"place-{view}").text_content())
        number, count = words.split("/")
        return int(number), int(count)

    def area(self, view: str) -> dict[str, float]:
        """Where a view lies on the page, once it is shown."""
        shown = self.get(f"view-{view}")
        shown.wait_for()
        return dict(shown.bounding_box())

    def middle(self, view: str) -> Place:
        """Page position of a view's centre."""
        found = self.area(view)
        return found["x"] + found["width"] / 2, found["y"] + found["height"] / 2

    def drag(self, start: Place, *ends: Place, button: str = "left") -> None:
        """Press, move through places, release."""
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down(button=button)
        for end in ends:
            mouse.move(*end, steps=6)
        mouse.up(button=button)

    def wheel(self, view: str, notches: int) -> None:
        """Turn the wheel over a view; up is positive."""
        self.page.mouse.move(*self.middle(view))
        for _ in range(abs(notches)):
            self.page.mouse.wheel(0, -100 if notches > 0 else 100)
        self.untilDrawn()

    def scrollTo(self, view: str, number: int) -> None:
        """Turn a view to a slice with the wheel."""
        now, _ = self.slice(view)
        self.wheel(view, number - now)
        self.until(
            "([v, n]) => document.querySelector(`[data-test=place-${v}]`).textContent"
            ".startsWith(`${n} /`)",
            [view, number],
        )

    def download(self, name: str, folder: Path, menu: str = "save-menu") -> Path:
        """Choose a line of the save menu, and take the file."""
        with self.page.expect_download() as waiting:
            self.click(menu)
            self.click(name)
        path = folder / waiting.value.suggested_filename
        waiting.value.save_as(path)
        return path

    def upload(self, path: Path, name: str = "open") -> None:
        """Choose a file in the browser's own window."""
        with self.page.expect_file_chooser() as waiting:
            if self.get("start").is_visible():
                self.click("start-folder" if name == "open-folder" else "start-open")
            else:
                self.click("open-menu")
                self.click(name)
                self.untilDrawn()
                if self.get("question").count():  # work that is not saved
                    self.click("question-yes")
        waiting.value.set_files(path)
