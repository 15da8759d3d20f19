"""``slicer.parameterNodeWrapper``: typed attributes kept in a vtkMRMLScriptedModuleNode.

Values are parameters (texts) and node references of the node, so they are saved with the scene.
Types that MASAM uses: int, float, str, bool, MRML nodes. ``connectGui`` binds widgets that bear
the dynamic property ``SlicerParameterName``, in both directions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_type_hints

import vtk

_READ: dict[type, Callable[[str], Any]] = {
    int: int,
    float: float,
    str: str,
    bool: lambda text: text == "True",
}


def parameterNodeWrapper(cls: type) -> type:
    """Make a class of annotated attributes a wrapper of a parameter node."""
    hints = get_type_hints(cls)
    body = {name: _attribute(name, kind, getattr(cls, name, None)) for name, kind in hints.items()}
    unknown = [n for n, k in hints.items() if k not in _READ and not _isNode(k)]
    if unknown:
        raise TypeError(f"The stand-in knows no type of {', '.join(unknown)}")
    return type(cls.__name__, (_Wrapper,), {**body, "_names": tuple(hints), "__doc__": cls.__doc__})


class _Wrapper:
    _names: tuple[str, ...] = ()

    def __init__(self, parameterNode: Any) -> None:
        self.parameterNode = parameterNode
        self._links: dict[int, _Link] = {}
        for name in self._names:  # as in Slicer, defaults are written at once
            attribute = getattr(type(self), name)
            if attribute.default is not None and not parameterNode.GetParameter(name):
                parameterNode.SetParameter(name, str(attribute.default))

    def connectGui(self, gui: Any) -> int:
        """Bind every widget of ``gui`` that names one of the attributes; returns a tag."""
        tag = len(self._links) + 1
        self._links[tag] = _Link(self, gui)
        return tag

    def disconnectGui(self, tag: int) -> None:
        """Undo :meth:`connectGui`."""
        link = self._links.pop(tag, None)
        if link is not None:
            link.close()


class _attribute:
    def __init__(self, name: str, kind: type, default: Any) -> None:
        self.name, self.kind, self.default = name, kind, default

    def __get__(self, owner: Any, _: Any = None) -> Any:
        if owner is None:
            return self
        node = owner.parameterNode
        if _isNode(self.kind):
            return node.GetNodeReference(self.name)
        return _READ[self.kind](node.GetParameter(self.name))

    def __set__(self, owner: Any, value: Any) -> None:
        node = owner.parameterNode
        if _isNode(self.kind):
            node.SetNodeReferenceID(self.name, value.GetID() if value is not None else None)
            return
        if self.kind is float and isinstance(value, int):
            value = float(value)
        if not isinstance(value, self.kind):
            raise TypeError(f"{self.name} is {self.kind.__name__}, not {value!r}")
        node.SetParameter(self.name, str(value))


class _Link:
    """The widgets of one panel and one parameter node."""

    def __init__(self, wrapper: Any, gui: Any) -> None:
        self.wrapper, self.open, self.updating = wrapper, True, False
        self.widgets = [
            (str(widget.property("SlicerParameterName")), widget)
            for widget in vars(gui).values()
            if widget.property("SlicerParameterName")
        ]
        for name, widget in self.widgets:
            if name not in wrapper._names:
                raise ValueError(f"The panel binds {name}, which is no parameter")
            _changed(widget).connect(lambda *_, n=name, w=widget: self.fromWidget(n, w))
        self.tag = wrapper.parameterNode.AddObserver(
            vtk.vtkCommand.ModifiedEvent, lambda *_: self.toWidgets()
        )
        self.toWidgets()

    def fromWidget(self, name: str, widget: Any) -> None:
        if self.open and not self.updating:
            setattr(self.wrapper, name, _value(widget))

    def toWidgets(self) -> None:
        if self.updating:
            return
        self.updating = True
        try:
            for name, widget in self.widgets:
                value = getattr(self.wrapper, name)
                if _value(widget) != value:
                    _setValue(widget, value)
        finally:
            self.updating = False

    def close(self) -> None:
        self.open = False
        self.wrapper.parameterNode.RemoveObserver(self.tag)


def _isNode(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, vtk.vtkObject)


def _changed(widget: Any) -> Any:
    for signal in ("currentNodeChanged", "toggled", "valueChanged"):
        if hasattr(widget, signal):
            return getattr(widget, signal)
    raise TypeError(f"No way to bind {type(widget).__name__}")


def _value(widget: Any) -> Any:
    if hasattr(widget, "currentNode"):
        return widget.currentNode()
    return widget.property("checked" if hasattr(widget, "toggled") else "value")


def _setValue(widget: Any, value: Any) -> None:
    if hasattr(widget, "currentNode"):
        widget.setCurrentNode(value)
    else:
        widget.setProperty("checked" if hasattr(widget, "toggled") else "value", value)
