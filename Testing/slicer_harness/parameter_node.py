"""``slicer.parameterNodeWrapper``: typed attributes kept in a vtkMRMLScriptedModuleNode.

Values are parameters (texts) and node references of the node, so they are saved with the scene.
Types that MASAM uses: int, float, str, bool, MRML nodes, plain or ``Annotated`` with validators. A
value is checked when it is set, not when it is read: one that was saved with a scene comes back as
it is. ``connectGui`` binds widgets that bear the dynamic property ``SlicerParameterName``, in both
directions; it returns nothing, and ``connectParametersToGui`` the tag for ``disconnectGui``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import vtk

from Testing.slicer_harness.gui_connectors import Connector
from Testing.slicer_harness.validators import (
    Choice,
    Default,
    Maximum,
    Minimum,
    Validator,
    WithinRange,
)

__all__ = [
    "Choice",
    "Default",
    "Maximum",
    "Minimum",
    "Validator",
    "WithinRange",
    "parameterNodeWrapper",
]

_READ: dict[type, Callable[[str], Any]] = {
    int: int,
    float: float,
    str: str,
    bool: lambda text: text == "True",
}


def parameterNodeWrapper(cls: type) -> type:
    """Make a class of annotated attributes a wrapper of a parameter node."""
    hints = get_type_hints(cls, include_extras=True)
    body = {n: _attribute(n, kind, getattr(cls, n, None)) for n, kind in hints.items()}
    unknown = [n for n, a in body.items() if a.kind not in _READ and not _isNode(a.kind)]
    if unknown:
        raise TypeError(f"The stand-in knows no type of {', '.join(unknown)}")
    return type(cls.__name__, (_Wrapper,), {**body, "_names": tuple(hints), "__doc__": cls.__doc__})


class _Wrapper:
    _names: tuple[str, ...] = ()

    def __init__(self, parameterNode: Any) -> None:
        self.parameterNode = parameterNode
        self._links: dict[int, dict[str, Connector]] = {}
        self._nextTag = 0
        self._updating = False
        for name in self._names:  # every value is read at once, and defaults are written
            getattr(self, name)

    def connectGui(self, gui: Any) -> None:
        """Bind every widget of ``gui`` that names one of the attributes."""
        self.connectParametersToGui(
            {
                str(widget.property("SlicerParameterName")): widget
                for widget in vars(gui).values()
                if widget.property("SlicerParameterName")
            }
        )

    def connectParametersToGui(self, mapping: Mapping[str, Any]) -> int:
        """Bind widgets by the names of their attributes; returns a tag."""
        unknown = [name for name in mapping if name not in self._names]
        if unknown:
            raise ValueError(f"Cannot find a param with the given name: {unknown[0]}")
        link = {}
        for name, widget in mapping.items():
            attribute = getattr(type(self), name)
            link[name] = Connector(widget, attribute.kind, attribute.validators)
        tag, self._nextTag = self._nextTag, self._nextTag + 1
        self._links[tag] = link
        for name, connector in link.items():
            connector.write(getattr(self, name))
            connector.onChanged(lambda n=name, c=connector: self._fromWidget(n, c))
        self.parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._toWidgets())
        return tag

    def disconnectGui(self, tag: int) -> None:
        """Undo :meth:`connectParametersToGui`."""
        for connector in self._links.pop(tag, {}).values():
            connector.onChanged(None)

    def _fromWidget(self, name: str, connector: Connector) -> None:
        if not self._updating:
            setattr(self, name, connector.read())

    def _toWidgets(self) -> None:
        if self._updating:
            return
        self._updating = True
        try:
            for link in self._links.values():
                for name, connector in link.items():
                    connector.write(getattr(self, name))
        finally:
            self._updating = False


class _attribute:
    def __init__(self, name: str, hint: Any, default: Any) -> None:
        extras: tuple[Any, ...] = ()
        if get_origin(hint) is Annotated:
            hint, *rest = get_args(hint)
            extras = tuple(rest)
        self.name, self.kind = name, hint
        self.validators = [x for x in extras if isinstance(x, Validator)]
        given = [x.value for x in extras if isinstance(x, Default)]
        self.default = default if default is not None or not given else given[0]

    def __get__(self, owner: Any, _: Any = None) -> Any:
        if owner is None:
            return self
        node = owner.parameterNode
        if _isNode(self.kind):
            return node.GetNodeReference(self.name)
        if not node.HasParameter(self.name):  # e.g. after the scene was closed
            self.__set__(owner, self.default if self.default is not None else self.kind())
        return _READ[self.kind](node.GetParameter(self.name))

    def __set__(self, owner: Any, value: Any) -> None:
        node = owner.parameterNode
        if _isNode(self.kind):
            node.SetNodeReferenceID(self.name, value.GetID() if value is not None else None)
            return
        if not isinstance(value, (int, float) if self.kind is float else self.kind):
            raise TypeError(f"{self.name} is {self.kind.__name__}, not {value!r}")
        for rule in self.validators:
            rule.validate(value)
        node.SetParameter(self.name, str(value))


def _isNode(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, vtk.vtkObject)
