"""Where widgets lie: what covers what, what is cut off, what is seen without scrolling."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from PySide6 import QtCore, QtWidgets

from Testing.slicer_harness import ctk, mrml_widgets
from Testing.slicer_harness.loading import undress

undress(__name__)

WHOLE = (  # widgets whose inside is their own affair
    QtWidgets.QAbstractItemView,
    QtWidgets.QAbstractSpinBox,
    QtWidgets.QComboBox,
    QtWidgets.QPlainTextEdit,
    ctk.ctkPathLineEdit,
    ctk.ctkSliderWidget,
    mrml_widgets.qMRMLSegmentEditorWidget,
)


def faults(root: QtWidgets.QWidget) -> list[str]:
    """What is wrong below a widget, in words: widgets on widgets, words and edges cut off."""
    found = []
    for parent in _containers(root):
        children = _children(parent)
        for first, second in combinations(children, 2):
            both = first.geometry() & second.geometry()
            if not both.isEmpty():
                found.append(f"{_name(first)} and {_name(second)} share {both.getRect()}")
        inside = parent.contentsRect()
        for child in children:
            if not inside.contains(child.geometry()):
                found.append(f"{_name(child)} reaches out of {_name(parent)}")
            if _cutsWords(child):
                found.append(f"{_name(child)} is too small for its words: {child.text()!r}")
    return found


def seen(area: QtWidgets.QScrollArea, widget: QtWidgets.QWidget) -> bool:
    """Whether all of a widget is shown, in the column as it is scrolled now."""
    viewport = area.viewport()
    corner = widget.mapTo(viewport, QtCore.QPoint(0, 0))
    return widget.isVisible() and viewport.rect().contains(QtCore.QRect(corner, widget.size()))


def cutColumns(table: QtWidgets.QTableWidget, free: tuple[int, ...] = ()) -> list[int]:
    """Columns that are too narrow for a title, or for a cell but in the ``free`` ones."""
    header = table.horizontalHeader()
    return [
        column
        for column in range(header.count())
        if header.sectionSize(column) < header.sectionSizeHint(column)
        or (column not in free and table.columnWidth(column) < table.sizeHintForColumn(column))
    ]


def wholeRows(table: QtWidgets.QTableWidget) -> float:
    """How many rows of the usual height a table has room for."""
    usual = table.verticalHeader().minimumSectionSize()
    return table.viewport().height() / (table.rowHeight(0) if table.model().rowCount() else usual)


def tabOrder(root: QtWidgets.QWidget) -> list[str]:
    """Names of the widgets that the Tab key visits, in its order."""
    order, widget = [], root.nextInFocusChain()
    while widget is not root:
        takes = bool(widget.focusPolicy() & QtCore.Qt.FocusPolicy.TabFocus)
        if takes and root.isAncestorOf(widget) and widget.isVisible() and widget.objectName():
            order.append(widget.objectName())
        widget = widget.nextInFocusChain()
    return order


def _containers(root: QtWidgets.QWidget) -> Iterator[QtWidgets.QWidget]:
    yield root
    for child in _children(root):
        if not isinstance(child, WHOLE):
            yield from _containers(child)


def _children(parent: QtWidgets.QWidget) -> list[QtWidgets.QWidget]:
    direct = QtCore.Qt.FindChildOption.FindDirectChildrenOnly
    return [w for w in parent.findChildren(QtWidgets.QWidget, options=direct) if w.isVisible()]


def _cutsWords(widget: QtWidgets.QWidget) -> bool:
    if isinstance(widget, QtWidgets.QLabel):
        if widget.wordWrap():
            tooLow = widget.height() < widget.heightForWidth(widget.width())
            return tooLow or widget.width() < widget.minimumSizeHint().width()
        return _smaller(widget, widget.sizeHint())
    if isinstance(widget, QtWidgets.QPushButton | QtWidgets.QCheckBox):
        words = widget.fontMetrics().horizontalAdvance(widget.text().replace("&", ""))
        return widget.width() < words + 8 or widget.height() < widget.minimumSizeHint().height()
    if isinstance(widget, ctk.ctkCollapsibleButton):
        return widget.width() < widget.minimumSizeHint().width()
    return False


def _smaller(widget: QtWidgets.QWidget, size: QtCore.QSize) -> bool:
    return widget.width() < size.width() or widget.height() < size.height()


def _name(widget: QtWidgets.QWidget) -> str:
    return widget.objectName() or type(widget).__name__
