"""``qt``: PySide6 in PythonQt's clothes, all names in one flat module.

PythonQt has ``widget.connect("clicked(bool)", f)`` on every object, properties instead of getters
and setters, and no overloads by type. PySide6 has the properties by its feature ``true_property``,
which ``loading`` turns on for the module's code; ``connect`` and PythonQt's refusals of
assignments are added by subclasses made here.
"""

from __future__ import annotations

import tempfile
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from Testing.slicer_harness.assigning import assign, setters

_made: dict[str, Any] = {}


def connect(self: Any, signal: str, slot: Any) -> bool:
    """Call ``slot`` at a signal, given by its signature; AttributeError where there is none."""
    _named(self, signal).connect(slot)
    return True


def disconnect(self: Any, signal: str, slot: Any) -> bool:
    """Undo :func:`connect`."""
    return bool(_named(self, signal).disconnect(slot))


def _named(owner: Any, signal: str) -> Any:
    """The signal of that name, types included; a stand-in's own may be of Python objects."""
    name = signal.split("(")[0]
    meta = owner.metaObject()
    methods = [meta.method(number) for number in range(meta.methodCount())]
    known = [
        bytes(m.methodSignature().data()).decode()
        for m in methods
        if bytes(m.name()) == name.encode()
    ]
    asked = bytes(QtCore.QMetaObject.normalizedSignature(signal).data()).decode()
    if asked not in known and not any("PyObject" in each for each in known):
        raise AttributeError(f"{type(owner).__name__} has no signal {signal}, but {known}")
    return getattr(owner, name)


# Shiboken finds Qt's own ``connect`` before one of a mixin, so each class gets its own.
CLOTHES = {"connect": connect, "disconnect": disconnect, "__setattr__": assign}


def dressed(cls: type) -> Any:
    """A Qt class with PythonQt's manners; the same for the same class."""
    if cls.__name__ not in _made:
        _made[cls.__name__] = type(cls.__name__, (cls,), {**CLOTHES, **setters(cls)})
    return _made[cls.__name__]


class QSettings(QtCore.QSettings):
    """Settings of this run alone: never those of whoever runs the tests."""

    path = tempfile.mkdtemp(prefix="masam-harness-") + "/settings.ini"

    def __init__(self) -> None:
        super().__init__(QSettings.path, QtCore.QSettings.Format.IniFormat)


def __getattr__(name: str) -> Any:
    for module in (QtWidgets, QtGui, QtCore):
        found = getattr(module, name, None)
        if found is None:
            continue
        if isinstance(found, type) and issubclass(found, QtCore.QObject):
            return dressed(found)
        return found
    raise AttributeError(f"qt has no {name}")
