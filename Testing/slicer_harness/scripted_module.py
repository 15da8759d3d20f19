"""``slicer.ScriptedLoadableModule``: the base classes of a scripted module."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path
from typing import Any

import slicer


class ScriptedLoadableModule:
    """Holds what the module says of itself; ``parent`` takes any attribute."""

    def __init__(self, parent: Any) -> None:
        self.parent = parent
        self.moduleName = type(self).__name__


class ScriptedLoadableModuleWidget:
    """A panel: ``layout`` is that of its parent widget."""

    def __init__(self, parent: Any = None) -> None:
        self.parent = parent
        self.layout = parent.layout() if callable(parent.layout) else parent.layout
        self.moduleName = type(self).__name__.removesuffix("Widget")

    def resourcePath(self, filename: str) -> str:
        """Path below Resources beside the module's file."""
        folder = Path(str(sys.modules[type(self).__module__].__file__)).parent
        return str(folder / "Resources" / filename)

    def setup(self) -> None:
        """Nothing to add: the developer's section is the application's."""

    def cleanup(self) -> None:
        """Nothing to clean."""

    def enter(self) -> None:
        """Nothing to do."""

    def exit(self) -> None:
        """Nothing to do."""


class ScriptedLoadableModuleLogic:
    """Logic with a parameter node, one a scene."""

    def __init__(self, parent: Any = None) -> None:
        self.moduleName = type(self).__name__.removesuffix("Logic")
        self.isSingletonParameterNode = True

    def getParameterNode(self) -> Any:
        """The module's vtkMRMLScriptedModuleNode, made where there is none."""
        scene = slicer.mrmlScene
        found = scene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
        if found is not None:
            return found
        node = scene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        node.SetSingletonTag(self.moduleName)
        node.SetModuleName(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        scene.AddNode(node)
        return scene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")


class ScriptedLoadableModuleTest(unittest.TestCase):
    """Self-tests; the message window of ``delayDisplay`` is left out.

    Attributes:
        moduleTestNames: what ``runTest`` runs: every method whose name contains "test".
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [name for name in dir(self) if "test" in name]
        self.moduleTestNames = [name for name in names if callable(getattr(self, name))]

    def runTest(self) -> None:
        """All tests in a row, as Reload & Test has them run.

        This is not unittest's order of things: the first failure goes straight to the caller, with
        no ``tearDown`` and no ``tearDownClass``, and what ``addCleanup`` was given is never called.
        """
        self.setUpClass()
        for name in self.moduleTestNames:
            self.setUp()
            getattr(self, name)()
            self.tearDown()
        self.tearDownClass()

    def delayDisplay(self, message: str, *_: Any, **__: Any) -> None:
        """Slicer shows the message for a moment."""
        print(message)
