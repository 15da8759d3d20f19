"""Slicer's main window as a frame around a panel: how much room a screen leaves for it.

Measured in the application on a screen of 1280 x 800 with Help folded and Data Probe in place:
about 400 pixels of height are left for a panel. What takes the other 400 has a height of its own
on any screen, so that a screen of 768 lines leaves 368.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from Testing.slicer_harness.ctk import ctkCollapsibleButton
from Testing.slicer_harness.loading import undress

undress(__name__)

COLUMN = 446  # pixels of the module panel's column, scroll bar included
DESKTOP, TITLE, MENU, TOOLS, LOGO, HELP, PROBE, STATUS = 40, 30, 24, 40, 48, 28, 166, 24
TAKEN = DESKTOP + TITLE + MENU + TOOLS + LOGO + HELP + PROBE + STATUS
MENUS = "File   Edit   View   Help"


@dataclass(frozen=True)
class Screen:
    """A screen in pixels, and how many of them its desktop draws for one of an application's.

    Attributes:
        width, height: pixels of the screen.
        scale: 2 is a desktop set to 200 %.
    """

    width: int
    height: int
    scale: int = 1

    @property
    def logical(self) -> tuple[int, int]:
        """Width and height as an application counts them."""
        return self.width // self.scale, self.height // self.scale

    @property
    def room(self) -> int:
        """Height that is left for a panel, as an application counts it."""
        return self.logical[1] - TAKEN

    @property
    def views(self) -> tuple[int, int]:
        """Width and height that are left for the views, in pixels of the screen."""
        width, height = self.logical
        height -= DESKTOP + TITLE + MENU + TOOLS + STATUS
        return (width - COLUMN) * self.scale, height * self.scale


SCREENS = {
    "1280x800": Screen(1280, 800),
    "1366x768": Screen(1366, 768),
    "4k": Screen(3840, 2160, scale=2),
}


def scrolled(module: Any) -> QtWidgets.QScrollArea:
    """A module's widget in the scrolling column of the application, which takes its margins away.

    The viewport is what is seen of it.
    """
    module.layout().setContentsMargins(0, 0, 0, 0)
    content = QtWidgets.QWidget()
    column = QtWidgets.QVBoxLayout(content)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(module)
    column.addStretch(1)
    area = QtWidgets.QScrollArea()
    area.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setWidget(content)
    return area


def picture(module: Any, views: Path, screen: Screen) -> QtWidgets.QWidget:
    """The whole screen, shown: menus, tools, the panel in its column, the views, Data Probe.

    Args:
        module: its widget, which holds the panel.
        views: a picture of the views in pixels of the screen, see :attr:`Screen.views`.
        screen: what it is shown on.
    """
    whole = QtWidgets.QWidget()
    whole.setFixedSize(*screen.logical)
    rows = _plain(QtWidgets.QVBoxLayout(whole))
    rows.addWidget(_strip("MASAM - 3D Slicer", TITLE, "#3b4045", "#e8e8e8"))
    rows.addWidget(_strip(MENUS, MENU, "#efefef"))
    rows.addWidget(_tools())
    middle = _plain(QtWidgets.QHBoxLayout())
    middle.addLayout(_column(module))
    middle.addWidget(_views(views, screen), 1)
    rows.addLayout(middle, 1)
    rows.addWidget(_strip("", STATUS, "#efefef"))
    rows.addWidget(_strip("", DESKTOP, "#2b2f33"))
    whole.show()
    return whole


def _column(module: Any) -> QtWidgets.QLayout:
    column = _plain(QtWidgets.QVBoxLayout())
    column.addWidget(_strip("3D Slicer", LOGO, "#efefef", "#4a6785", bold=True))
    help_ = ctkCollapsibleButton()
    help_.text, help_.collapsedHeight, help_.collapsed = "Help && Acknowledgement", 0, True
    help_.setFixedHeight(HELP)
    column.addWidget(help_)
    column.addWidget(scrolled(module), 1)
    probe = ctkCollapsibleButton()
    probe.text = "Data Probe"
    inside = QtWidgets.QVBoxLayout(probe)
    inside.addWidget(QtWidgets.QLabel("Show Zoomed Slice\n\nL\nF\nB"))
    inside.addStretch(1)
    probe.setFixedHeight(PROBE)
    column.addWidget(probe)
    for index in range(column.count()):
        widget = column.itemAt(index).widget()
        if widget is not None:
            widget.setFixedWidth(COLUMN)
    return column


def _tools() -> QtWidgets.QWidget:
    bar = QtWidgets.QWidget()
    bar.setFixedHeight(TOOLS)
    row = QtWidgets.QHBoxLayout(bar)
    row.setContentsMargins(8, 6, 8, 6)
    for text in ("Data", "DICOM", "Save"):
        button = QtWidgets.QToolButton()
        button.setText(text)
        row.addWidget(button)
    row.addWidget(QtWidgets.QLabel("Modules:"))
    modules = QtWidgets.QComboBox()
    modules.addItem("MASAM")
    modules.setMinimumWidth(170)
    row.addWidget(modules)
    row.addStretch(1)
    return bar


def _views(path: Path, screen: Screen) -> QtWidgets.QLabel:
    label = QtWidgets.QLabel()
    label.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Ignored)
    shown = QtGui.QPixmap(str(path))
    shown.setDevicePixelRatio(screen.scale)
    label.setPixmap(shown)
    return label


def _strip(text: str, height: int, back: str, ink: str = "#202020", bold: bool = False) -> Any:
    label = QtWidgets.QLabel(text)
    label.setFixedHeight(height)
    weight = "font-size: 18px; font-weight: bold;" if bold else ""
    label.setStyleSheet(f"background: {back}; color: {ink}; padding-left: 10px; {weight}")
    label.setAlignment(QtCore.Qt.AlignmentFlag.AlignVCenter)
    return label


def _plain(layout: Any) -> Any:
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    return layout
