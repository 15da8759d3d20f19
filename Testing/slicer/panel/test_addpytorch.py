"""PyTorch added to an installation that began without it: asked, refused, stopped, resumed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from masam_core.errors import NeedsPyTorch

from .conftest import Person
from .steps import settle

WORDS = "The model 'sam-vit-b' needs PyTorch, which is not installed."


class Quick:
    """A Slicer in which OpenVINO computes, and what stands for its ways to PyTorch.

    Attributes:
        torch: whether it is there.
        yes: what the user answers.
        done: what was asked for and done, in its order.
    """

    def __init__(self, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        import slicer
        from MASAMSlicerLib import workerprocess

        self.person, self.ui = person, person.ui
        self.patch = monkeypatch
        self.torch, self.yes, self.done = False, True, []  # type: bool, bool, list[Any]
        monkeypatch.setattr(
            workerprocess, "missing", lambda names: [] if self.torch else _without(names)
        )
        monkeypatch.setattr(slicer.util, "pip_install", self._pip, raising=False)
        monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", self._confirm)
        monkeypatch.setattr(
            slicer.util, "restart", lambda: self.done.append("restart"), raising=False
        )
        person.panel._forgetGreeting()
        inputs = person.panel.inputs
        monkeypatch.setattr(inputs, "askWorker", lambda: self.done.append("look again"))
        person.panel.addPyTorch._onAdded = inputs.askWorker
        self.look()

    def extension(self) -> None:
        """Slicer's extension PyTorch is installed and loaded."""
        module = ModuleType("PyTorchUtils")
        module.__spec__ = SimpleNamespace(name="PyTorchUtils")  # type: ignore[assignment]
        module.PyTorchUtilsLogic = lambda: SimpleNamespace(  # type: ignore[attr-defined]
            torchInstalled=lambda: self.torch, installTorch=self._installTorch
        )
        self.patch.setitem(sys.modules, "PyTorchUtils", module)

    def manager(self, works: bool = True) -> None:
        """Slicer has an extensions manager, whose server gives the extension or does not."""
        import slicer

        manager = SimpleNamespace(
            installExtensionFromServer=lambda name: self.done.append(name) or works
        )
        self.patch.setattr(slicer.app, "extensionsManagerModel", lambda: manager, raising=False)

    def look(self) -> None:
        self.person.panel.install.check()
        settle(self.person)

    def click(self, button: Any) -> None:
        button.click()
        settle(self.person)

    def _installTorch(self, askConfirmation: bool = False) -> Any:
        assert askConfirmation
        self.done.append("torch")
        self.torch = self.yes
        return object() if self.yes else None

    def _confirm(self, text: str) -> bool:
        self.done.append(text)
        return self.yes

    def _pip(self, arguments: Any) -> None:
        self.done.append(arguments)
        self.torch = True


def _without(names: Any) -> list[str]:
    return [name for name in names if name == "torch"]


@pytest.fixture
def quick(person: Person, monkeypatch: pytest.MonkeyPatch) -> Quick:
    return Quick(person, monkeypatch)


def needed(person: Person) -> None:
    """A run fails as the worker says it where a model needs PyTorch."""
    from masam_core.worker.client import WorkerError
    from masam_core.worker.codes import code_of

    error = NeedsPyTorch(f"{WORDS} {NeedsPyTorch.advice}")
    person.panel.context.sayError(WorkerError(code_of(error), str(error)))
    settle(person)


def test_it_is_offered_where_it_says_what_computes_and_comes_on_a_yes(quick: Quick) -> None:
    ui, person = quick.ui, quick.person
    quick.extension()
    assert ui.installFrame.isHidden()  # nothing is missing
    ui.advancedCollapsibleButton.collapsed = False
    settle(person)
    assert not ui.addPyTorchButton.isHidden()
    assert "Computes with OpenVINO" in ui.engineLabel.text
    assert "GB" in ui.engineLabel.text
    stopped: list[bool] = []
    quick.patch.setattr(person.session.client, "close", lambda: stopped.append(True))
    quick.yes = False
    quick.click(ui.addPyTorchButton)
    assert person.status == "PyTorch was not installed; everything is as it was."
    assert not ui.addPyTorchButton.isHidden()
    assert (quick.done, stopped) == (["torch"], [])
    quick.yes = True
    quick.click(ui.addPyTorchButton)
    assert person.status.startswith("PyTorch is here")
    assert ui.engineLabel.text == "Computes with PyTorch and OpenVINO."
    assert ui.addPyTorchButton.isHidden()
    assert ui.addPyTorchFolderButton.isHidden()
    # The worker that had looked in vain has ended, and another is asked what there is.
    assert (quick.done[1:], stopped) == (["torch", "look again"], [True])


def test_a_message_that_something_needs_it_offers_it_as_long_as_it_stands(quick: Quick) -> None:
    ui, person = quick.ui, quick.person
    quick.extension()
    assert ui.offerButton.isHidden()
    needed(person)
    assert person.status == WORDS  # and not how to install it by typing
    assert not ui.offerButton.isHidden()
    assert ui.offerButton.text == ui.addPyTorchButton.text == "Add PyTorch ..."
    person.panel.context.say("Something else.")
    settle(person)
    assert ui.offerButton.isHidden()
    needed(person)
    quick.yes = False
    quick.click(ui.offerButton)
    assert not ui.offerButton.isHidden()  # one may think better of it
    quick.yes = True
    quick.click(ui.offerButton)
    assert person.status.startswith("PyTorch is here")
    assert ui.offerButton.isHidden()


