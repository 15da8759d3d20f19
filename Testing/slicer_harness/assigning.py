"""Properties of Qt objects set as attributes, and by their setters, as PythonQt does both."""

from __future__ import annotations

import functools
from typing import Any

from PySide6 import QtCore


def assign(self: Any, name: str, value: Any) -> None:
    """Set a property.

    Raises:
        AttributeError: a slot or static method bears the property's name and hides it; or there is
            no such property, and C++ objects take no new attributes.
        TypeError: the property does not take such a value.
    """
    kind = type(self)
    # The stand-ins' own, and what PySide's loader of .ui files adds to the root.
    loaded = isinstance(value, QtCore.QObject) and value.objectName() == name
    if name.startswith("_") or loaded:
        base = next(base for base in kind.__mro__ if base.__module__.startswith("PySide6"))
        base.__setattr__(self, name, value)
        return
    meta = kind.staticMetaObject
    index = meta.indexOfProperty(name)
    if index < 0 and not hasattr(kind, name):
        raise AttributeError(
            f"'{name}' does not exist on {kind.__name__} and creating new attributes on C++ "
            "objects is not allowed"
        )
    if index < 0 or name in hiddenProperties(kind):
        raise AttributeError(f"Slot '{name}' can not be overwritten on {kind.__name__} object")
    if not meta.property(index).write(self, value):
        raise TypeError(f"Property '{name}' of {kind.__name__} does not accept {value!r}")


def setters(kind: type) -> dict[str, Any]:
    """Setters of the properties that can't be set as attributes; PySide mixes those up."""

    def write(self: Any, value: Any, name: str) -> None:
        meta = type(self).staticMetaObject
        meta.property(meta.indexOfProperty(name)).write(self, value)

    names = hiddenProperties(kind)
    return {
        f"set{n[0].upper()}{n[1:]}": lambda self, value, n=n: write(self, value, n) for n in names
    }


@functools.cache
def hiddenProperties(kind: type) -> frozenset[str]:
    """Properties that PythonQt can't set, found in the meta-object and the class.

    Args:
        kind: a subclass of QObject.
    """
    meta = kind.staticMetaObject  # type: ignore[attr-defined]
    properties = {meta.property(n).name() for n in range(meta.propertyCount())}
    slots = {
        bytes(meta.method(n).name()).decode()
        for n in range(meta.methodCount())
        if meta.method(n).methodType() == QtCore.QMetaMethod.MethodType.Slot
    }
    return frozenset(name for name in properties if name in slots or _isStatic(kind, name))


def _isStatic(kind: type, name: str) -> bool:
    for base in kind.__mro__:
        if name in vars(base):
            return isinstance(vars(base)[name], staticmethod)
    return False
