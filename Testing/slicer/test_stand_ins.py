"""The stand-ins refuse what the application was seen to refuse."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Annotated, Any

import pytest

SOURCE = """
import qt

def shoot(timer):
    timer.singleShot = True

def settle(timer):
    timer.setSingleShot(True)
    timer.interval = 40

def invent(label):
    label.colour = "red"

def misuse(spin):
    spin.value = "many"
"""


@pytest.fixture
def written(harness: Any) -> Any:
    """Code in PythonQt's manner."""
    from types import ModuleType

    module = ModuleType("masam_written_for_slicer")
    harness.dress(module.__name__)
    exec(compile(SOURCE, module.__name__, "exec"), module.__dict__)
    return module


def test_a_property_behind_a_static_method_is_set_by_its_setter_only(written: Any) -> None:
    import qt

    timer = qt.QTimer()
    with pytest.raises(AttributeError, match="'singleShot' can not be overwritten on QTimer"):
        written.shoot(timer)
    written.settle(timer)
    assert (timer.property("singleShot"), timer.property("interval")) == (True, 40)


def test_new_attributes_and_values_of_another_kind_are_refused(written: Any) -> None:
    import qt

    with pytest.raises(AttributeError, match="'colour' does not exist on QLabel"):
        written.invent(qt.QLabel())
    with pytest.raises(TypeError, match="'value' of QSpinBox does not accept"):
        written.misuse(qt.QSpinBox())


def test_a_signal_is_connected_by_its_types_too(written: Any) -> None:
    import ctk
    import qt

    heard: list[int] = []
    box = qt.QComboBox()
    box.addItem("one")
    assert box.connect("activated( int )", heard.append)
    box.activated.emit(0)
    assert heard == [0]
    for signal in ("activated(QString)", "activated()", "activate(int)", "activated"):
        with pytest.raises(AttributeError, match="no signal"):
            box.connect(signal, heard.append)
    with pytest.raises(AttributeError, match="no signal"):
        ctk.ctkCollapsibleButton().connect("contentsCollapsed(int)", heard.append)


def named(widget: Any, name: str) -> SimpleNamespace:
    """A panel of one widget that is bound to a parameter."""
    widget.setProperty("SlicerParameterName", name)
    return SimpleNamespace(widget=widget)


def wrapped(hint: Any, default: Any) -> Any:
    """A parameter node with one parameter, ``number``."""
    import slicer
    from slicer.parameterNodeWrapper import parameterNodeWrapper

    kind = type("Node", (), {"__annotations__": {"number": hint}, "number": default})
    return parameterNodeWrapper(kind)(slicer.vtkMRMLScriptedModuleNode())


def test_a_slider_without_bounds_is_refused(harness: Any) -> None:
    import ctk
    import qt
    from slicer.parameterNodeWrapper import Minimum

    for hint in (float, Annotated[float, Minimum(0.0)]):
        with pytest.raises(RuntimeError, match="ctkSliderWidget where the float types is unbound"):
            wrapped(hint, 0.5).connectGui(named(ctk.ctkSliderWidget(), "number"))
    with pytest.raises(RuntimeError, match="unbounded"):
        wrapped(int, 1).connectGui(named(qt.QSlider(), "number"))
    with pytest.raises(RuntimeError, match="Unable to create GUI connector"):
        wrapped(float, 0.5).connectGui(named(qt.QSpinBox(), "number"))


def test_a_spin_box_has_the_parameters_limits_and_not_its_own(harness: Any) -> None:
    import qt
    from slicer.parameterNodeWrapper import Maximum, WithinRange

    for hint, expected in (
        (float, (float("-inf"), float("inf"))),
        (Annotated[float, Maximum(3.0)], (float("-inf"), 3.0)),
        (Annotated[float, WithinRange(0.0, 2.0)], (0.0, 2.0)),
    ):
        spin = qt.QDoubleSpinBox()
        spin.setRange(-1.0, 50.0)
        assert wrapped(hint, 1.0).connectGui(named(spin, "number")) is None
        assert (spin.minimum(), spin.maximum()) == expected


def test_values_are_checked_when_they_are_set_and_not_when_they_are_read(harness: Any) -> None:
    from slicer.parameterNodeWrapper import Choice, Default, WithinRange

    node = wrapped(Annotated[float, WithinRange(0.0, 2.0), Default(1.5)], None)
    assert node.number == 1.5
    with pytest.raises(ValueError, match="-7"):
        node.number = -7.0
    node.parameterNode.SetParameter("number", "-7")
    assert node.number == -7.0
    choice = wrapped(Annotated[str, Choice(["a", "b"])], "a")
    with pytest.raises(ValueError, match="c"):
        choice.number = "c"
    with pytest.raises(TypeError, match="str"):
        choice.number = 3


def test_a_launcher_is_not_the_python_that_it_starts(harness: Any) -> None:
    import subprocess
    import sys

    from MASAMSlicerLib import workerprocess as worker

    launcher = worker.pythonExecutable()
    assert launcher != sys.executable
    process = subprocess.Popen(
        [launcher, "-c", "import os; print(os.getpid(), os.getppid())"],
        stdout=subprocess.PIPE,
        text=True,
    )
    own, parent = map(int, process.communicate(timeout=60)[0].split())
    assert own != process.pid
    assert parent == process.pid


def test_a_wait_does_what_a_slow_round_has_put_off(harness: Any) -> None:
    from PySide6 import QtCore

    done: list[str] = []

    def slow() -> None:
        time.sleep(0.03)
        QtCore.QTimer.singleShot(0, lambda: done.append("later"))

    QtCore.QTimer.singleShot(0, slow)
    harness.process(0.01)
    assert done == ["later"]
