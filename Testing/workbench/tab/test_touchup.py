"""Brush and eraser take from the page what its slider can be set to, and nothing else."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import Any

import pytest

from Testing.workbench.conftest import requireWorkbench


class Desk:
    """A selected lesion, a slice view, and a brush in hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, radius: object) -> None:
        from masam_workbench.tab import touchup

        self.radii: list[float] = []
        self.steps: list[str] = []
        self.errors: list[str] = []
        monkeypatch.setattr(touchup, "Stroke", self._stroke)
        lesion = SimpleNamespace(
            id="1", name="A", segment=object(), segmentation=None, segmentId="s"
        )
        self.context: Any = SimpleNamespace(
            views=SimpleNamespace(slices={}),
            state=SimpleNamespace(radius=radius),
            selected=lesion,
            session=SimpleNamespace(states={}, history=SimpleNamespace(step=self._step)),
            say=lambda *_: None,
            sayError=lambda error: self.errors.append(str(error)),
            refreshSoon=lambda: None,
        )
        self.touchUp = touchup.TouchUp(self.context, lambda: None, lambda: None)
        self.touchUp.toggle(touchup.BRUSH)

    def press(self) -> None:
        pressed = SimpleNamespace(
            GetShiftKey=lambda: 0, GetControlKey=lambda: 0, GetEventPosition=lambda: (3, 4)
        )
        view: Any = SimpleNamespace(
            interactor=pressed, rasAt=lambda x, y: (x, y, 0), normal=lambda: (0, 0, 1)
        )
        assert self.touchUp._onPress(view)
        self.touchUp.endStroke()

    def _stroke(self, _lesion: Any, radius: float, _erase: bool) -> Any:
        self.radii.append(radius)
        return SimpleNamespace(moveTo=lambda *_: None)

    @contextlib.contextmanager
    def _step(self, title: str) -> Any:
        self.steps.append(title)
        yield []


@pytest.mark.parametrize("radius", [1, 5, 2.5, 25])
def test_a_radius_of_the_slider_is_taken(
    harness: Any, monkeypatch: pytest.MonkeyPatch, radius: float
) -> None:
    requireWorkbench()
    desk = Desk(monkeypatch, radius)
    desk.press()
    assert desk.radii == [radius]
    assert (desk.steps, desk.errors) == (["Paint in A"], [])


@pytest.mark.parametrize(
    "radius", [0, -3, 1e9, float("inf"), float("nan"), "5", "many", None, True, [5], {}]
)
def test_any_other_radius_is_refused_before_anything_is_painted(
    harness: Any, monkeypatch: pytest.MonkeyPatch, radius: object
) -> None:
    requireWorkbench()
    desk = Desk(monkeypatch, radius)
    desk.press()
    assert (desk.radii, desk.steps) == ([], [])
    assert len(desk.errors) == 1
    assert "expected 1 to 25 mm" in desk.errors[0]
