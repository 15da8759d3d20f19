"""The scene, ``slicer.app``, ``slicer.modules`` and the parts of ``slicer.util`` that need them."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from Testing.slicer_harness.messages import messages

_kept: list[Any] = []  # logics and managers, which live as long as the scene


def install() -> None:
    """Make the modules that a scripted module imports importable, and an empty scene.

    Raises:
        ImportError: PySide6 or slicer-core is not installed.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    import slicer
    import vtk
    from PySide6 import QtWidgets

    if not hasattr(slicer, "vtkSlicerSegmentationsModuleLogic"):
        raise ImportError("slicer-core is not installed")
    if QtWidgets.QApplication.instance() is None:
        _kept.append(QtWidgets.QApplication(["slicer"]))
    if hasattr(slicer, "harness"):
        return
    vtk.vtkObject.GlobalWarningDisplayOff()  # the application logs these, it does not print them
    slicer.harness = True
    slicer.modules = SimpleNamespace()
    _installModules(slicer)
    _installApp(slicer)
    _installUtil(slicer.util)
    _installLauncher()
    newScene()


def newScene() -> Any:
    """An empty scene with the application's logics; the old one is left to whoever holds it."""
    import slicer

    scene = slicer.vtkMRMLScene()
    slicer.mrmlScene = scene
    messages.clear()
    application = slicer.vtkMRMLApplicationLogic()
    application.SetMRMLScene(scene)
    files, cache = slicer.vtkDataIOManager(), slicer.vtkCacheManager()
    cache.SetRemoteCacheDirectory(tempfile.mkdtemp(prefix="masam-harness-"))
    files.SetCacheManager(cache)
    scene.SetDataIOManager(files)
    scene.SetCacheManager(cache)
    colors = slicer.vtkMRMLColorLogic()  # grey levels for volumes, colours for segments
    colors.SetMRMLScene(scene)
    application.SetModuleLogic("Colors", colors)
    colors.AddDefaultColorNodes()
    logics = {
        "segmentations": slicer.vtkSlicerSegmentationsModuleLogic,
        "volumes": slicer.vtkSlicerVolumesLogic,
        "markups": slicer.vtkSlicerMarkupsLogic,
        "sequences": slicer.vtkSlicerSequencesLogic,
    }
    made = {name: kind() for name, kind in logics.items()}
    for name, logic in made.items():
        application.SetModuleLogic(name.capitalize(), logic)
        logic.SetMRMLApplicationLogic(application)
        logic.SetMRMLScene(scene)
        setattr(slicer.modules, name, SimpleNamespace(logic=lambda logic=logic: logic))
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
    for name in ("Red", "Green", "Yellow"):
        node = scene.CreateNodeByClass("vtkMRMLSliceNode")  # with the presets of the scene
        node.UnRegister(None)
        node.SetName(name)
        node.SetLayoutName(name)
        node.SetSingletonTag(name)
        node.SetMappedInLayout(1)
        scene.AddNode(node)
    crosshair = slicer.vtkMRMLCrosshairNode()
    crosshair.SetCrosshairName("default")
    crosshair.SetSingletonTag("default")
    scene.AddNode(crosshair)
    slicer.app.logic = application
    _kept.append((scene, application, files, cache, made, colors))
    return scene


def _installModules(slicer: Any) -> None:
    from Testing.slicer_harness import ctk, i18n, parameter_node, qt, scripted_module

    sys.modules.update(qt=qt, ctk=ctk)
    parts: dict[str, ModuleType] = {
        "i18n": i18n,
        "parameterNodeWrapper": parameter_node,
        "ScriptedLoadableModule": scripted_module,
    }
    for name, module in parts.items():
        sys.modules[f"slicer.{name}"] = module
        setattr(slicer, name, module)


def _installApp(slicer: Any) -> None:
    from Testing.slicer_harness import main_window

    slicer.app = SimpleNamespace(
        logic=None,
        applicationLogic=lambda: slicer.app.logic,
        connect=lambda signal, slot: True,
        testingEnabled=lambda: True,
        layoutManager=lambda: main_window.mainWindow().layoutManager(),
        applicationVersion="5.10.0",
        processEvents=lambda: _application().processEvents(),
    )


def _installLauncher() -> None:
    """``PythonSlicer`` on the path: a launcher, below which Python is a process of its own."""
    folder = Path(tempfile.mkdtemp(prefix="masam-harness-"))
    launcher = folder / "PythonSlicer"
    launcher.write_text(f'#!/bin/sh\n"{sys.executable}" "$@"\nexit $?\n')
    launcher.chmod(0o755)
    os.environ["PATH"] = os.pathsep.join([str(folder), os.environ.get("PATH", "")])


def _installUtil(util: Any) -> None:
    from Testing.slicer_harness import main_window, ui_loader

    util.mainWindow = main_window.mainWindow
    util.loadUI = ui_loader.loadUI
    util.childWidgetVariables = ui_loader.childWidgetVariables
    util.tryWithErrorDisplay = tryWithErrorDisplay
    util.setSliceViewerLayers = setSliceViewerLayers
    util.confirmOkCancelDisplay = lambda text, *_, **__: _said("confirm", text)
    for kind in ("errorDisplay", "warningDisplay", "infoDisplay"):
        setattr(util, kind, lambda text, *_, kind=kind, **__: _said(kind, text))


@contextlib.contextmanager
def tryWithErrorDisplay(message: str = "", **_: Any) -> Iterator[None]:
    """An error is shown in a window and raised again."""
    try:
        yield
    except Exception as error:
        _said("error", f"{message}\n\n{error}".strip())
        raise


def setSliceViewerLayers(
    background: Any = None, fit: bool = False, rotateToVolumePlane: bool = False, **_: Any
) -> None:
    """Centre the slice views on a volume, at a field of view that holds it."""
    import slicer

    bounds = [0.0] * 6
    background.GetRASBounds(bounds)
    sizes = [bounds[2 * a + 1] - bounds[2 * a] for a in range(3)]
    for number in range(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSliceNode")):
        node = slicer.mrmlScene.GetNthNodeByClass(number, "vtkMRMLSliceNode")
        orientation = {"Red": "Axial", "Green": "Coronal", "Yellow": "Sagittal"}
        if node.GetLayoutName() not in orientation:
            continue  # of no view: a test's own, which the scene may still hold
        node.SetOrientation(orientation[node.GetLayoutName()])
        if rotateToVolumePlane:
            node.RotateToVolumePlane(background)
        if fit:
            node.SetFieldOfView(max(sizes), max(sizes), 1.0)
        node.JumpSliceByCentering(*[(bounds[2 * a] + bounds[2 * a + 1]) / 2 for a in range(3)])


def _said(kind: str, text: str) -> bool:
    messages.append((kind, text))
    return True


def _application() -> Any:
    from PySide6 import QtWidgets

    return QtWidgets.QApplication.instance()
