"""Whether the mouse is in one of the application's 3D views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer

# Moving counts too: the module may be opened, or a view made, under a mouse that rests in it.
_INSIDE, _OUTSIDE = ("EnterEvent", "MouseMoveEvent"), "LeaveEvent"


def threeDViews() -> list[Any]:
    """The 3D views (qMRMLThreeDView) of the layout; none without a main window."""
    layout = slicer.app.layoutManager()
    if layout is None:
        return []
    return [layout.threeDWidget(n).threeDView() for n in range(layout.threeDViewCount)]


class SpaceViews:
    """Watches the 3D views for the mouse.

    Args:
        onMouse: called with True when the mouse is in a 3D view, with False when it leaves.
    """

    def __init__(self, onMouse: Callable[[bool], None]) -> None:
        self._onMouse = onMouse
        self._watched: list[tuple[Any, list[int]]] = []  # interactors and their observers

    def watch(self) -> None:
        """Watch every view that is there; layouts make more of them as they are chosen."""
        known = [interactor for interactor, _ in self._watched]
        for view in threeDViews():
            interactor = view.interactor()
            if interactor in known:
                continue
            tags = [interactor.AddObserver(each, self._inside) for each in _INSIDE]
            tags.append(interactor.AddObserver(_OUTSIDE, self._outside))
            self._watched.append((interactor, tags))

    def stop(self) -> None:
        """Let go of all views."""
        for interactor, tags in self._watched:
            for tag in tags:
                interactor.RemoveObserver(tag)
        self._watched = []

    def _inside(self, *_: object) -> None:
        self._onMouse(True)

    def _outside(self, *_: object) -> None:
        self._onMouse(False)
