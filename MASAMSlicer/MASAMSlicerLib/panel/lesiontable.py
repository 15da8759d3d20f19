"""Lesions: one row each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from masam_core.lesion.measurements.registry import listed_quantities
from masam_core.lesion.terminology import TUMOUR_TYPES

from ..control.lesionactions import LesionActions
from ..scene.lesions import LesionEntry
from ..wording import rowOf
from .context import PanelContext
from .swatch import swatch

NAME, KIND, STATE, FIGURES = range(4)  # measurements from FIGURES on, and last the confidence
LEAST_ROWS, MOST_ROWS = 2, 8  # that the list is high; more are scrolled
_ID_ROLE = 256  # Qt::UserRole
_COLOR_ROLE = _ID_ROLE + 1


class LesionTable:
    """Shows the list and what can be done with its rows.

    Args:
        context: of the panel.
        rerun: segments lesions again, by their ids.
    """

    def __init__(self, context: PanelContext, rerun: Callable[[Sequence[str]], None]) -> None:
        self.context, self.ui, self.table = context, context.ui, context.ui.lesionTable
        self.actions = LesionActions(context)
        self._filling = False
        # Else any letter begins to rename the current row.
        view = qt.QAbstractItemView
        self.table.editTriggers = view.DoubleClicked | view.EditKeyPressed
        self._listed = listed_quantities()
        titles = [
            (_("Lesion"), _("Double-click a name to change it.")),
            (_("Type"), _("What the lesion is (SNOMED CT).")),
            (_("Status"), _("(!) marks what is to be looked at twice.")),
            *((_(quantity.heading()), _(quantity.about)) for quantity in self._listed),
            (
                _("Conf."),
                _("Confidence: how well the mask is expected to agree with an expert's."),
            ),
        ]
        self.table.columnCount = len(titles)
        for column, (title, hint) in enumerate(titles):
            item = qt.QTableWidgetItem(title)
            item.setToolTip(hint)
            self.table.setHorizontalHeaderItem(column, item)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        for column in (NAME, KIND):  # shortened where a narrow panel has no room for them
            header.setSectionResizeMode(column, qt.QHeaderView.Stretch)
        self.table.verticalHeader().hide()
        for key, kind in TUMOUR_TYPES.items():
            self.ui.typeComboBox.addItem(kind.code.meaning, key)
        self.table.itemSelectionChanged.connect(self._onSelection)
        self.table.connect("itemChanged(QTableWidgetItem*)", self._onItemChanged)
        self.table.connect("cellDoubleClicked(int,int)", self._onDoubleClick)
        self.ui.jumpButton.clicked.connect(lambda *_: self.actions.goTo(self.context.chosen))
        self.ui.rerunButton.clicked.connect(lambda *_: rerun(self.selectedIds()))
        self.ui.lockButton.clicked.connect(self._onLock)
        self.ui.duplicateButton.clicked.connect(self._onDuplicate)
        self.ui.deleteButton.clicked.connect(self._onDelete)
        self.ui.typeComboBox.connect("activated(int)", self._onType)
        self.ui.colorButton.connect("colorChanged(QColor)", self._onColor)

    def refresh(self) -> None:
        """Fill the table from the scene."""
        lesions = self.context.lesions()
        self._filling = True
        try:
            self.table.rowCount = len(lesions)
            for row, lesion in enumerate(lesions):
                self._fill(row, lesion)
            self._showSelection(lesions)
            self._fitHeight()
        finally:
            self._filling = False
        self._refreshButtons()

    def selectedIds(self) -> list[str]:
        """Ids of the selected rows, from top to bottom."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        return [self._idOf(row) for row in rows]

    def _fill(self, row: int, lesion: LesionEntry) -> None:
        shown = rowOf(lesion, self.context.session.states)
        figures = [shown.figures[quantity.name] for quantity in self._listed]
        texts = [shown.name, shown.kind, shown.state, *figures, shown.confidence]
        for column, text in enumerate(texts):
            item = self.table.item(row, column)
            if item is None:
                item = _newItem(column)
                self.table.setItem(row, column, item)
            # Only what is new: a change of the item undoes what is being typed there.
            if item.text() != text:
                item.setText(text)
            hint = shown.notes or (text if column in (NAME, KIND) else "")
            if item.toolTip() != hint:
                item.setToolTip(hint)
            if item.data(_ID_ROLE) != lesion.id:
                item.setData(_ID_ROLE, lesion.id)
        item = self.table.item(row, NAME)
        color = ", ".join(f"{part:.4f}" for part in lesion.color)
        if item.data(_COLOR_ROLE) != color:
            item.setData(_COLOR_ROLE, color)
            item.setIcon(swatch(lesion.color))

    def _fitHeight(self) -> None:
        """Make the list as high as its rows, so that nothing lies below an empty half of it."""
        self.table.resizeRowsToContents()
        count = self.table.rowCount
        shown = [self.table.rowHeight(row) for row in range(min(count, MOST_ROWS))]
        usual = shown[0] if shown else self.table.verticalHeader().minimumSectionSize
        shown += [usual] * (LEAST_ROWS - len(shown))
        header = self.table.horizontalHeader().sizeHint.height()
        self.table.setFixedHeight(header + sum(shown) + 2 * self.table.frameWidth)

    def _showSelection(self, lesions: list[LesionEntry]) -> None:
        ids = [lesion.id for lesion in lesions]
        chosen = self.context.parameters.selectedLesion
        if chosen not in ids:
            chosen = ids[-1] if ids else ""
            self.context.parameters.selectedLesion = chosen
        if chosen and chosen not in self.selectedIds():
            self.table.selectRow(ids.index(chosen))

    def _refreshButtons(self) -> None:
        lesion, none = self.context.selected, _("Select a lesion first.")
        for button in (self.ui.jumpButton, self.ui.duplicateButton, self.ui.deleteButton):
            self.context.enable(button, lesion is not None, none)
        busy = self.context.session.busy
        wait = _("Wait until the run has ended, or cancel it.")
        self.context.enable(
            self.ui.rerunButton, lesion is not None and not busy, none if lesion is None else wait
        )
        hasSegment = lesion is not None and lesion.segment is not None
        self.context.enable(self.ui.lockButton, hasSegment, _("There is no segment to lock yet."))
        self.ui.lockButton.checked = lesion is not None and lesion.locked
        for widget in (self.ui.typeComboBox, self.ui.colorButton):
            self.context.enable(widget, lesion is not None, none)
        if lesion is None:
            return
        keys = list(TUMOUR_TYPES)
        entries = [TUMOUR_TYPES[key].entry for key in keys]
        if lesion.terminology in entries:
            self.ui.typeComboBox.currentIndex = entries.index(lesion.terminology)
        else:
            self.ui.typeComboBox.currentIndex = -1
        self._filling = True
        try:
            self.ui.colorButton.color = qt.QColor.fromRgbF(*lesion.color)
        finally:
            self._filling = False

    def _onSelection(self) -> None:
        ids = self.selectedIds()
        if not self._filling and ids and self.context.parameters.selectedLesion not in ids:
            self.context.select(ids[-1])

    def _onItemChanged(self, item: Any) -> None:
        if self._filling or item.column() != NAME:
            return
        self.actions.rename(item.data(_ID_ROLE), item.text())

    def _onDoubleClick(self, row: int, column: int) -> None:
        if column != NAME:
            self.actions.goTo(self._idOf(row))

    def _onLock(self) -> None:
        self.actions.setLocked(self.selectedIds(), bool(self.ui.lockButton.checked))

    def _onDuplicate(self) -> None:
        self.actions.duplicate(self.context.chosen)

    def _onDelete(self) -> None:
        self.actions.delete(self.selectedIds())

    def _onType(self, index: int) -> None:
        self.actions.setKind(self.selectedIds(), self.ui.typeComboBox.itemData(index))

    def _onColor(self, color: Any) -> None:
        if not self._filling:
            rgb = (color.redF(), color.greenF(), color.blueF())
            self.actions.recolor(self.context.chosen, rgb)

    def _idOf(self, row: int) -> str:
        item = self.table.item(row, NAME)
        return str(item.data(_ID_ROLE)) if item is not None else ""


def _newItem(column: int) -> Any:
    item = qt.QTableWidgetItem()
    flags = qt.Qt.ItemIsSelectable | qt.Qt.ItemIsEnabled
    item.setFlags(flags | qt.Qt.ItemIsEditable if column == NAME else flags)
    if column >= FIGURES:
        item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
    return item
