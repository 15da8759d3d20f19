"""``ctk``: the few of its widgets that the panel's .ui file names."""

from __future__ import annotations

from PySide6 import QtCore, QtGui, QtWidgets

from Testing.slicer_harness.assigning import assign
from Testing.slicer_harness.qt import connect, disconnect

Property, Signal = QtCore.Property, QtCore.Signal


class ctkCollapsibleButton(QtWidgets.QWidget):
    """A section with a header that folds it; as wide as its title, and by default 10 pixels higher
    than its header when folded, as CTK's is.
    """

    connect, disconnect, __setattr__ = connect, disconnect, assign

    contentsCollapsed = Signal(bool)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._text, self._collapsed, self._applying = "", False, False
        self._collapsedHeight, self._openHeight = 10, self.maximumHeight()
        self.setContentsMargins(0, self._header().height(), 0, 0)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QtWidgets.QSizePolicy.Minimum, QtWidgets.QSizePolicy.Preferred)

    def _header(self) -> QtCore.QSize:
        style, option = self.style(), QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        width = style.pixelMetric(QtWidgets.QStyle.PixelMetric.PM_IndicatorWidth, option, self)
        width += style.pixelMetric(
            QtWidgets.QStyle.PixelMetric.PM_CheckBoxLabelSpacing, option, self
        )
        height = style.pixelMetric(QtWidgets.QStyle.PixelMetric.PM_IndicatorHeight, option, self)
        text = self.fontMetrics().size(QtCore.Qt.TextFlag.TextShowMnemonic, self._text or "X")
        content = QtCore.QSize(width + text.width(), max(height, text.height()))
        kind = QtWidgets.QStyle.ContentsType.CT_PushButton
        return style.sizeFromContents(kind, option, content, self)

    def _size(self, open_: QtCore.QSize) -> QtCore.QSize:
        header = self._header()
        if self._collapsed:
            return header + QtCore.QSize(0, self._collapsedHeight)
        return open_.expandedTo(header)

    def sizeHint(self) -> QtCore.QSize:
        return self._size(super().sizeHint())

    def minimumSizeHint(self) -> QtCore.QSize:
        return self._size(super().minimumSizeHint())

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        option = QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        option.rect.setHeight(self._header().height())
        option.state |= QtWidgets.QStyle.StateFlag.State_Raised
        style = self.style()
        bevel = QtWidgets.QStyle.ControlElement.CE_PushButtonBevel
        style.drawControl(bevel, option, painter, self)
        arrow = QtWidgets.QStyle.PrimitiveElement.PE_IndicatorArrowDown
        if self._collapsed:
            arrow = QtWidgets.QStyle.PrimitiveElement.PE_IndicatorArrowRight
        mark = QtWidgets.QStyleOption()
        mark.initFrom(self)
        side = option.rect.height()
        mark.rect = QtCore.QRect(side // 4, side // 4, side // 2, side // 2)
        style.drawPrimitive(arrow, mark, painter, self)
        flags = QtCore.Qt.AlignmentFlag.AlignVCenter | QtCore.Qt.TextFlag.TextShowMnemonic
        painter.setPen(self.palette().buttonText().color())
        painter.drawText(option.rect.adjusted(side, 0, 0, 0), flags, self._text)

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        if event.position().y() < self._header().height():
            self.collapsed = not self.collapsed

    def childEvent(self, event: QtCore.QChildEvent) -> None:
        super().childEvent(event)
        if event.added() and event.child().isWidgetType():
            event.child().installEventFilter(self)
            if self._collapsed:
                QtCore.QTimer.singleShot(0, self._apply)

    def eventFilter(self, child: QtCore.QObject, event: QtCore.QEvent) -> bool:
        """Remember what the module's code wants of a child, also while it is folded away."""
        kinds = {QtCore.QEvent.Type.ShowToParent: True, QtCore.QEvent.Type.HideToParent: False}
        if event.type() in kinds and not self._applying:
            child.setProperty("wantedVisible", kinds[event.type()])
            if self._collapsed and kinds[event.type()]:
                QtCore.QTimer.singleShot(0, self._apply)
        return False

    def _apply(self) -> None:
        self._applying = True
        for child in self.findChildren(
            QtWidgets.QWidget, options=QtCore.Qt.FindChildOption.FindDirectChildrenOnly
        ):
            wanted = child.property("wantedVisible") is not False
            child.setVisible(wanted and not self._collapsed)
        self._applying = False
        self.setMaximumHeight(self.sizeHint().height() if self._collapsed else self._openHeight)
        self.updateGeometry()

    def _getText(self) -> str:
        return self._text

    def _setText(self, text: str) -> None:
        self._text = text
        self.updateGeometry()
        self.update()

    def _getCollapsed(self) -> bool:
        return self._collapsed

    def _setCollapsed(self, collapsed: bool) -> None:
        if collapsed != self._collapsed:
            self._collapsed = collapsed
            self._apply()
            self.contentsCollapsed.emit(collapsed)

    def _setCollapsedHeight(self, height: int) -> None:
        self._collapsedHeight = height
        if self._collapsed:
            self._apply()

    text = Property(str, _getText, _setText)
    collapsedHeight = Property(int, lambda self: self._collapsedHeight, _setCollapsedHeight)
    collapsed = Property(bool, _getCollapsed, _setCollapsed)


class ctkSliderWidget(QtWidgets.QWidget):
    """A slider and a spin box for one number."""

    connect, disconnect, __setattr__ = connect, disconnect, assign

    valueChanged = Signal(float)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._slider = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal)
        self._spin = QtWidgets.QDoubleSpinBox()
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider)
        layout.addWidget(self._spin)
        self._slider.setRange(0, 1000)
        self._slider.valueChanged.connect(self._fromSlider)
        self._spin.valueChanged.connect(self._fromSpin)

    def _span(self) -> float:
        return self._spin.maximum() - self._spin.minimum()

    def _fromSlider(self, place: int) -> None:
        value = self._spin.minimum() + place / 1000 * self._span()
        if abs(value - self._spin.value()) > self._span() / 1000:
            self._spin.setValue(value)

    def _fromSpin(self, value: float) -> None:
        self._slider.blockSignals(True)
        self._slider.setValue(round(1000 * (value - self._spin.minimum()) / (self._span() or 1)))
        self._slider.blockSignals(False)
        self.valueChanged.emit(value)

    value = Property(float, lambda self: self._spin.value(), lambda self, v: self._spin.setValue(v))
    minimum = Property(
        float, lambda self: self._spin.minimum(), lambda self, v: self._spin.setMinimum(v)
    )
    maximum = Property(
        float, lambda self: self._spin.maximum(), lambda self, v: self._spin.setMaximum(v)
    )
    singleStep = Property(
        float, lambda self: self._spin.singleStep(), lambda self, v: self._spin.setSingleStep(v)
    )
    decimals = Property(
        int, lambda self: self._spin.decimals(), lambda self, v: self._spin.setDecimals(v)
    )