@pytest.mark.parametrize("where", ["another machine", "here already", "nothing is here"])
def test_it_is_not_offered_where_it_would_not_help(quick: Quick, where: str) -> None:
    from MASAMSlicerLib import workerprocess
    from MASAMSlicerLib.panel import settings

    if where == "another machine":
        settings.write("workerCommand", "ssh gpu worker")
    elif where == "here already":
        quick.torch = True
    else:  # the frame at the top is for that
        quick.patch.setattr(workerprocess, "missing", lambda names: list(names))
    quick.ui.advancedCollapsibleButton.collapsed = False
    quick.look()
    needed(quick.person)
    assert (quick.person.status == WORDS) == (where != "another machine")
    for button in (quick.ui.addPyTorchButton, quick.ui.offerButton):
        assert button.isHidden()
    assert quick.ui.engineLabel.isHidden() != (where == "here already")


def test_refusals_are_told_and_change_nothing(quick: Quick) -> None:
    ui, person = quick.ui, quick.person
    needed(person)
    quick.click(ui.offerButton)
    assert person.status.startswith("This Slicer was built without the extensions manager")
    assert quick.done == []
    quick.manager(works=False)
    quick.yes = False
    quick.click(ui.offerButton)
    assert len(quick.done) == 1
    assert "Slicer restarts after it" in quick.done[0]
    assert person.status == "PyTorch was not installed; everything is as it was."
    quick.yes = True
    quick.click(ui.offerButton)
    assert quick.done[2] == "PyTorch"
    assert "could not be installed" in person.status
    assert "restart" not in quick.done

    def fail() -> Any:
        raise OSError("No space left on device")

    quick.extension()
    quick.patch.setattr(quick, "_installTorch", lambda **_: fail())
    quick.click(ui.offerButton)
    assert "No space left on device" in person.status
    assert not ui.offerButton.isHidden()  # for another try


def test_no_restart_takes_work_with_it_and_it_goes_on_after_one(quick: Quick, case: Any) -> None:
    ui, person = quick.ui, quick.person
    quick.manager()
    needed(person)
    quick.click(ui.offerButton)
    assert "save the scene" in quick.done[0]
    assert quick.done[1:] == ["PyTorch"]
    assert "Save the scene, restart Slicer" in person.status
    person.widget.exit()
    person.widget.enter()
    settle(person)
    assert "is here now" not in person.status  # not yet
    quick.extension()
    person.widget.exit()
    person.widget.enter()
    settle(person)
    assert "is here now: press 'Add PyTorch ...'" in person.status
    quick.click(ui.offerButton)
    assert person.status.startswith("PyTorch is here:")
    person.widget.exit()
    person.widget.enter()
    settle(person)
    assert "is here now" not in person.status  # said once


def test_an_empty_scene_is_restarted(quick: Quick) -> None:
    quick.manager()
    quick.click(quick.ui.addPyTorchButton)
    assert quick.done[1:] == ["PyTorch", "restart"]


def test_a_folder_of_wheels_needs_no_network(quick: Quick, tmp_path: Path) -> None:
    ui, person = quick.ui, quick.person
    answers = iter(["", str(tmp_path), str(tmp_path)])
    quick.patch.setattr(person.panel.context, "askForFolder", lambda *_: next(answers))
    quick.click(ui.addPyTorchFolderButton)
    assert (quick.done, person.status) == ([], "")  # thought better of it
    quick.click(ui.addPyTorchFolderButton)
    assert "holds no .whl file" in person.status
    assert "pip download -d FOLDER torch>=2.4 torchvision>=0.19" in person.status
    (tmp_path / "torch-2.9.0-cp312-none-win_amd64.whl").write_bytes(b"")
    quick.click(ui.addPyTorchFolderButton)
    offline = ["--no-index", "--find-links", str(tmp_path)]
    assert quick.done == [[*offline, "torch>=2.4", "torchvision>=0.19"], "look again"]


def test_what_was_installed_and_is_not_found_is_not_called_here(quick: Quick) -> None:
    def install(askConfirmation: bool) -> object:
        return object()

    quick.patch.setattr(quick, "_installTorch", install)
    quick.extension()
    quick.click(quick.ui.addPyTorchButton)
    assert quick.person.status.startswith("Slicer's Python does not find PyTorch yet.")


def test_it_waits_for_a_run(quick: Quick) -> None:
    person, button = quick.person, quick.ui.addPyTorchButton
    busy: Callable[[Any], bool] = lambda _: True  # noqa: E731
    quick.patch.setattr(type(person.session), "busy", property(busy))
    quick.extension()
    settle(person)
    assert not button.enabled
    assert "Wait until the run" in button.toolTip
    person.panel.addPyTorch._add(lambda: quick.done.append("torch") or "")
    assert quick.done == []


def test_training_says_beforehand_that_it_needs_it(quick: Quick) -> None:
    button = quick.ui.improveButton
    assert not button.enabled
    assert button.toolTip == "Training needs PyTorch: press 'Add PyTorch ...' above."
    quick.torch = True
    quick.look()
    assert button.enabled
