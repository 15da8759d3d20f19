"""How ``connectGui`` ties one widget to one parameter, with the application's refusals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6 import QtWidgets

from Testing.slicer_harness import ctk, mrml_widgets
from Testing.slicer_harness.validators import Maximum, Minimum, Validator, WithinRange

SLIDERS = (QtWidgets.QSlider, ctk.ctkSliderWidget)
NUMBERS: dict[type, tuple[type, ...]] = {
    int: (QtWidgets.QSpinBox, QtWidgets.QSlider),
    float: (QtWidgets.QDoubleSpinBox, ctk.ctkSliderWidget),
}
UNBOUNDED = {int: (-(2**31), 2**31 - 1), float: (float("-inf"), float("inf"))}


class Connector:
    """A widget that shows a parameter and is read back when the user changes it.

    Args:
        widget: of one of the kinds that the application can tie to such a parameter.
        kind: the parameter's type.
        validators: of the parameter.

    Raises:
        RuntimeError: the widget can't show such a parameter, or is a slider without bounds.
    """

    def __init__(self, widget: Any, kind: type, validators: Sequence[Validator]) -> None:
        self.widget = widget
        if isinstance(widget, mrml_widgets.qMRMLNodeComboBox) and kind not in (int, float, bool):
            self._property, self._signal = "", widget.currentNodeChanged
        elif kind is bool and isinstance(widget, (QtWidgets.QCheckBox, QtWidgets.QPushButton)):
            self._property, self._signal = "checked", widget.toggled
        elif kind in NUMBERS and isinstance(widget, NUMBERS[kind]):
            self._property, self._signal = "value", widget.valueChanged
            self._limit(kind, validators)
        else:
            raise RuntimeError(
                f"Unable to create GUI connector from datatype '{kind}' to widget type "
                f"'{type(widget)}'"
            )
        self._callback: Callable[[], None] | None = None
        self._signal.connect(self._changed)

    def read(self) -> Any:
        """What the widget shows."""
        return self.widget.property(self._property) if self._property else self.widget.currentNode()

    def write(self, value: Any) -> None:
        """Show a value; a number beyond the widget's limits is shown as the nearer limit."""
        if self._property:
            self.widget.setProperty(self._property, value)
        else:
            self.widget.setCurrentNode(value)

    def onChanged(self, callback: Callable[[], None] | None) -> None:
        """Call this when the user changes the widget; None lets go of it."""
        self._callback = callback

    def _changed(self, *_: Any) -> None:
        if self._callback is not None:
            self._callback()

    def _limit(self, kind: type, validators: Sequence[Validator]) -> None:
        low, high = UNBOUNDED[kind]
        for rule in validators:
            if isinstance(rule, (WithinRange, Minimum)):
                low = rule.minimum
            if isinstance(rule, (WithinRange, Maximum)):
                high = rule.maximum
        unbounded = low == UNBOUNDED[kind][0] or high == UNBOUNDED[kind][1]
        if unbounded and isinstance(self.widget, SLIDERS):
            raise RuntimeError(
                "Cannot have a connection to ctkSliderWidget where the float types is unbounded."
            )
        # Whatever the .ui file says.
        self.widget.setProperty("minimum", low)
        self.widget.setProperty("maximum", high)