class ctkPathLineEdit(QtWidgets.QWidget):
    """A line for a path with a button to browse."""

    Dirs, Files, Drives = 0x001, 0x002, 0x004  # of QDir::Filter

    connect, disconnect, __setattr__ = connect, disconnect, assign

    currentPathChanged = Signal(str)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._line = QtWidgets.QLineEdit()
        browse = QtWidgets.QToolButton()
        browse.setText("...")
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._line)
        layout.addWidget(browse)
        self._line.textChanged.connect(self.currentPathChanged)
        self._filters = 0

    currentPath = Property(
        str, lambda self: self._line.text(), lambda self, text: self._line.setText(text)
    )
    filters = Property(
        int, lambda self: self._filters, lambda self, value: setattr(self, "_filters", value)
    )


class ctkColorPickerButton(QtWidgets.QPushButton):
    """A button that shows a colour."""

    connect, disconnect, __setattr__ = connect, disconnect, assign

    colorChanged = Signal(QtGui.QColor)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._color = QtGui.QColor()
        self.setMaximumWidth(40)

    def _setColor(self, color: QtGui.QColor) -> None:
        if color == self._color:
            return
        self._color = color
        pixmap = QtGui.QPixmap(16, 16)
        pixmap.fill(color)
        self.setIcon(QtGui.QIcon(pixmap))
        self.colorChanged.emit(color)

    color = Property(QtGui.QColor, lambda self: self._color, _setColor)
