"""``slicer.util.loadUI``: a .ui file with stand-ins for the classes of ctk and qMRML."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace
from typing import Any

from PySide6 import QtCore, QtUiTools, QtWidgets

from Testing.slicer_harness import ctk, mrml_widgets
from Testing.slicer_harness.qt import dressed


class _Loader(QtUiTools.QUiLoader):
    def __init__(self) -> None:
        super().__init__()
        self.made: list[QtWidgets.QWidget] = []

    def createWidget(
        self, className: str, parent: QtWidgets.QWidget | None = None, name: str = ""
    ) -> QtWidgets.QWidget:
        made = getattr(ctk, className, None) or getattr(mrml_widgets, className, None)
        if made is None and hasattr(QtWidgets, className):
            made = dressed(getattr(QtWidgets, className))
        if made is None:
            raise ValueError(f"The harness has no stand-in for {className}")
        widget = made(parent)
        widget.setObjectName(name)
        self.made.append(widget)
        return widget  # type: ignore[no-any-return]


def loadUI(path: str) -> Any:
    """The root widget; its scene goes to the widgets that the file connects to it."""
    # Qt would look for the scene's signal by its C++ type, which Python can't declare.
    tree = ElementTree.parse(path)
    links = tree.getroot().find("connections")
    plain = QtCore.QBuffer()
    plain.setData(_without(tree, links))
    loader = _Loader()
    root = loader.load(plain)
    root._harnessLoader = loader  # else Python would forget what it has added to Qt's classes
    for link in links if links is not None else ():
        if link.findtext("signal") != "mrmlSceneChanged(vtkMRMLScene*)":
            raise ValueError(f"The harness does not know the signal {link.findtext('signal')}")
        receiver = root.findChild(QtCore.QObject, link.findtext("receiver"))
        root.mrmlSceneChanged.connect(receiver.setMRMLScene)
    return root


def _without(tree: Any, part: Any) -> bytes:
    if part is not None:
        tree.getroot().remove(part)
    return bytes(ElementTree.tostring(tree.getroot()))


def childWidgetVariables(root: Any) -> SimpleNamespace:
    """An attribute for every named widget."""
    found = root.findChildren(QtWidgets.QWidget)
    return SimpleNamespace(**{w.objectName(): w for w in found if w.objectName().isidentifier()})
