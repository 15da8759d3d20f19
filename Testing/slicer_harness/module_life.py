"""When the application calls a widget's ``setup``, ``enter``, ``exit`` and ``cleanup``."""

from __future__ import annotations

from typing import Any

from Testing.slicer_harness.main_window import mainWindow


def makeModule(kind: type) -> Any:
    """A module's widget in the main window's module panel, not set up yet."""
    return kind(mainWindow().modulePanel)


def openModule(widget: Any) -> None:
    """Choose the module: ``setup``, and ``enter`` whatever came of that.

    Raises:
        Exception: what ``setup`` raised; the application shows it and goes on.
    """
    mainWindow().moduleSelector().selectedModule = widget.moduleName
    try:
        widget.setup()
    finally:
        widget.enter()


def leaveModule(widget: Any) -> None:
    """Choose another module: ``exit``, also after a ``setup`` that has failed."""
    mainWindow().moduleSelector().selectedModule = "Data"
    widget.exit()


def reloadModule(widget: Any) -> Any:
    """The developer's Reload: a new widget in the place of the old one; ``enter`` is not called."""
    _clear(widget.cleanup)
    new = makeModule(type(widget))
    new.setup()
    return new


def endModule(widget: Any) -> None:
    """The application ends: ``exit``, then ``cleanup``, and the widgets go."""
    leaveModule(widget)
    _clear(widget.cleanup)
    for child in mainWindow().modulePanel.children():
        if child.isWidgetType():
            child.deleteLater()


def _clear(cleanup: Any) -> None:
    """As Reload does it: children are hidden, and stay; then comes ``cleanup``."""
    panel = mainWindow().modulePanel
    for child in panel.children():
        if child.isWidgetType():
            child.hide()
    cleanup()
    while panel.layout().count():
        panel.layout().takeAt(0)
