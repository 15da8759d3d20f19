"""The panel, as Slicer makes it, and a person to use it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from Testing.slicer.conftest import MODULE
from Testing.slicer.panel.keptworker import KeptWorkers

SOON_MS = 150
LEAST = 3  # rounds of Qt's events
LONGEST = 2.0  # seconds: a busy machine may be late, and a run refreshes again and again


class Person:
    """Does what a person does with the panel, and waits as one waits."""

    def __init__(self, harness: Any, widget: Any) -> None:
        self.harness, self.widget, self.ui = harness, widget, widget.ui

    @property
    def panel(self) -> Any:
        return self.widget.panel

    @property
    def session(self) -> Any:
        return self.panel.context.session

    @property
    def status(self) -> str:
        """The status line as it is read: where a line may end is not seen."""
        return str(self.ui.statusLabel.text).replace("\u200b", "")

    def wait(self, until: Any = None, seconds: float = 120.0) -> None:
        """Wait until something is so, for some seconds, or until the panel has settled."""
        self.harness.process(self._settled() if until is None else until, seconds)

    def _settled(self) -> Callable[[], bool]:
        """Whether Qt has worked, and nothing of the panel's is due soon; so after a while anyway.

        What it would do later than that, a test waits for by name.
        """
        end, rounds = time.monotonic() + LONGEST, itertools.count()

        def settled() -> bool:
            panel = self.panel
            timers = () if panel is None else panel.context._timers._timers
            due = any(t.action is not None and t._timer.interval <= SOON_MS for t in timers)
            return next(rounds) > LEAST and (not due or time.monotonic() > end)

        return settled

    def choose(self, volume: Any) -> None:
        self.ui.volumeSelector.setCurrentNode(volume)
        self.wait()

    def take(self, roi: Any) -> Any:
        """Put a ROI of the scene into the list."""
        self.ui.roiSelector.setCurrentNode(roi)
        self.wait()
        self.ui.addRoiButton.click()
        self.wait()
        return self.lesions()[-1]

    def place(self, roi: Any) -> Any:
        """Place a box by hand, where another ROI lies."""
        import slicer

        self.ui.placeButton.click()
        self.wait()
        lesion = self.lesions()[-1]
        lesion.roi.SetAndObserveObjectToNodeMatrix(roi.GetObjectToNodeMatrix())
        lesion.roi.SetSize(*roi.GetSize())
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        interaction.SetCurrentInteractionMode(interaction.ViewTransform)
        self.wait()
        return self.lesions()[-1]

    def segment(self) -> None:
        """Press the large button and wait for the end."""
        assert self.ui.segmentButton.enabled, self.ui.segmentButton.toolTip
        self.ui.segmentButton.click()
        self.wait(lambda: not self.session.busy)
        self.wait()

    def press(self, key: str, widget: Any = None) -> None:
        """Press a key, such as ``B`` or ``Ctrl+Return``, where the keyboard is."""
        from PySide6 import QtCore, QtGui, QtTest, QtWidgets

        combination = QtGui.QKeySequence(key)[0]
        where = widget or QtWidgets.QApplication.focusWidget()
        QtTest.QTest.keyClick(where, combination.key(), combination.keyboardModifiers())
        # Else Ctrl stays down for Qt, and the next row that is selected is added to the others.
        QtTest.QTest.keyRelease(where, QtCore.Qt.Key.Key_Control)
        assert not QtGui.QGuiApplication.keyboardModifiers()
        self.wait()

    def clickView(self) -> None:
        """Click into a slice view, which has the keyboard then."""
        from PySide6 import QtCore, QtTest

        from Testing.slicer_harness.main_window import mainWindow

        window = mainWindow()
        window.focus()
        QtTest.QTest.mouseClick(window.sliceView, QtCore.Qt.MouseButton.LeftButton)
        self.wait(lambda: window.sliceView.focus)

    def lesions(self) -> list[Any]:
        return list(self.session.lesions.lesions())

    def cell(self, row: int, column: int) -> str:
        return str(self.ui.lesionTable.item(row, column).text())


@pytest.fixture
def person(module: Any, harness: Any) -> Iterator[Person]:
    from Testing.slicer_harness import module_life

    widget = module_life.makeModule(module.MASAMSlicerWidget)
    module_life.openModule(widget)
    person = Person(harness, widget)
    yield person
    module_life.endModule(person.widget)


@pytest.fixture
def module(harness: Any, scene: Any, request: pytest.FixtureRequest) -> Any:
    """The module's Python module, with settings of no earlier run."""
    for name in (__name__, "Testing.slicer.panel.steps", request.module.__name__):
        harness.dress(name)
    Path(__import__("qt").QSettings.path).unlink(missing_ok=True)
    return harness.loadModule(MODULE / "MASAMSlicer.py", ("MASAMSlicerLib",))


@pytest.fixture(scope="session")
def workers() -> Iterator[KeptWorkers]:
    """Workers that one panel leaves to the next."""
    kept = KeptWorkers()
    yield kept
    kept.close()


@pytest.fixture
def kept_worker(module: Any, workers: KeptWorkers, monkeypatch: pytest.MonkeyPatch) -> None:
    """The panel's worker is real, and may have served another panel before."""
    from MASAMSlicerLib.panel import panel, settings

    make = panel.makeTransport

    def borrow() -> Any:
        return make() if settings.read("workerCommand") else workers.borrow(make)

    monkeypatch.setattr(panel, "makeTransport", borrow)


def mask_of(lesion: Any) -> np.ndarray:
    """A lesion's segment, bool KJI of its volume, by Slicer's own function."""
    import slicer

    array = slicer.util.arrayFromSegmentBinaryLabelmap(
        lesion.segmentation, lesion.segmentId, lesion.volume
    )
    return np.asarray(array > 0)


def dice(first: np.ndarray, second: np.ndarray) -> float:
    return float(2 * (first & second).sum() / (first.sum() + second.sum()))


def pick(box: Any, value: str) -> None:
    """Choose an entry as a click does."""
    choose: Callable[[int], None] = box.activated.emit
    box.currentIndex = box.findData(value)
    choose(box.currentIndex)
